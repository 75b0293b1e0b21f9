/** Rate limits per bucket and per bot, with the headers that announce them. */
import { createHash } from "node:crypto";
import type { Reply } from "../http.ts";
import { limited } from "./errors.ts";

/** Five calls in five seconds for most routes of a channel. Typical value; Discord publishes none. */
const BUCKET_CALLS = 5;
const BUCKET_MS = 5_000;
/** All routes of a bot together. Source: Discord reference, rate limits. */
const GLOBAL_CALLS = 50;
const GLOBAL_MS = 1_000;

/** Counts calls; `take` gives the 429 for one too many, or the headers of an allowed one. */
export interface Limits {
  take(
    bot: string,
    bucket: string,
    isGlobalExempt: boolean,
  ): { refusal?: Reply; headers: Record<string, string> };
  clear(): void;
}

/** Limits that start empty. */
export function createLimits(): Limits {
  const windows = new Map<string, { left: number; resetMs: number }>();
  const windowOf = (key: string, calls: number, lengthMs: number, now: number) => {
    const known = windows.get(key);
    if (known !== undefined && known.resetMs > now) return known;
    const fresh = { left: calls, resetMs: now + lengthMs };
    windows.set(key, fresh);
    return fresh;
  };
  return {
    take: (bot, bucket, isGlobalExempt) => {
      const now = Date.now();
      const everything = windowOf(`global:${bot}`, GLOBAL_CALLS, GLOBAL_MS, now);
      if (!isGlobalExempt && everything.left <= 0) {
        return { refusal: limited((everything.resetMs - now) / 1000, "global"), headers: {} };
      }
      const own = windowOf(`${bot}:${bucket}`, BUCKET_CALLS, BUCKET_MS, now);
      const allowed = own.left > 0;
      if (allowed) own.left -= 1;
      if (allowed && !isGlobalExempt) everything.left -= 1;
      const seconds = (own.resetMs - now) / 1000;
      const headers = {
        "x-ratelimit-limit": String(BUCKET_CALLS),
        "x-ratelimit-remaining": String(own.left),
        "x-ratelimit-reset": String(own.resetMs / 1000),
        "x-ratelimit-reset-after": String(seconds),
        "x-ratelimit-bucket": createHash("sha256")
          .update(bucket.split(":")[0] ?? "")
          .digest("hex")
          .slice(0, 32),
      };
      return allowed ? { headers } : { refusal: limited(seconds, "user"), headers };
    },
    clear: () => windows.clear(),
  };
}
