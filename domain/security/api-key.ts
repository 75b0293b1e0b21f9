/**
 * API keys: their format, their hash, and comparison in constant time. Generated keys read
 * `hub_<env>_<8 characters>_<43 characters>`; keys of a seed file may be any text. Only the hash is stored.
 */
import { toHex } from "./base64url.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX_CHARS = 8;
/** 43 characters of a 62-letter alphabet hold 256 bits. */
const SECRET_CHARS = 43;

/** Random bytes `generateApiKey` wants; some are rejected, so that every letter is equally likely. */
export const API_KEY_RANDOM_BYTES = 256;

/** A key as it is shown once. `prefix` is public and names the key afterwards. */
export interface GeneratedKey {
  readonly key: string;
  readonly prefix: string;
}

export function generateApiKey(environment: string, random: Uint8Array): GeneratedKey {
  // 248 = 4 * 62: bytes above it would favour the first letters.
  const letters = [...random].filter((byte) => byte < 248).map((byte) => ALPHABET[byte % 62]);
  if (letters.length < PREFIX_CHARS + SECRET_CHARS) throw new Error("too few random bytes");
  const prefix = letters.slice(0, PREFIX_CHARS).join("");
  const secret = letters.slice(PREFIX_CHARS, PREFIX_CHARS + SECRET_CHARS).join("");
  return { key: `hub_${environment}_${prefix}_${secret}`, prefix };
}

/** SHA-256 as lower-case hex: enough for keys of 256 random bits, and it can be looked up by index. */
export async function hashApiKey(key: string): Promise<string> {
  return toHex(await sha256(key));
}

/** Equality of two texts whose time depends on neither: digests are compared, all bytes of them. */
export async function sameSecret(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(a), sha256(b)]);
  let difference = 0;
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
  return difference === 0;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
