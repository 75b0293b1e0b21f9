/**
 * Verifies webhooks of custom sources by HMAC-SHA-256 over the raw bytes. Any one of several secrets may fit, so that
 * they can be replaced without a gap. Comparison is constant time, by `crypto.subtle.verify`.
 */
import {
  type InboundFailure,
  type InboundScheme,
  readInbound,
} from "../domain/events/inbound-hmac.ts";
import { fail, ok, type Result } from "../domain/result.ts";

/** An empty secret verifies nothing. */
export async function verifyInbound(
  scheme: InboundScheme,
  header: (name: string) => string | null,
  body: Uint8Array,
  secrets: readonly string[],
  nowMs: number,
): Promise<Result<void, InboundFailure>> {
  const signature = readInbound(scheme, header, nowMs);
  if (!signature.ok) return signature;
  const content = joined(new TextEncoder().encode(signature.value.before), body);
  for (const secret of secrets.filter((text) => text !== "")) {
    const key = await hmacKey(secret);
    for (const bytes of signature.value.signatures) {
      if (await crypto.subtle.verify("HMAC", key, bytes, content)) return ok(undefined);
    }
  }
  return fail({ reason: "mismatch" });
}

function hmacKey(secret: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
}

function joined(before: Uint8Array, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(before.length + body.length);
  bytes.set(before);
  bytes.set(body, before.length);
  return bytes;
}
