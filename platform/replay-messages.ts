/**
 * The events that stored messages stand for, as a replay reads them: first the archive's objects, then the database,
 * both in the order of their ids as far as the merge needs it. A message is looked at once, for all its events.
 */
import type { Found, Page, SourceWalk } from "../domain/events/replay/walk.ts";
import { firstIdAt, seqOfId } from "../domain/messaging/message-id.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import { readMessages, type SegmentFailure, segmentsBetween } from "./archive-reader.ts";
import { databaseFor } from "./database.ts";
import { messageEventsOf } from "./message-events.ts";
import { type ArchiveCache, hotSinceMs, type PageRead, type SourceRange } from "./replay-log.ts";
import { listMessages, type StoredMessage } from "./repositories/messages.ts";
import type { Segment } from "./repositories/segments.ts";

const HOUR_MS = 3_600_000;
/**
 * A message is archived, and most of what becomes of it is known, within this after its id was given: a send lives a
 * day. What comes later (a message read after two days) is found only by a replay that begins before the message.
 */
export const MESSAGE_LATE_MS = 25 * HOUR_MS;
/** Messages of the last moment may still be on their way to the database, for this long. */
export const MESSAGE_SETTLE_MS = 5000;

export type MessagesFailure = SegmentFailure | { readonly reason: "history_dropped" };

/** `hotMs`: where the database takes over from the archive. Fixed at the first page: a message is in one of them. */
interface Place {
  readonly hotMs: number;
  /** The archive's object being read, and how many of its rows have been. */
  readonly hourMs?: number;
  readonly part?: number;
  readonly rows?: number;
  /** In the database: after this message. */
  readonly afterId?: string;
}

interface Asked {
  readonly limit: number;
  readonly nowMs: number;
}

/** Rejects as D1 and R2 do. */
export async function readMessagePage(
  range: SourceRange,
  at: SourceWalk,
  cache: ArchiveCache<StoredMessage>,
  asked: Asked,
): Promise<Result<PageRead, MessagesFailure>> {
  const place: Place =
    at.place === undefined ? { hotMs: hotSinceMs(asked.nowMs) } : JSON.parse(at.place);
  const firstMs = range.sinceMs - MESSAGE_LATE_MS;
  if (place.afterId === undefined && firstMs < place.hotMs)
    return archivedPage(range, at, cache, { ...asked, place });
  const waitMs = range.untilMs + MESSAGE_SETTLE_MS - asked.nowMs;
  if (waitMs > 0) return ok({ ...emptyPage({ ...at, ...placed(place) }), waitMs });
  const { afterId = firstIdAt(Math.max(firstMs, 0)) } = place;
  if (hotSinceMs(asked.nowMs) > Math.max(place.hotMs, timeOf(afterId)))
    return fail({ reason: "history_dropped" });
  return ok(await hotPage(range, { ...place, afterId }, asked));
}

async function hotPage(
  range: SourceRange,
  place: Place & { readonly afterId: string },
  { limit }: Asked,
): Promise<PageRead> {
  const { env, tenant, sinceMs, untilMs } = range;
  const { afterId } = place;
  const rows = await listMessages(databaseFor(env, tenant), { tenant, afterId, limit });
  const inTime = rows.filter(({ id }) => timeOf(id) < untilMs);
  const last = inTime.at(-1);
  const ended = inTime.length < limit;
  return pageOf(range, inTime, {
    beforeMs: ended ? untilMs : Math.max(sinceMs, timeOf(last?.id ?? afterId)),
    ...placed({ ...place, afterId: last?.id ?? afterId }),
    ended,
  });
}

