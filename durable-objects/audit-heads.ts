/**
 * Sealed heads: how far a trail had come, put into R2 where nothing is put twice. They show a tail that was cut and a
 * trail that was put back to an older state, which the rows alone cannot.
 */
import { type AuditHead, isSealed, type SealedHead, sealHead } from "../domain/audit/chain.ts";
import type { TrailKey } from "../domain/audit/verify.ts";
import { auditPrefix, headKey, headOf } from "../platform/audit-trail.ts";

/** Keys of one page of a list (R2 limits). */
const PAGE = 1000;

type Store = Pick<Env, "STORE">;

/**
 * Puts a head, once. `conflict`: another one stands at its place, which a trail that was put back comes to. Rejects as
 * R2 does; the same head again is no conflict.
 */
export async function putHead(
  { STORE }: Store,
  of: TrailKey,
  head: AuditHead,
  nowMs: number,
): Promise<"sealed" | "conflict"> {
  const sealed = await sealHead(of.key, of.trail, "head", head);
  const key = headKey(of.trail, head.seq);
  const said = { v: 1, trail: of.trail, ...sealed, at: new Date(nowMs).toISOString() };
  const put = await STORE.put(key, `${JSON.stringify(said)}\n`, {
    onlyIf: { etagDoesNotMatch: "*" },
    httpMetadata: { contentType: "application/json" },
    customMetadata: { seq: String(head.seq), hash: head.hash, mac: sealed.mac },
  });
  if (put) return "sealed";
  const there = headOf((await STORE.head(key))?.customMetadata);
  return there.hash === head.hash ? "sealed" : "conflict";
}

/** Heads the hub has sealed behind `afterSeq`, up to `toSeq`. Rejects as R2 does. */
export async function headsBetween(
  { STORE }: Store,
  of: TrailKey,
  afterSeq: number,
  toSeq: number,
): Promise<readonly SealedHead[]> {
  const found: SealedHead[] = [];
  let startAfter = headKey(of.trail, afterSeq);
  for (;;) {
    const page = await STORE.list({
      prefix: `${auditPrefix(of.trail)}heads/`,
      ...{ startAfter, limit: PAGE, include: ["customMetadata"] },
    });
    for (const object of page.objects) {
      const head = headOf(object.customMetadata);
      if (head.seq > toSeq) return found;
      // What the hub did not make proves nothing, and hides nothing.
      if (object.key === headKey(of.trail, head.seq) && (await isTrue(of, head))) found.push(head);
    }
    const last = page.objects.at(-1);
    if (!page.truncated || !last) return found;
    startAfter = last.key;
  }
}

function isTrue({ key, trail }: TrailKey, head: SealedHead): Promise<boolean> {
  return isSealed(key, trail, "head", head);
}
