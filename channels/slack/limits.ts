/** Slack's numbers, each with its unit and source. Data only. */
import type { ChannelLimits } from "../channel-adapter.ts";

/** Largest webhook body we read, in bytes. Slack's own are far smaller; a text of 40 000 emoji is 160 kB. */
export const BODY_BYTES_MAX = 1_048_576;
/** Advised length of `text` in characters; Slack cuts at 40 000 (Slack docs: chat.postMessage). */
export const TEXT_CHARS_MAX = 4000;
/** Characters of one section block (Slack docs: Block Kit, section). */
export const SECTION_CHARS_MAX = 3000;
/** Characters of a button's text, of its `value`, and of its `url` (Slack docs: Block Kit, button). */
export const BUTTON_TEXT_CHARS_MAX = 75;
export const BUTTON_VALUE_CHARS_MAX = 2000;
export const BUTTON_URL_CHARS_MAX = 3000;
/** Elements of one actions block (Slack docs: Block Kit, actions). */
export const ACTIONS_MAX = 25;
/** Life of a `response_url` in ms (Slack docs: handling user interaction, 30 minutes). */
export const RESPONSE_URL_LIFE_MS = 30 * 60 * 1000;
/** Longest challenge echoed, in characters. Slack's are about 60. */
export const CHALLENGE_CHARS_MAX = 1000;
/** Typed mentions, files and form values kept of one message; the text itself is always kept whole. */
export const MENTIONS_MAX = 100;
export const FILES_MAX = 20;
export const VALUES_MAX = 200;

export const SLACK_LIMITS: ChannelLimits = {
  textCharsMax: TEXT_CHARS_MAX,
  captionCharsMax: TEXT_CHARS_MAX,
  /** 1 GB per file (Slack help: file size). */
  mediaBytesMax: 1_000_000_000,
  bodyBytesMax: BODY_BYTES_MAX,
  /** Slack waits three seconds (Slack docs: Events API). */
  ackDeadlineMs: 3000,
  /** One post per second and channel with short bursts; a few hundred a minute per workspace (Slack docs: rate limits). */
  pacing: { perConnectionPerSecond: 5, burst: 10 },
  contentTypes: ["application/json", "application/x-www-form-urlencoded"],
};
