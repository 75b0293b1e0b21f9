/**
 * What leaves a trail's object for R2: its oldest blocks, as NDJSON that an export would give, created once. Rows go
 * only when the object is there; the chain goes on from the last archived hash.
 */
import { type AuditHead, type AuditLink, sealHead } from "../domain/audit/chain.ts";
import { linksOf, type TrailKey } from "../domain/audit/verify.ts";
import { lineOf, segmentKey } from "../platform/audit-trail.ts";
import type { AuditStorage } from "./audit-storage.ts";

/** Entries of one object, in whole blocks. */
export const AUDIT_SEGMENT_ENTRIES = 5000;
const BLOCKS_PER_READ = 100;

type Store = Pick<Env, "STORE">;

/** Entries an object holds. `before`: what its first one follows. */
export interface ArchivedLinks {
  readonly before: AuditHead;
  readonly links: readonly AuditLink[];
}

/**
 * Archives one object of the oldest blocks and takes them away. `conflict`: what lies there already says something
 * else; nothing is taken away then. Rejects as R2 does. May be made again from any point.
 */
export async function archiveOldest(
  env: Store,
  of: TrailKey,
  storage: AuditStorage,
  before: AuditHead,
): Promise<"archived" | "nothing" | "conflict"> {
  const links = oldestLinks(storage, before.seq);
  const last = links.at(-1);
  if (!last) return "nothing";
  const key = segmentKey(of.trail, before.seq + 1);
  const put = await env.STORE.put(key, ndjson(before.hash, links), {
    onlyIf: { etagDoesNotMatch: "*" },
    httpMetadata: { contentType: "application/x-ndjson" },
    customMetadata: { last: String(last.entry.seq), hash: last.hash },
  });
  // One of an earlier attempt may end elsewhere: its own end counts, if the trail has been there.
  const kept = put ? links : (await readSegment(env, of.trail, before.seq))?.links;
  const end = kept?.at(-1);
  const same = end && links.find(({ entry }) => entry.seq === end.entry.seq)?.hash === end.hash;
  if (!same) return "conflict";
  const head = { seq: end.entry.seq, hash: end.hash };
  storage.raiseFloor(await sealHead(of.key, of.trail, "floor", head));
  return "archived";
}

function oldestLinks(storage: AuditStorage, afterSeq: number): readonly AuditLink[] {
  const found: AuditLink[] = [];
  let seq = afterSeq;
  for (;;) {
    const blocks = storage.from(seq + 1, BLOCKS_PER_READ);
    for (const block of blocks) {
      const links = linksOf(block);
      // What cannot be read stays where it can be looked at.
      if (!links || found.length + links.length > AUDIT_SEGMENT_ENTRIES) return found;
      found.push(...links);
      seq = block.first + block.entries - 1;
    }
    if (blocks.length < BLOCKS_PER_READ) return found;
  }
}

function ndjson(before: string, links: readonly AuditLink[]): string {
  return links.map((link, n) => lineOf(links[n - 1]?.hash ?? before, link)).join("");
}

/** The object that begins behind `afterSeq`; undefined where there is none or it cannot be read. Rejects as R2 does. */
export async function readSegment(
  { STORE }: Store,
  trail: string,
  afterSeq: number,
): Promise<ArchivedLinks | undefined> {
  const object = await STORE.get(segmentKey(trail, afterSeq + 1));
  if (!object) return undefined;
  const lines = (await object.text()).split("\n").filter((line) => line !== "");
  try {
    const parsed = lines.map((line) => JSON.parse(line) as AuditLink & { before: string });
    const links = parsed.map(({ entry, hash }) => ({ entry, hash }));
    return { before: { seq: afterSeq, hash: parsed[0]?.before ?? "" }, links };
  } catch {
    return undefined;
  }
}
