/**
 * Links to stored media that end by themselves: the text a signature covers, how a link is written, and how one
 * reads. The signature is computed and compared by `platform/media-link.ts`.
 */
import { fail, ok, type Result } from "../result.ts";

/** Keys of stored media: `media/<tenant>/<yyyy-mm>/<message id>/<n>`. */
const KEY = /^media\/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\/\d{4}-\d{2}\/[A-Za-z0-9_.-]{1,128}\/\d{1,3}$/;

export interface MediaLink {
  readonly key: string;
  /** Seconds since the epoch from which on it is void. */
  readonly expires: number;
  /** Hex of the signature that came with it; not yet compared. */
  readonly signature: string;
}

/** Where a file of a message is kept. */
export function mediaKey(tenant: string, atMs: number, messageId: string, index: number): string {
  const month = new Date(atMs).toISOString().slice(0, 7);
  return `media/${tenant}/${month}/${messageId}/${index}`;
}

/** The tenant whose file this is, or undefined for what is no media key. */
export function tenantOfKey(key: string): string | undefined {
  return KEY.test(key) ? key.split("/")[1] : undefined;
}

/** The text under the signature. Keys hold no line ends, so it is unambiguous. */
export function linkText(key: string, expires: number): string {
  return `omni-edge media link\n${key}\n${expires}`;
}

/** `origin` without a slash at the end. */
export function mediaUrl(origin: string, link: MediaLink): string {
  return `${origin}/${link.key}?expires=${link.expires}&signature=${link.signature}`;
}

/** Reads a link's path and query. `expired` is told apart because it is no attack. */
export function readMediaLink(
  pathname: string,
  query: URLSearchParams,
  nowMs: number,
): Result<MediaLink, { readonly reason: "malformed" | "expired" }> {
  const key = pathname.replace(/^\//, "");
  const expires = query.get("expires") ?? "";
  const signature = query.get("signature") ?? "";
  const wellFormed = KEY.test(key) && /^\d{1,12}$/.test(expires) && /^[\da-f]{64}$/.test(signature);
  if (!wellFormed) return fail({ reason: "malformed" });
  if (Number(expires) * 1000 <= nowMs) return fail({ reason: "expired" });
  return ok({ key, expires: Number(expires), signature });
}