async function archivedPage(
  range: SourceRange,
  at: SourceWalk,
  cache: ArchiveCache<StoredMessage>,
  { place, limit }: Asked & { readonly place: Place },
): Promise<Result<PageRead, SegmentFailure>> {
  const { env, sinceMs, untilMs } = range;
  const segment = await nextSegment(range, cache, place);
  if (!segment) {
    const hotMs = Math.min(place.hotMs, untilMs);
    const next = { beforeMs: Math.max(at.beforeMs, hotMs), ended: hotMs >= untilMs };
    const afterId = firstIdAt(place.hotMs);
    return ok(emptyPage({ ...next, ...placed({ ...place, afterId }) }));
  }
  const rows = await openSegment(env, segment, cache);
  if (!rows.ok) return rows;
  const from = isOf(segment, place) ? (place.rows ?? 0) : 0;
  const { hourMs, part } = segment;
  const page = rows.value.slice(from, from + limit);
  const hot = place.hotMs;
  const archived = page.filter(({ id }) => timeOf(id) < Math.min(hot, untilMs));
  const next = placed({ hotMs: hot, hourMs, part, rows: from + page.length });
  // What is still to come was archived in this hour or later, so it is not older than this.
  const beforeMs = Math.max(at.beforeMs, sinceMs, hourMs - MESSAGE_LATE_MS);
  return ok(pageOf(range, archived, { beforeMs, ...next, ended: false }));
}

/** The object the place is in, as long as it has rows left, else the one behind it. */
async function nextSegment(
  { env, tenant, sinceMs, untilMs }: SourceRange,
  cache: ArchiveCache<StoredMessage>,
  place: Place,
): Promise<Segment | undefined> {
  const endMs = Math.min(place.hotMs, untilMs) + MESSAGE_LATE_MS;
  for (let fromMs = place.hourMs ?? sinceMs - MESSAGE_LATE_MS; ; ) {
    cache.segments ??= await segmentsBetween(env, tenant, "messages", fromMs, endMs);
    const next = cache.segments.find((segment) => isAhead(segment, place));
    if (next) return next;
    const lastMs = cache.segments.at(-1)?.hourMs;
    delete cache.segments;
    delete cache.open;
    if (lastMs === undefined || lastMs + HOUR_MS >= endMs) return undefined;
    fromMs = lastMs + HOUR_MS;
  }
}

function isAhead(segment: Segment, place: Place): boolean {
  const { hourMs = -Infinity, part = -1, rows = 0 } = place;
  if (isOf(segment, place)) return rows < segment.rows;
  return segment.hourMs > hourMs || (segment.hourMs === hourMs && segment.part > part);
}

function isOf(segment: Segment, place: Place): boolean {
  return segment.hourMs === place.hourMs && segment.part === place.part;
}

async function openSegment(
  env: SourceRange["env"],
  segment: Segment,
  cache: ArchiveCache<StoredMessage>,
): Promise<Result<readonly StoredMessage[], SegmentFailure>> {
  if (cache.open?.key === segment.key) return ok(cache.open.rows);
  const rows = await readMessages(env, segment);
  if (rows.ok) cache.open = { key: segment.key, rows: rows.value };
  return rows;
}

function pageOf(range: SourceRange, rows: readonly StoredMessage[], next: SourceWalk): PageRead {
  const found = rows.flatMap((row) => eventsOf(range, row)).sort((a, b) => a.atMs - b.atMs);
  return { ...emptyPage(next), found, looked: rows.length };
}

/** No event of a message counts as older than its id, so that none is found behind what was read past. */
function eventsOf({ sinceMs, untilMs, wanted }: SourceRange, row: StoredMessage): readonly Found[] {
  return messageEventsOf(row)
    .map(({ event, hop, atMs }) => {
      return { atMs: Math.max(atMs, timeOf(row.id)), place: `${row.id}:${hop}`, event };
    })
    .filter(({ atMs, event }) => atMs >= sinceMs && atMs < untilMs && wanted(event));
}

function emptyPage(next: SourceWalk): Page {
  return { source: "messages", found: [], looked: 0, next };
}

function placed(place: Place): { readonly place: string } {
  return { place: JSON.stringify(place) };
}

function timeOf(id: string): number {
  return seqOfId(id) ?? 0;
}
