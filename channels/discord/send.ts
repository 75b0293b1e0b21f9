/**
 * The next request of an outbound message. Posts go through the responder of an interaction while it answers
 * (first part into `@original`, the others as follow-ups) and to the channel otherwise; a person without a channel
 * (`user:<id>`) gets one opened first. Posts to a channel carry a nonce, so repeating them is safe; a follow-up has
 * no such thing. Pure: the same answers lead to the same request.
 */
import type { Connection, DiscordConnection } from "../../schema/connection.ts";
import type {
  MultipartPart,
  OutboundMessage,
  OutboundRequest,
  RequestBody,
  StepResponse,
} from "../../schema/outbound.ts";
import { apiRoot, REQUEST_TIMEOUT_MS, UPLOAD_TIMEOUT_MS, USER_AGENT } from "./facts.ts";
import { nonceOf } from "./nonce.ts";
import type { Act, Post } from "./plan.ts";
import { NO_PINGS, planOf } from "./plan.ts";

type Next = OutboundRequest | "done" | { readonly refused: string };
type Target = Connection<DiscordConnection>;

/** Marks an answer that says the responder is gone: what it should have carried goes to the channel. */
export const RESPONDER_GONE = "responder_gone";
export const OPEN_DM = "open_dm";
const USER_PREFIX = "user:";

/** See `ChannelAdapter.next`. */
export function nextRequest(
  message: OutboundMessage,
  connection: Target,
  responses: readonly StepResponse[],
): Next {
  const plan = planOf(message.content);
  if ("refused" in plan) return plan;
  const done = new Map(responses.map((response) => [response.step, response]));
  const index = plan.findIndex((act, position) => !isDone(act, position, done));
  const act = plan[index];
  if (!act) return "done";
  if (act.is === "post" && answers(message, responses)) {
    return responderRequest(message, connection, act.post, index);
  }
  return channelRequest(message, connection, act, index, done);
}

function isDone(act: Act, index: number, done: ReadonlyMap<string, StepResponse>): boolean {
  if (act.is === "call") return done.has(act.step);
  if (done.has(`part:${index}`)) return true;
  const answered = done.get(`original:${index}`) ?? done.get(`follow_up:${index}`);
  return answered !== undefined && answered.data?.gone !== RESPONDER_GONE;
}

/** True while the message has a responder and no answer has said that it is gone. */
function answers(message: OutboundMessage, responses: readonly StepResponse[]): boolean {
  if (message.responder?.via !== "discord_interaction") return false;
  return !responses.some((response) => response.data?.gone === RESPONDER_GONE);
}

/** The token in the URL is the authority: no bot token goes along. */
function responderRequest(
  message: OutboundMessage,
  connection: Target,
  post: Post,
  index: number,
): Next {
  const responder = message.responder;
  if (responder?.via !== "discord_interaction") return { refused: "no_responder" };
  const original = index === 0 && !responder.followUp;
  const hook = `${encodeURIComponent(responder.applicationId)}/${encodeURIComponent(responder.token)}`;
  return {
    step: original ? "original:0" : `follow_up:${index}`,
    method: original ? "PATCH" : "POST",
    url: `${apiRoot(connection)}/webhooks/${hook}${original ? "/messages/@original" : ""}`,
    headers: { "user-agent": USER_AGENT },
    body: bodyOf(post, {}),
    timeoutMs: timeoutOf(post),
    idempotent: original,
  };
}

function channelRequest(
  message: OutboundMessage,
  connection: Target,
  act: Act,
  index: number,
  done: ReadonlyMap<string, StepResponse>,
): Next {
  const token = connection.credentials.botToken;
  if (!token) return { refused: "no_bot_token" };
  const headers = { authorization: `Bot ${token}`, "user-agent": USER_AGENT };
  const place = placeOf(message, done);
  if (place.is === "refused") return { refused: "bad_conversation_key" };
  if (place.is === "person") return openDm(place.user, connection, headers);
  const channel = `${apiRoot(connection)}/channels/${place.id}`;
  return act.is === "call"
    ? callRequest(act, channel, headers)
    : postRequest(message, act.post, index, channel, headers);
}

type Place =
  | { readonly is: "channel"; readonly id: string }
  | { readonly is: "person"; readonly user: string }
  | { readonly is: "refused" };

/** Where it goes; a thread is a channel of its own. Ids that are no snowflakes never reach a path. */
function placeOf(message: OutboundMessage, done: ReadonlyMap<string, StepResponse>): Place {
  const key = message.thread ?? message.conversationKey;
  const person = key.startsWith(USER_PREFIX);
  const opened = done.get(OPEN_DM)?.data?.channel;
  const id = person ? (opened ?? key.slice(USER_PREFIX.length)) : key;
  if (!/^\d{1,20}$/.test(id)) return { is: "refused" };
  return person && opened === undefined ? { is: "person", user: id } : { is: "channel", id };
}

type Headers = Readonly<Record<string, string>>;

/** Opening a conversation that is already open answers the same channel. */
function openDm(user: string, connection: Target, headers: Headers): OutboundRequest {
  return {
    step: OPEN_DM,
    method: "POST",
    url: `${apiRoot(connection)}/users/@me/channels`,
    headers,
    body: { as: "json", json: { recipient_id: user } },
    timeoutMs: REQUEST_TIMEOUT_MS,
    idempotent: true,
  };
}

function callRequest(
  act: Extract<Act, { is: "call" }>,
  channel: string,
  headers: Headers,
): OutboundRequest {
  return {
    step: act.step,
    method: act.method,
    url: channel + act.path,
    headers,
    body: act.json === undefined ? { as: "none" } : { as: "json", json: act.json },
    timeoutMs: REQUEST_TIMEOUT_MS,
    idempotent: true,
  };
}

function postRequest(
  message: OutboundMessage,
  post: Post,
  index: number,
  channel: string,
  headers: Headers,
): OutboundRequest {
  const reply = index === 0 && message.replyTo !== undefined && /^\d{1,20}$/.test(message.replyTo);
  const extras = {
    nonce: nonceOf(message.id, index),
    enforce_nonce: true,
    ...(reply && {
      message_reference: { message_id: message.replyTo, fail_if_not_exists: false },
    }),
  };
  return {
    step: `part:${index}`,
    method: "POST",
    url: `${channel}/messages`,
    headers,
    body: bodyOf(post, extras),
    timeoutMs: timeoutOf(post),
    idempotent: true,
  };
}

function timeoutOf(post: Post): number {
  return post.files.length > 0 ? UPLOAD_TIMEOUT_MS : REQUEST_TIMEOUT_MS;
}

/** JSON, or with files `payload_json` and `files[n]` whose order `attachments` repeats. */
function bodyOf(post: Post, extras: object): RequestBody {
  const names = post.files.map((file, n) => file.file_name ?? `${file.kind}-${n + 1}`);
  const json = {
    ...(post.text !== undefined && { content: post.text }),
    ...(post.components && { components: post.components }),
    ...(names.length > 0 && { attachments: names.map((filename, id) => ({ id, filename })) }),
    allowed_mentions: NO_PINGS,
    ...extras,
  };
  if (post.files.length === 0) return { as: "json", json };
  const files = post.files.map(
    (media, n): MultipartPart => ({
      name: `files[${n}]`,
      media,
      fileName: names[n] ?? `file-${n}`,
      ...(media.mime_type && { contentType: media.mime_type }),
    }),
  );
  const payload = {
    name: "payload_json",
    value: JSON.stringify(json),
    contentType: "application/json",
  };
  return { as: "multipart", parts: [payload, ...files] };
}
