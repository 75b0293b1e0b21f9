/** A webhook as an adapter gets it, built from a body and headers. */
import type { RawWebhook } from "../../schema/parsed.ts";
import type { HeaderValues } from "./channel-samples.ts";

/** Header names in lower case; `body` as text or bytes. */
export function rawWebhook(
  body: string | Uint8Array<ArrayBuffer>,
  headers: HeaderValues = {},
  suffix = "",
): RawWebhook {
  return {
    method: "POST",
    suffix,
    header: (name) => headers[name.toLowerCase()] ?? null,
    body: typeof body === "string" ? bytesOf(body) : body,
  };
}

/** UTF-8 in a buffer of its own. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(text));
}
