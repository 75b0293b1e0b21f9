/**
 * Secrets compared in constant time: HMAC-SHA256 through `crypto.subtle.verify`, plain secrets through
 * their digests. Imported keys are kept per isolate, since importing costs more than verifying.
 */

/** One key per connection secret in use; the oldest leaves first. */
const KEYS_MAX = 512;
const HEX_SIGNATURE = /^[0-9a-fA-F]{64}$/;
const keys = new Map<string, Promise<CryptoKey>>();
const encoder = new TextEncoder();

/** True where `signatureHex` (64 hex digits, either case) is the HMAC-SHA256 of the joined parts. Never throws. */
export async function verifyHmacSha256(
  secret: string,
  parts: readonly Uint8Array[],
  signatureHex: string,
): Promise<boolean> {
  if (!HEX_SIGNATURE.test(signatureHex)) {
    return false;
  }
  return verifyHmacBytes(secret, parts, fromHex(signatureHex));
}

/** The same for a signature already decoded. An empty secret verifies nothing. */
export async function verifyHmacBytes(
  secret: string,
  parts: readonly Uint8Array[],
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (secret === "") {
    return false;
  }
  return crypto.subtle.verify("HMAC", await keyOf(secret), signature, joined(parts));
}

/** Equality that takes the same time wherever the strings differ: their SHA-256 digests are compared. */
export async function equalsConstantTime(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  let difference = 0;
  for (let i = 0; i < left.length; i++) {
    difference |= (left[i] as number) ^ (right[i] as number);
  }
  return difference === 0;
}

function keyOf(secret: string): Promise<CryptoKey> {
  const known = keys.get(secret);
  if (known !== undefined) {
    return known;
  }
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = crypto.subtle.importKey("raw", encoder.encode(secret), hmac, false, ["verify"]);
  if (keys.size >= KEYS_MAX) {
    keys.delete(keys.keys().next().value as string);
  }
  keys.set(secret, key);
  return key;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
}
