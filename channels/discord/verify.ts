/**
 * Decides whether Discord signed these bytes: Ed25519 over timestamp + raw body, with the application's
 * public key. Discord probes endpoints with bad signatures and drops those that let one pass. The signature
 * alone proves no freshness, so the stamp's age counts too, both ways. Never throws.
 */
import type { Result } from "../../domain/result.ts";
import { fail, ok } from "../../domain/result.ts";
import type { RawWebhook } from "../../schema/parsed.ts";
import type { VerificationFailure } from "../channel-adapter.ts";
import { SIGNATURE_AGE_MAX_SECONDS } from "./facts.ts";

const SIGNATURE_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;
/** Imported keys kept per isolate; above it the oldest goes. */
const KEYS_MAX = 256;

const importedKeys = new Map<string, CryptoKey>();

/** `publicKeyHex` is the application's key as the developer portal shows it: 64 hex characters. */
export async function verifySignature(
  raw: RawWebhook,
  publicKeyHex: string,
  nowMs: number,
): Promise<Result<void, VerificationFailure>> {
  const signatureHex = raw.header("x-signature-ed25519");
  const stamp = raw.header("x-signature-timestamp");
  if (!signatureHex || !stamp) return fail({ reason: "missing" });
  const signature = bytesOfHex(signatureHex, SIGNATURE_BYTES);
  if (!signature || !/^\d{9,11}$/.test(stamp)) return fail({ reason: "malformed" });
  const ageSeconds = nowMs / 1000 - Number(stamp);
  if (ageSeconds > SIGNATURE_AGE_MAX_SECONDS) return fail({ reason: "stale" });
  if (ageSeconds < -SIGNATURE_AGE_MAX_SECONDS) return fail({ reason: "future" });
  const key = await keyOf(publicKeyHex);
  if (!key) return fail({ reason: "unconfigured" });
  return (await signed(key, signature, stamp, raw.body))
    ? ok(undefined)
    : fail({ reason: "mismatch" });
}

/** The bytes of exactly `length` hex pairs of either case, or undefined. */
function bytesOfHex(hex: string, length: number): Uint8Array<ArrayBuffer> | undefined {
  if (hex.length !== length * 2 || !/^[0-9a-f]+$/i.test(hex)) return undefined;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

async function keyOf(publicKeyHex: string): Promise<CryptoKey | undefined> {
  const cached = importedKeys.get(publicKeyHex);
  if (cached) return cached;
  const bytes = bytesOfHex(publicKeyHex, PUBLIC_KEY_BYTES);
  if (!bytes) return undefined;
  try {
    const key = await crypto.subtle.importKey("raw", bytes, { name: "Ed25519" }, false, ["verify"]);
    remember(publicKeyHex, key);
    return key;
  } catch {
    return undefined;
  }
}

function remember(publicKeyHex: string, key: CryptoKey): void {
  if (importedKeys.size >= KEYS_MAX) {
    for (const oldest of importedKeys.keys()) {
      importedKeys.delete(oldest);
      break;
    }
  }
  importedKeys.set(publicKeyHex, key);
}

async function signed(
  key: CryptoKey,
  signature: Uint8Array<ArrayBuffer>,
  stamp: string,
  body: Uint8Array,
): Promise<boolean> {
  const prefix = new TextEncoder().encode(stamp);
  const message = new Uint8Array(prefix.length + body.length);
  message.set(prefix);
  message.set(body, prefix.length);
  try {
    return await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
  } catch {
    return false;
  }
}
