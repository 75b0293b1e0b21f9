/**
 * Short texts that leave the hub and come back unchanged (page cursors, OAuth states): HMAC-SHA256
 * under a key derived per purpose, so that a token of one purpose never passes for another.
 */
import { fromBase64Url, toBase64Url } from "./base64url.ts";

const MAC_BYTES = 16;
const TOKEN_CHARS_MAX = 4096;

/** `<base64url text>.<base64url mac>`. Signed, not hidden: put nothing secret in it. */
export async function signText(secret: string, purpose: string, text: string): Promise<string> {
  const bytes = encode(text);
  const mac = await crypto.subtle.sign("HMAC", await keyFor(secret, purpose), bytes);
  return `${toBase64Url(bytes)}.${toBase64Url(new Uint8Array(mac).slice(0, MAC_BYTES))}`;
}

/** The text, or undefined for anything `signText` did not make with this secret and purpose. */
export async function openSigned(
  secret: string,
  purpose: string,
  token: string,
): Promise<string | undefined> {
  if (token.length > TOKEN_CHARS_MAX) return undefined;
  const [body, mac, ...rest] = token.split(".");
  const bytes = fromBase64Url(body ?? "");
  const given = fromBase64Url(mac ?? "");
  if (rest.length > 0 || !bytes || given?.length !== MAC_BYTES) return undefined;
  const right = new Uint8Array(
    await crypto.subtle.sign("HMAC", await keyFor(secret, purpose), bytes),
  );
  let difference = 0;
  for (const [index, byte] of given.entries()) difference |= byte ^ (right[index] ?? 0);
  return difference === 0 ? new TextDecoder().decode(bytes) : undefined;
}

async function keyFor(secret: string, purpose: string): Promise<CryptoKey> {
  const master = await hmacKey(encode(secret));
  const derived = await crypto.subtle.sign("HMAC", master, encode(`omni-edge signed ${purpose}`));
  return hmacKey(new Uint8Array(derived));
}

function hmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
