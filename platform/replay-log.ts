/**
 * The log of published events as a replay reads it, from the archive's objects into the database without a seam: one
 * order (number, shard) and one place for both, so that it does not matter where a page comes from.
 */
import type { Page, SourceWalk } from "../domain/events/replay/walk.ts";
import { LOG_SUBSCRIPTION } from "../domain/events/subscribing.ts";
import { SLOT_MS } from "../domain/messaging/message-id.ts";
import { ok, type Result } from "../domain/result.ts";
import type { EventEnvelope } from "../schema/event.ts";
import { readEvents, type SegmentFailure, segmentsBetween } from "./archive-reader.ts";
import { databaseFor } from "./database.ts";
import { tenantShards } from "./event-shard-count.ts";
import { eventShard } from "./event-shards.ts";
import { type LoggedEvent, type LogPlace, pageOfEvents } from "./repositories/events.ts";
import type { Segment } from "./repositories/segments.ts";

const HOUR_MS = 3_600_000;
/** Clocks of machines may differ by this, in ms. */
const CLOCK_MS = 1000;
/** Slots are dropped by a job that may run while a page is read, in ms. */
const DROP_MARGIN_MS = 3_600_000;
/** The log is asked again after this where it has not all arrived, in ms. */
const TAIL_AGAIN_MS = 500;

/** One page, and where the next begins. `waitMs`: nothing more can be read before. */
export interface PageRead extends Page {
  readonly waitMs?: number;
}

/** What a reader of sources is given. `until`, `since` in ms. */
export interface SourceRange {
  readonly env: Pick<Env, "DB" | "STORE" | "EVENT_SHARD">;
  readonly tenant: string;
  readonly shards: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly wanted: (event: EventEnvelope) => boolean;
}

/** What may be forgotten at any time: the archive's index for the range, and the object that was read last. */
export interface ArchiveCache<Row> {
  segments?: readonly Segment[];
  open?: { readonly key: string; readonly rows: readonly Row[] };
}

/** The instant from which on the database has everything: the slots of this period and of the one before. */
export function hotSinceMs(nowMs: number): number {
  return (Math.floor((nowMs + DROP_MARGIN_MS) / SLOT_MS) - 1) * SLOT_MS;
}

/** What a tenant's shards say of the log and of the subscription that is filled. */
export interface Standing {
  /** Every event before this instant (ms) stands in the database: no shard still has one to write. */
  readonly loggedMs: number;
  /** Deliveries of the subscription in the shard that has most of them. */
  readonly depth: number;
}

/** Rejects as a shard does. */
export async function standingOf(
  { env, tenant, shards }: Pick<SourceRange, "env" | "tenant" | "shards">,
  subscription: string,
  nowMs: number,
): Promise<Standing> {
  const names = await tenantShards({ env, shards }, tenant);
  const all = (await Promise.all(names.map((name) => eventShard(env, name).gauges()))).flat();
  const ages = all.filter((one) => one.subscription === LOG_SUBSCRIPTION.id);
  const own = all.filter((one) => one.subscription === subscription);
  return {
    loggedMs: nowMs - Math.max(0, ...ages.map(({ oldestAgeMs }) => oldestAgeMs)) - CLOCK_MS,
    depth: Math.max(0, ...own.map(({ depth }) => Object.values(depth).flat().reduce(sum, 0))),
  };
}

function sum(a: number, b: number): number {
  return a + b;
}

/** Rejects as D1 and R2 do. `loggedMs`: see `Standing`. */
export async function readLogPage(
  range: SourceRange,
  at: SourceWalk,
  cache: ArchiveCache<LoggedEvent>,
  asked: { readonly limit: number; readonly nowMs: number; readonly loggedMs: number },
): Promise<Result<PageRead, SegmentFailure>> {
  const hotMs = Math.min(range.untilMs, hotSinceMs(asked.nowMs));
  if (at.beforeMs >= hotMs) return ok(await hotPage(range, at, asked));
  const rows = await archivedRows(range, at, cache, hotMs);
  if (!rows.ok) return rows;
  const page = rows.value.slice(0, asked.limit);
  const last = page.at(-1);
  const next: SourceWalk = last
    ? { beforeMs: last.seq, place: placeText(last), ended: false }
    : { ...at, beforeMs: hotMs, ended: hotMs >= range.untilMs };
  return ok(pageOf(range, page, next));
}

