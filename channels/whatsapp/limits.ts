/** WhatsApp's and Evolution's numbers, each with its unit and where it comes from. */
import type { ChannelLimits } from "../channel-adapter.ts";

/**
 * Text and caption: WhatsApp's own limits (its Cloud API documents them). Media: 16 MiB is what every
 * client takes as image, video and audio; documents may have `DOCUMENT_BYTES_MAX`. Body: Evolution is set
 * up with `base64: false`, so bodies hold text. Deadline: the timeout of Evolution's webhook client.
 * Pace: no server limit exists, about one message a second and chat is what keeps numbers from being banned.
 */
export const WHATSAPP_LIMITS: ChannelLimits = {
  textCharsMax: 4096,
  captionCharsMax: 1024,
  mediaBytesMax: 16 * 1024 * 1024,
  bodyBytesMax: 1024 * 1024,
  ackDeadlineMs: 30_000,
  pacing: { perConnectionPerSecond: 20, burst: 5 },
  contentTypes: ["application/json"],
};

/** WhatsApp: documents up to 100 MB. */
export const DOCUMENT_BYTES_MAX = 100_000_000;

/** One webhook carries one message (Evolution sends no batches); forwarders that batch get this far. */
export const MESSAGES_PER_WEBHOOK_MAX = 100;
/** Mentions and contacts kept of one message. */
export const LIST_ITEMS_MAX = 100;

/** Waiting for one Evolution call, in ms; sends go through WhatsApp before they are answered. */
export const CALL_TIMEOUT_MS = 10_000;
/** Evolution downloads media itself before it sends them, in ms. */
export const MEDIA_TIMEOUT_MS = 60_000;
/** "typing…" is shown for this long; Evolution holds the request open meanwhile, in ms. */
export const TYPING_MS_DEFAULT = 1_000;
export const TYPING_MS_MAX = 10_000;
