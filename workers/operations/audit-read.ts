/** Reads an audit trail through as many calls of its object as it takes. */
import type { AuditHead } from "../../domain/audit/chain.ts";
import type { Broken } from "../../domain/audit/verify.ts";
import { auditTrail, lineOf } from "../../platform/audit-trail.ts";

/** Parts looked at by one call: as many entries as are kept at hand, or fifty archived objects. */
const PARTS_MAX = 50;

export interface Verified {
  readonly ok: boolean;
  readonly entries: number;
  readonly head: AuditHead;
  readonly sealedHeads: number;
  readonly firstBroken?: Broken;
  /** Up to where it was looked at, if not to the end. */
  readonly at?: AuditHead;
}

/** From `at`, which a call before this one found to be right. Rejects as the object does. */
export async function verifyTrail(
  env: Env,
  trail: string,
  from: AuditHead | undefined,
): Promise<Verified> {
  const first = (from?.seq ?? 0) + 1;
  let at = from;
  let sealedHeads = 0;
  for (let n = 1; ; n++) {
    const part = await auditTrail(env, trail).verify(trail, at);
    at = part.at;
    sealedHeads += part.sealedHeads;
    if (part.more && n < PARTS_MAX) continue;
    return {
      ok: !part.broken,
      entries: at.seq - first + 1,
      head: part.head,
      sealedHeads,
      ...(part.broken ? { firstBroken: part.broken } : {}),
      ...(part.more ? { at } : {}),
    };
  }
}

/** NDJSON from the first entry on, a part at a time as it is read. A part that cannot be read ends it with an error. */
export function exportTrail(env: Env, trail: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let seq = 0;
  return new ReadableStream({
    async pull(controller) {
      const { before, links, more } = await auditTrail(env, trail).lines(trail, seq);
      let hash = before.hash;
      let text = "";
      for (const link of links) {
        text += lineOf(hash, link);
        hash = link.hash;
        seq = link.entry.seq;
      }
      if (text !== "") controller.enqueue(encoder.encode(text));
      if (!more || links.length === 0) controller.close();
    },
  });
}
