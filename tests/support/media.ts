/** Media items, connections and a pretended web, for tests of what is taken into the store. */
import { env } from "cloudflare:workers";
import { planMediaFetch } from "../../domain/media/fetch-plan.ts";
import { storeMedia } from "../../platform/media.ts";
import type { ConnectionInput } from "../../schema/connection.ts";
import type { Media } from "../../schema/message.ts";

export const STORE = (env as unknown as Env).STORE;
export const MIB = 1024 * 1024;
const VARS = {
  ENVIRONMENT: "test",
  EGRESS_ALLOW: "",
  PUBLIC_URL: "https://hub.example.com",
  DOH_URL: "",
  MEDIA_BYTES_MAX: 20 * MIB,
  MEDIA_TIMEOUT_MS: 2000,
} as const;

export const PNG = Uint8Array.from("\x89PNG\r\n\x1a\n-the-rest-of-it", (char) =>
  char.charCodeAt(0),
);
const MESSAGE_ID = "msg_01k000000000000000000a";

export const WHATSAPP: ConnectionInput = {
  id: "w",
  channel: "whatsapp",
  provider: "evolution",
  instance: "phone",
  baseUrl: "https://evolution.example.com",
  credentials: { apiKey: "evo" },
};
export const SLACK: ConnectionInput = {
  id: "s",
  channel: "slack",
  teamId: "T1",
  credentials: { signingSecret: "x", botToken: "xoxb-1" },
};

export function image(source: Media["source"], more: Partial<Media> = {}): Media {
  return { kind: "image", source, mime_type: "image/png", file_name: "a.png", ...more };
}

export const atUrl = (url: string, more: Partial<Media> = {}) => image({ from: "url", url }, more);

export interface Situation {
  readonly connection?: ConnectionInput;
  readonly answer?: (url: string, init: RequestInit) => Response | Promise<Response>;
  readonly vars?: Partial<Record<keyof typeof VARS, unknown>>;
  readonly index?: number;
}

export function store(media: Media, { connection, answer, vars, index = 0 }: Situation = {}) {
  const deps = {
    store: STORE,
    vars: { ...VARS, ...vars } as typeof VARS,
    fetch: (async (url: string, init: RequestInit) => {
      if (!answer) throw new Error("no call expected");
      return answer(url, init);
    }) as unknown as typeof fetch,
  };
  const fetchPlan = planMediaFetch(connection, media);
  const item = { tenant: "acme", messageId: MESSAGE_ID, index, media, fetchPlan };
  return storeMedia(deps, connection ? { ...item, connection } : item);
}

export function keyOf(media: Media): string {
  if (media.source.from !== "stored") throw new Error(JSON.stringify(media.source));
  return media.source.key;
}

/** `size` bytes in pieces of 1 MiB minus one, the first beginning like a PNG. */
export function streamOf(size: number, closes = true): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent >= size) return closes ? controller.close() : new Promise(() => undefined);
      const piece = new Uint8Array(Math.min(MIB - 1, size - sent)).fill(sent % 251);
      if (sent === 0) piece.set(PNG);
      sent += piece.byteLength;
      controller.enqueue(piece);
    },
  });
}

export const toBase64 = (bytes: Uint8Array) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
