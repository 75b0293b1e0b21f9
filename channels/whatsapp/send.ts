/**
 * The next request of an outbound message to Evolution's REST API. Since 2.4 a send takes the message id we
 * choose and may be repeated; before, a send whose answer got lost must not be, and says so.
 */
import type { Connection, WhatsappConnection } from "../../schema/connection.ts";
import type { OutboundMessage, OutboundRequest, StepResponse } from "../../schema/outbound.ts";
import { isBroadcast, normaliseJid } from "./jid.ts";
import { CALL_TIMEOUT_MS, MEDIA_TIMEOUT_MS } from "./limits.ts";
import { platformIdOf } from "./message-id.ts";
import { type Act, planOf } from "./plan.ts";
import { requestBody } from "./request-body.ts";

type Target = Connection<WhatsappConnection>;
type Next = OutboundRequest | "done" | { readonly refused: string };

/** See `ChannelAdapter.next`. */
export function nextEvolution(
  message: OutboundMessage,
  connection: Target,
  responses: readonly StepResponse[],
): Next {
  const base = originOf(connection.baseUrl);
  if (base === undefined) {
    return { refused: "no_base_url" };
  }
  const jid = normaliseJid(message.conversationKey);
  if (jid === undefined || isBroadcast(jid)) {
    return { refused: "bad_address" };
  }
  const plan = planOf(message.content);
  if ("refused" in plan) {
    return plan;
  }
  const done = new Set(responses.map(({ step }) => step));
  const act = plan.find(({ step }) => !done.has(step));
  if (act === undefined) {
    return "done";
  }
  const quoted = act === plan[0] ? message.replyTo : undefined;
  return requestOf(act, { base, jid, connection, messageId: message.id, quoted });
}

/** Evolution's API root: an origin, so that nothing of a configured path can change what is called. */
export function originOf(baseUrl: string | undefined): string | undefined {
  const url = baseUrl === undefined ? null : URL.parse(baseUrl);
  const usable = url?.protocol === "https:" || url?.protocol === "http:";
  return usable && url.username === "" ? url.origin : undefined;
}

interface Sending {
  readonly base: string;
  readonly jid: string;
  readonly connection: Target;
  readonly messageId: string;
  readonly quoted: string | undefined;
}

function requestOf(
  act: Act,
  { base, jid, connection, messageId, quoted }: Sending,
): OutboundRequest {
  const version = connection.version ?? "2.3.7";
  const creates = act.is === "text" || act.is === "media";
  const keyed = creates && version === "2.4";
  const [method, path] = ROUTES[act.is](act, version);
  const options = {
    jid,
    version,
    ...(quoted === undefined ? {} : { quoted }),
    ...(keyed ? { platformId: platformIdOf(messageId, act.step) } : {}),
  };
  return {
    step: act.step,
    method,
    url: `${base}/${path}/${encodeURIComponent(connection.instance)}`,
    headers: { apikey: connection.credentials.apiKey },
    body: { as: "json", json: requestBody(act, options) },
    timeoutMs: timeoutOf(act),
    idempotent: keyed || !creates,
  };
}

type Version = NonNullable<WhatsappConnection["version"]>;
type Route = readonly ["POST" | "PUT" | "DELETE", string];

/** Evolution API v2 routes; version 1 differs in the method of an edit. */
const ROUTES: Readonly<Record<Act["is"], (act: Act, version: Version) => Route>> = {
  text: () => ["POST", "message/sendText"],
  media: (act) => ["POST", act.is === "media" ? mediaRoute(act.media.kind) : ""],
  reaction: () => ["POST", "message/sendReaction"],
  edit: (_act, version) => [version === "1" ? "PUT" : "POST", "chat/updateMessage"],
  delete: () => ["DELETE", "chat/deleteMessageForEveryone"],
  typing: () => ["POST", "chat/sendPresence"],
};

function mediaRoute(kind: string): string {
  if (kind === "voice") {
    return "message/sendWhatsAppAudio";
  }
  return kind === "sticker" ? "message/sendSticker" : "message/sendMedia";
}

/** `delay` is spent inside the request. */
function timeoutOf(act: Act): number {
  if (act.is === "media") {
    return MEDIA_TIMEOUT_MS;
  }
  return CALL_TIMEOUT_MS + (act.is === "typing" ? act.durationMs : 0);
}
