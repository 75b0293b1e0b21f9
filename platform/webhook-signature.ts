/**
 * Signs and verifies Standard Webhooks (symmetric `v1`, and `v1a` with Ed25519). Several secrets sign side by
 * side while one is being replaced; any one of several may verify. Comparison is constant time, by
 * `crypto.subtle.verify`.
 */
import {
  type DeliveryFailure,
  parseSecret,
  readWebhookHeaders,
  type SecretFailure,
  signedBytes,
  type WebhookKey,
} from "../domain/messaging/standard-webhooks.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { toBase64Url } from "../domain/security/base64url.ts";

export interface Delivery {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/** The three headers of a delivery, one signature per secret, in their order (the newest first). */
export async function signWebhook(
  delivery: Delivery,
  secrets: readonly string[],
): Promise<Result<Readonly<Record<string, string>>, SecretFailure>> {
  const content = signedBytes(delivery.id, delivery.timestamp, delivery.body);
  const signatures: string[] = [];
  for (const text of secrets) {
    const secret = await checkSecret(text);
    if (!secret.ok) return secret;
    signatures.push(await signatureOf(secret.value, content));
  }
  return ok({
    "webhook-id": delivery.id,
    "webhook-timestamp": String(delivery.timestamp),
    "webhook-signature": signatures.join(" "),
  });
}

/** Verifies a delivery by its raw bytes. Secrets that cannot be read verify nothing. */
export async function verifyWebhook(
  header: (name: string) => string | null,
  body: Uint8Array,
  secrets: readonly string[],
  nowMs: number,
): Promise<Result<void, DeliveryFailure>> {
  const headers = readWebhookHeaders(header, nowMs);
  if (!headers.ok) return headers;
  const content = signedBytes(headers.value.id, headers.value.timestamp, body);
  for (const text of secrets) {
    const key = parseSecret(text);
    if (!key.ok) continue;
    for (const { scheme, bytes } of headers.value.signatures) {
      if (scheme !== key.value.scheme) continue;
      if (await verifies(key.value, bytes, content)) return ok(undefined);
    }
  }
  return fail({ reason: "mismatch" });
}

/** Whether a text can sign: the right form and length, and for `whsk_` two halves that belong together. */
export async function checkSecret(text: string): Promise<Result<WebhookKey, SecretFailure>> {
  const key = parseSecret(text);
  if (!key.ok || key.value.scheme === "v1") return key;
  if (!key.value.seed) return fail({ reason: "malformed" });
  const probe = new Uint8Array([1]);
  try {
    const signature = await crypto.subtle.sign("Ed25519", await signingKey(key.value), probe);
    const fits = await verifies(key.value, new Uint8Array(signature), probe);
    return fits ? key : fail({ reason: "malformed" });
  } catch {
    return fail({ reason: "malformed" });
  }
}

/** A new symmetric secret of 32 random bytes. */
export function newWebhookSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `whsec_${base64(bytes)}`;
}

async function signatureOf(key: WebhookKey, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const algorithm = key.scheme === "v1" ? "HMAC" : "Ed25519";
  const signature = await crypto.subtle.sign(algorithm, await signingKey(key), content);
  return `${key.scheme},${base64(new Uint8Array(signature))}`;
}

async function verifies(
  key: WebhookKey,
  signature: Uint8Array<ArrayBuffer>,
  content: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    const algorithm = key.scheme === "v1" ? "HMAC" : "Ed25519";
    const verifyKey = key.scheme === "v1" ? await signingKey(key) : await publicKey(key.publicKey);
    return await crypto.subtle.verify(algorithm, verifyKey, signature, content);
  } catch {
    return false;
  }
}

function signingKey(key: WebhookKey): Promise<CryptoKey> {
  if (key.scheme === "v1") {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    return crypto.subtle.importKey("raw", key.secret, algorithm, false, ["sign", "verify"]);
  }
  const jwk = {
    kty: "OKP",
    crv: "Ed25519",
    x: toBase64Url(key.publicKey),
    d: toBase64Url(key.seed ?? new Uint8Array()),
  };
  return crypto.subtle.importKey("jwk", jwk, { name: "Ed25519" }, false, ["sign"]);
}

function publicKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "Ed25519" }, false, ["verify"]);
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
