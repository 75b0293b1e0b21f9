/**
 * Descriptions of Slack Web API calls: one bearer token, JSON bodies, and the deadline of each call.
 * Only `files.getUploadURLExternal` insists on a form body (Slack docs: Web API, methods).
 */
import type { OutboundMessage, OutboundRequest } from "../../schema/outbound.ts";

export const SLACK_ORIGIN = "https://slack.com";
/** How long a Web API call may take, in ms. */
export const CALL_TIMEOUT_MS = 10_000;
/** How long the bytes of a file may take, in ms. */
export const UPLOAD_TIMEOUT_MS = 60_000;
/** `event_type` of the metadata our posts carry, by which a post in doubt is found again. */
export const METADATA_TYPE = "omni_edge";

/** Where and as whom a message is sent. */
export interface SendTarget {
  /** Origin of the API, without a trailing slash. */
  readonly base: string;
  readonly token: string;
  readonly channel: string;
  readonly thread?: string;
}

/** One post: its text (also the notification text of blocks). */
export interface Post {
  readonly text: string;
  readonly blocks?: readonly unknown[];
}

/** A JSON call of a Web API method. */
export function apiCall(
  target: SendTarget,
  method: string,
  step: string,
  json: Readonly<Record<string, unknown>>,
  idempotent: boolean,
): OutboundRequest {
  return {
    step,
    method: "POST",
    url: `${target.base}/api/${method}`,
    headers: {
      authorization: `Bearer ${target.token}`,
      "content-type": "application/json; charset=utf-8",
    },
    body: { as: "json", json },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent,
  };
}

/** `chat.postMessage`. Slack has no idempotency key: the metadata lets a doubtful post be found. */
export function postCall(
  target: SendTarget,
  message: OutboundMessage,
  post: Post,
  part: number,
): OutboundRequest {
  const json = {
    channel: target.channel,
    ...post,
    ...(target.thread === undefined ? {} : { thread_ts: target.thread }),
    unfurl_links: false,
    metadata: { event_type: METADATA_TYPE, event_payload: { out_id: message.id, part } },
  };
  return apiCall(target, "chat.postMessage", `part:${part}`, json, false);
}

/** A post through a `response_url`: the URL itself is the credential, so no token goes along. */
export function responseUrlCall(url: string, target: SendTarget, post: Post): OutboundRequest {
  const json = {
    response_type: "in_channel",
    replace_original: false,
    ...post,
    ...(target.thread === undefined ? {} : { thread_ts: target.thread }),
  };
  return {
    step: "respond:0",
    method: "POST",
    url,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: { as: "json", json },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent: false,
  };
}
