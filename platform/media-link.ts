/** Signs and verifies links to stored media with `MEDIA_SECRET` (HMAC-SHA-256, constant-time comparison). */
import { linkText, mediaUrl, readMediaLink } from "../domain/media/link.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { toHex } from "../domain/security/base64url.ts";
import type { Vars } from "../schema/vars.ts";

/** A public link to a stored file that ends at `untilMs` (rounded up to a second). */
export async function publicMediaUrl(
  vars: Pick<Vars, "PUBLIC_URL" | "MEDIA_SECRET">,
  key: string,
  untilMs: number,
): Promise<string> {
  const expires = Math.ceil(untilMs / 1000);
  const text = new TextEncoder().encode(linkText(key, expires));
  const mac = await crypto.subtle.sign("HMAC", await keyOf(vars.MEDIA_SECRET), text);
  const signature = toHex(new Uint8Array(mac));
  return mediaUrl(vars.PUBLIC_URL.replace(/\/$/, ""), { key, expires, signature });
}

/** The key a link opens, or why it opens nothing. */
export async function openMediaLink(
  vars: Pick<Vars, "MEDIA_SECRET">,
  url: URL,
  nowMs: number,
): Promise<Result<string, { readonly reason: "malformed" | "expired" | "mismatch" }>> {
  const link = readMediaLink(url.pathname, url.searchParams, nowMs);
  if (!link.ok) return link;
  const { key, expires, signature } = link.value;
  const text = new TextEncoder().encode(linkText(key, expires));
  const mac = Uint8Array.from(signature.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const genuine = await crypto.subtle.verify("HMAC", await keyOf(vars.MEDIA_SECRET), mac, text);
  return genuine ? ok(key) : fail({ reason: "mismatch" });
}

const keys = new Map<string, Promise<CryptoKey>>();

/** One secret per deployment, so one key per isolate. */
function keyOf(secret: string): Promise<CryptoKey> {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new TextEncoder().encode(secret);
  const key = crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]);
  keys.clear();
  keys.set(secret, key);
  return key;
}
