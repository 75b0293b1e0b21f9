/** A turn, a pretended Hive and its answers, for the tests of the Hive route. */
import type { HiveRoute } from "../../../domain/messaging/routing.ts";
import { callHiveRoute } from "../../../platform/hive-client.ts";
import type { UnifiedMessage } from "../../../schema/message.ts";

const VARS = {
  ENVIRONMENT: "test",
  EGRESS_ALLOW: "",
  PUBLIC_URL: "https://hub.example.com",
  DOH_URL: "",
} as const;

function message(text: string, more: Partial<UnifiedMessage["content"]> = {}): UnifiedMessage {
  return {
    id: `msg_${text}`,
    source: "whatsapp",
    tenant: "acme",
    content: { text, media: [], metadata: {}, ...more },
    timestamp: "2026-11-21T06:00:00.000Z",
    connection: "c1",
    conversation: "cnv_1",
    direction: "inbound",
    kind: "message",
    eventKey: "k",
    platform_id: "p",
    sender: { id: "5511", aliases: [] },
    group: false,
    mentions: [],
  };
}

const PICTURE = { media: [{ kind: "image", source: { from: "stored", key: "k" } }] } as const;
export const TURN = {
  tenant: "acme",
  connection: "c1",
  conversation: "cnv_1",
  session: "ses_1",
  turnId: "trn_1",
  messages: [message("one"), message("", { media: [...PICTURE.media] }), message("two")],
  history: [message("before")],
};

type Sent = { readonly url: string; readonly headers: Headers; readonly body: unknown };

export async function call(
  route: Partial<HiveRoute>,
  answer: (signal: AbortSignal) => Response | Promise<Response>,
) {
  const sent: Sent[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    sent.push({
      url,
      headers: new Headers(init.headers as Record<string, string>),
      body: init.body,
    });
    return answer(init.signal as AbortSignal);
  };
  const full: HiveRoute = {
    kind: "hive",
    baseUrl: "https://hive.example.com/",
    timeoutMs: 1000,
    ...route,
  };
  const deps = { vars: VARS, fetch: fetch as unknown as typeof globalThis.fetch };
  return { result: await callHiveRoute(full, TURN, { ...deps, traceparent: "00-1-2-01" }), sent };
}

export const AGENT = { agent: "support" };
export const json = (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });

/** A streamed answer in pieces of `size` bytes, so that every boundary is met. */
export function streamed(text: string, size = 7, type = "text/event-stream") {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + size));
      at += size;
    },
  });
  return new Response(body, { headers: { "content-type": type } });
}

export type Event = readonly [string, Record<string, unknown>];
export const framed = (...events: Event[]) =>
  events
    .map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify({ event, ...data })}\n\n`)
    .join("");
export const unframed = (...events: Event[]) =>
  events.map(([event, data]) => JSON.stringify({ event, ...data })).join("");
export const said = (text: string) => ({ ok: true, value: [{ type: "text", text }] });
