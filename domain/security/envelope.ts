/**
 * The text form of sealed values and of key-encryption keys, and the authenticated data that ties a
 * ciphertext to its tenant, kind and key version. No cryptography here; `platform/vault.ts` does it.
 */
import { fail, ok, type Result } from "../result.ts";
import { fromBase64Url, toBase64Url } from "./base64url.ts";

export const IV_BYTES = 12;
export const KEY_BYTES = 32;

const FORMAT = "v1";

/** A sealed value taken apart: `v1.<data key version>.<iv>.<ciphertext and tag>`. */
export interface Envelope {
  readonly version: number;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/** One key-encryption key: `kid:base64(32 bytes)`. */
export interface KekEntry {
  readonly kid: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function formatEnvelope(envelope: Envelope): string {
  const { version, iv, ciphertext } = envelope;
  return [FORMAT, String(version), toBase64Url(iv), toBase64Url(ciphertext)].join(".");
}

export function parseEnvelope(sealed: string): Result<Envelope, { readonly reason: "malformed" }> {
  const [format, version, iv, ciphertext, ...rest] = sealed.split(".");
  const ivBytes = fromBase64Url(iv ?? "");
  const ciphertextBytes = fromBase64Url(ciphertext ?? "");
  const versionNumber = Number(version);
  const wellFormed =
    format === FORMAT &&
    rest.length === 0 &&
    Number.isSafeInteger(versionNumber) &&
    versionNumber > 0;
  if (!wellFormed || ivBytes?.length !== IV_BYTES || !ciphertextBytes?.length) {
    return fail({ reason: "malformed" });
  }
  return ok({ version: versionNumber, iv: ivBytes, ciphertext: ciphertextBytes });
}

/** AAD of a value: tenant, kind and version. Ids hold no `|`, so the joined text is unambiguous. */
export function valueContext(
  tenant: string,
  kind: string,
  version: number,
): Uint8Array<ArrayBuffer> {
  return encode(`${tenant}|${kind}|${version}`);
}

/** AAD of a wrapped data key: never equal to a value's, whatever its kind. */
export function keyContext(tenant: string, version: number, kid: string): Uint8Array<ArrayBuffer> {
  return encode(`dek||${tenant}|${version}|${kid}`);
}

/** Reads the `KEK` variable. The first entry seals, all open. Names the bad entry by position, never its text. */
export function parseKeks(
  text: string,
): Result<readonly [KekEntry, ...KekEntry[]], { readonly reason: string }> {
  const entries: KekEntry[] = [];
  for (const [index, part] of text.split(",").entries()) {
    const separator = part.indexOf(":");
    const kid = part.slice(0, separator).trim();
    const bytes = fromBase64Url(part.slice(separator + 1).trim());
    if (separator < 1 || !/^[A-Za-z0-9_-]{1,64}$/.test(kid) || bytes?.length !== KEY_BYTES) {
      return fail({ reason: `KEK entry ${index + 1} is not kid:base64(${KEY_BYTES} bytes)` });
    }
    if (entries.some((entry) => entry.kid === kid)) {
      return fail({ reason: `KEK entry ${index + 1} repeats a kid` });
    }
    entries.push({ kid, bytes });
  }
  const [first, ...rest] = entries;
  return first ? ok([first, ...rest]) : fail({ reason: "KEK is empty" });
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
