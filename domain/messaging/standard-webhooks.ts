/**
 * Standard Webhooks 1.0 without its cryptography: what is signed, how secrets and signature headers
 * read, and how old a delivery may be. `platform/webhook-signature.ts` computes.
 */
import { fail, ok, type Result } from "../result.ts";
import { fromBase64Url } from "../security/base64url.ts";

/** Deliveries may be this old or this far ahead, in seconds; the limit itself is still accepted. */
const TOLERANCE_SECONDS = 300;
/** A symmetric secret has 24 to 64 bytes (specification, "Signature scheme"). */
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
/** Signatures of one header that are tried: more than any rotation needs. */
const SIGNATURES_MAX = 16;

type Bytes = Uint8Array<ArrayBuffer>;

/** `v1` HMAC-SHA-256 (`whsec_…`), `v1a` Ed25519 (`whsk_…` signs, `whpk_…` verifies). */
export type WebhookKey =
  | { readonly scheme: "v1"; readonly secret: Bytes }
  | { readonly scheme: "v1a"; readonly publicKey: Bytes; readonly seed?: Bytes };

export interface SecretFailure {
  readonly reason: "malformed" | "length";
}

export interface WebhookHeaders {
  readonly id: string;
  readonly timestamp: number;
  readonly signatures: readonly { readonly scheme: "v1" | "v1a"; readonly bytes: Bytes }[];
}

export interface DeliveryFailure {
  readonly reason: "missing" | "malformed" | "stale" | "future" | "mismatch";
}

/** Reads a secret. A bare base64 text counts as `whsec_`. Says nothing about which characters were wrong. */
export function parseSecret(text: string): Result<WebhookKey, SecretFailure> {
  const match = /^(?:(whsec|whsk|whpk)_)?([A-Za-z0-9+/]{1,200}={0,2})$/.exec(text);
  const bytes = match?.[2] && match[2].length % 4 !== 1 ? fromBase64Url(match[2]) : undefined;
  if (!bytes) return fail({ reason: "malformed" });
  switch (match?.[1]) {
    case "whsk":
      if (bytes.length !== 64) return fail({ reason: "length" });
      return ok({ scheme: "v1a", seed: bytes.slice(0, 32), publicKey: bytes.slice(32) });
    case "whpk":
      if (bytes.length !== 32) return fail({ reason: "length" });
      return ok({ scheme: "v1a", publicKey: bytes });
    default:
      if (bytes.length < SECRET_BYTES_MIN || bytes.length > SECRET_BYTES_MAX) {
        return fail({ reason: "length" });
      }
      return ok({ scheme: "v1", secret: bytes });
  }
}

/** The bytes under the signature: `id.timestamp.body`, the body as it came. */
export function signedBytes(id: string, timestamp: number, body: Uint8Array): Bytes {
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** Reads the three headers and judges the age. Unknown signature versions are passed over. */
export function readWebhookHeaders(
  header: (name: string) => string | null,
  nowMs: number,
): Result<WebhookHeaders, DeliveryFailure> {
  const id = header("webhook-id");
  const stamp = header("webhook-timestamp");
  const signature = header("webhook-signature");
  if (!id || !stamp || !signature) return fail({ reason: "missing" });
  // Strict: a number with anything behind it would be read differently by others.
  if (!/^\d{1,12}$/.test(stamp) || id.length > 256) return fail({ reason: "malformed" });
  const timestamp = Number(stamp);
  const ageSeconds = Math.floor(nowMs / 1000) - timestamp;
  if (ageSeconds > TOLERANCE_SECONDS) return fail({ reason: "stale" });
  if (ageSeconds < -TOLERANCE_SECONDS) return fail({ reason: "future" });
  return ok({ id, timestamp, signatures: readSignatures(signature) });
}

function readSignatures(header: string): WebhookHeaders["signatures"] {
  return header
    .slice(0, 8192)
    .split(" ")
    .slice(0, SIGNATURES_MAX)
    .flatMap((entry) => {
      const [scheme, text = ""] = entry.split(",", 2);
      const bytes = fromBase64Url(text);
      if (!bytes || (scheme !== "v1" && scheme !== "v1a")) return [];
      return [{ scheme, bytes }];
    });
}