async function hotPage(
  range: SourceRange,
  at: SourceWalk,
  { limit, loggedMs }: { readonly limit: number; readonly loggedMs: number },
): Promise<PageRead> {
  const { env, tenant, sinceMs, untilMs } = range;
  const endMs = Math.min(untilMs, loggedMs);
  if (endMs <= at.beforeMs) {
    const ended = at.beforeMs >= untilMs;
    return { ...pageOf(range, [], { ...at, ended }), ...(ended ? {} : { waitMs: TAIL_AGAIN_MS }) };
  }
  const after = placeOf(at);
  const rows = await pageOfEvents(databaseFor(env, tenant), {
    ...{ tenant, fromSeq: Math.max(sinceMs, at.beforeMs), toSeq: endMs - 1, limit },
    ...(after ? { after } : {}),
  });
  const last = rows.at(-1);
  const place = last ? placeText(last) : at.place;
  const full = rows.length >= limit;
  return pageOf(range, rows, {
    beforeMs: full && last ? last.seq : endMs,
    ...(place === undefined ? {} : { place }),
    ended: !full && endMs >= untilMs,
  });
}

/** Rows behind the place, of the first object that has any; none where the archive has no more. */
async function archivedRows(
  range: SourceRange,
  at: SourceWalk,
  cache: ArchiveCache<LoggedEvent>,
  hotMs: number,
): Promise<Result<readonly LoggedEvent[], SegmentFailure>> {
  const { env, tenant, sinceMs } = range;
  const after = placeOf(at);
  const wanted = (row: LoggedEvent) =>
    row.seq >= sinceMs && row.seq < hotMs && (!after || isBehind(row, after));
  for (let fromMs = at.beforeMs; ; ) {
    cache.segments ??= await segmentsBetween(env, tenant, "events", fromMs, hotMs);
    for (const segment of cache.segments.filter(({ last }) => Number(last) >= at.beforeMs)) {
      const rows = await openSegment(env, segment, cache);
      if (!rows.ok) return rows;
      const behind = rows.value.filter(wanted);
      if (behind.length > 0) return ok(behind);
    }
    // The index answers with so many at most: what follows the last of them is asked for.
    const lastMs = cache.segments.at(-1)?.hourMs;
    delete cache.segments;
    delete cache.open;
    if (lastMs === undefined || lastMs + HOUR_MS >= hotMs) return ok([]);
    fromMs = lastMs + HOUR_MS;
  }
}

async function openSegment(
  env: SourceRange["env"],
  segment: Segment,
  cache: ArchiveCache<LoggedEvent>,
): Promise<Result<readonly LoggedEvent[], SegmentFailure>> {
  if (cache.open?.key === segment.key) return ok(cache.open.rows);
  const rows = await readEvents(env, segment);
  if (rows.ok) cache.open = { key: segment.key, rows: rows.value };
  return rows;
}

function isBehind({ seq, shard }: LogPlace, after: LogPlace): boolean {
  return seq > after.seq || (seq === after.seq && shard > after.shard);
}

function pageOf({ wanted }: SourceRange, rows: readonly LoggedEvent[], next: SourceWalk): PageRead {
  const found = rows
    .filter(({ event }) => wanted(event))
    .map((row) => ({ atMs: row.seq, place: placeText(row), event: row.event }));
  return { source: "log", found, looked: rows.length, next };
}

function placeText({ seq, shard }: LogPlace): string {
  return `${seq}:${shard}`;
}

function placeOf({ place }: SourceWalk): LogPlace | undefined {
  if (place === undefined) return undefined;
  const [seq = "", shard = ""] = place.split(":");
  return { seq: Number(seq), shard };
}
