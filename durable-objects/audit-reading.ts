/** Reads a trail from its first entry on, wherever that lies: archived objects first, then the rows. */
import { type AuditHead, isSealed } from "../domain/audit/chain.ts";
import type { AuditEntry } from "../domain/audit/entry.ts";
import { type AuditFilter, matches } from "../domain/audit/filter.ts";
import {
  type Broken,
  checkBlock,
  checkHeads,
  checkLinks,
  linksOf,
  type TrailKey,
} from "../domain/audit/verify.ts";
import type { AuditLines, AuditPage, AuditPart } from "../platform/audit-trail.ts";
import { readSegment } from "./audit-archive.ts";
import { headsBetween } from "./audit-heads.ts";
import type { AuditStorage } from "./audit-storage.ts";

/** What one call reads: so many blocks, or as soon as they hold so many entries (about 3 MB). */
const BLOCKS_PER_PART = 500;
const ENTRIES_PER_PART = 5000;
/** Blocks looked at for one page, and read at once. */
const SCANNED_BLOCKS_MAX = 5000;
const BLOCKS_PER_READ = 200;

interface Reading {
  readonly env: Env;
  readonly of: TrailKey;
  readonly genesis: AuditHead;
  readonly storage: AuditStorage;
}

interface Walked {
  readonly head: AuditHead;
  readonly broken?: Broken;
  /** Hashes by entry, as far as heads may name them. */
  readonly hashes: ReadonlyMap<number, string>;
  readonly more: boolean;
}

/** The part behind `at` (absent: from the very beginning), which is taken for right. Rejects as R2 does. */
export async function verifyPart(reading: Reading, at?: AuditHead): Promise<AuditPart> {
  const from = at ?? reading.genesis;
  const floor = reading.storage.floor();
  const walked =
    floor && from.seq < floor.seq
      ? await walkSegment(reading, from)
      : await walkBlocks(reading, from);
  const end = reading.storage.head() ?? floor ?? reading.genesis;
  const toSeq = walked.more ? walked.head.seq : Number.MAX_SAFE_INTEGER;
  const heads = await headsBetween(reading.env, reading.of, from.seq, toSeq);
  // Appended meanwhile: a later head than the one walked to may have been sealed.
  const last = reading.storage.head() ?? end;
  const byHeads = checkHeads(heads, (seq) => walked.hashes.get(seq), last.seq);
  const broken = firstOf(walked.broken, byHeads);
  return {
    from: from.seq + 1,
    at: { seq: walked.head.seq, hash: walked.head.hash },
    more: walked.more && !broken,
    head: { seq: end.seq, hash: end.hash },
    sealedHeads: heads.length,
    ...(broken ? { broken } : {}),
  };
}

function firstOf(one: Broken | undefined, other: Broken | undefined): Broken | undefined {
  if (!one || !other) return one ?? other;
  return other.seq < one.seq ? other : one;
}

async function walkSegment(reading: Reading, from: AuditHead): Promise<Walked> {
  const { env, of, storage } = reading;
  const floor = storage.floor();
  const seq = from.seq + 1;
  const stopped = (broken: Broken): Walked => ({
    ...{ head: from, broken, hashes: new Map(), more: false },
  });
  if (!floor || !(await isSealed(of.key, of.trail, "floor", floor)))
    return stopped({ seq, reason: "forged" });
  const segment = await readSegment(env, of.trail, from.seq);
  if (!segment || segment.links.length === 0) return stopped({ seq, reason: "missing" });
  const checked = await checkLinks(from, segment.links);
  if (!checked.ok) return stopped(checked.failure);
  const head = checked.value;
  if (head.seq > floor.seq || (head.seq === floor.seq && head.hash !== floor.hash))
    return stopped({ seq, reason: "altered" });
  const hashes = new Map(segment.links.map(({ entry, hash }) => [entry.seq, hash]));
  return { head, hashes, more: true };
}

async function walkBlocks({ of, storage }: Reading, from: AuditHead): Promise<Walked> {
  const hashes = new Map<number, string>();
  const { blocks, more } = somePart(storage, from.seq);
  let head = from;
  for (const block of blocks) {
    const checked = await checkBlock(of, head, block);
    if (!checked.ok) return { head, broken: checked.failure, hashes, more: false };
    head = checked.value;
    hashes.set(head.seq, head.hash);
  }
  return { head, hashes, more };
}

function somePart(storage: AuditStorage, afterSeq: number) {
  const found = storage.from(afterSeq + 1, BLOCKS_PER_PART);
  let entries = 0;
  const end = found.findIndex((block) => {
    entries += block.entries;
    return entries >= ENTRIES_PER_PART;
  });
  const blocks = end < 0 ? found : found.slice(0, end + 1);
  return { blocks, more: blocks.length < found.length || found.length === BLOCKS_PER_PART };
}

/** Entries behind `afterSeq`: the rest of an archived object, or of some blocks. Rejects as R2 does. */
export async function linesBehind(reading: Reading, afterSeq: number): Promise<AuditLines> {
  const { env, of, genesis, storage } = reading;
  const floor = storage.floor();
  if (floor && afterSeq < floor.seq) {
    const segment = await readSegment(env, of.trail, afterSeq);
    if (!segment) throw new Error("an archived part of the trail is gone");
    return { ...segment, more: true };
  }
  const { blocks, more } = somePart(storage, afterSeq);
  const links = blocks.flatMap((block) => linksOf(block) ?? []);
  const before = storage.from(afterSeq, 1).find(({ first }) => first <= afterSeq);
  const hash = before?.hash ?? (floor?.seq === afterSeq ? floor.hash : genesis.hash);
  return { before: { seq: afterSeq, hash }, links, more };
}

/** Entries before a place, newest first, out of the rows alone. What cannot be read is left out: `verify` names it. */
export function pageBefore(
  storage: AuditStorage,
  filter: AuditFilter,
  limit: number,
  beforeSeq = Number.MAX_SAFE_INTEGER,
): AuditPage {
  const range = { sinceMs: finite(filter.sinceMs ?? 0), untilMs: finite(filter.untilMs) };
  const found: AuditEntry[] = [];
  let seq = beforeSeq;
  for (let scanned = 0; scanned < SCANNED_BLOCKS_MAX; scanned += BLOCKS_PER_READ) {
    const blocks = storage.before(seq, range, BLOCKS_PER_READ);
    const entries = blocks.flatMap(
      (block) =>
        linksOf(block)
          ?.map(({ entry }) => entry)
          .toReversed() ?? [],
    );
    found.push(...entries.filter((one) => one.seq < beforeSeq && matches(one, filter)));
    if (found.length > limit) {
      const items = found.slice(0, limit);
      return { items, beforeSeq: items.at(-1)?.seq ?? beforeSeq };
    }
    if (blocks.length < BLOCKS_PER_READ) return { items: found };
    seq = blocks.at(-1)?.first ?? 0;
  }
  return { items: found, beforeSeq: seq };
}

/** SQLite compares with numbers only. */
function finite(ms = Number.MAX_SAFE_INTEGER): number {
  return Math.max(ms, 0);
}
