/** Events of the past for one tenant, as publishing would have left them: in the log, and in the archive. */
import type { Hub } from "../dev/runtime.ts";
import { slotOf } from "../domain/messaging/message-id.ts";
import { writeSegment } from "../platform/archive-writer.ts";
import { putSegment } from "../platform/repositories/segments.ts";
import { eventBody } from "./events-body.ts";

/** From `sinceMs` to before `untilMs`, ms since the epoch. */
export interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
}

const SHARD = "1.0";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Events that lie in the log. */
export const HOT = 100;

/** Events of one object of the archive, which lies further back than the database keeps. */
export const ARCHIVED = 5000;

/** The hour of that object. Not to be asked inside a Worker while it starts: it has no clock then. */
export function archivedSpan(nowMs: number): Span {
  const sinceMs = Math.floor((nowMs - 100 * DAY_MS) / HOUR_MS) * HOUR_MS;
  return { sinceMs, untilMs: sinceMs + HOUR_MS };
}

/** An hour ago, one event a millisecond. */
export async function hotEvents(hub: Hub, tenant: string): Promise<Span> {
  const sinceMs = Date.now() - HOUR_MS;
  const rows = linesOf(sinceMs, HOT);
  const db = await hub.mf.getD1Database("DB");
  await db
    .prepare(
      `INSERT INTO events_${slotOf(sinceMs)} (tenant_id, seq, shard, id, type, body)
       SELECT ?, j.value ->> 'seq', j.value ->> 'shard', j.value ->> '$.event.event_id', j.value ->> '$.event.event_type', j.value -> 'event' FROM json_each(?) AS j`,
    )
    .bind(tenant, JSON.stringify(rows))
    .run();
  return { sinceMs, untilMs: sinceMs + HOT };
}

/** Writes the object, one event a millisecond. Runs inside the Worker, which has what the archive needs. */
export async function archiveEvents(env: Env, tenant: string, sinceMs: number): Promise<void> {
  const { segment } = await writeSegment(env, {
    ...{ tenant, kind: "events", hourMs: sinceMs, part: 0, nowMs: Date.now() },
    lines: linesOf(sinceMs, ARCHIVED),
    ...{ first: String(sinceMs), last: String(sinceMs + ARCHIVED - 1) },
  });
  await putSegment(env.DB, segment).run();
}

function linesOf(sinceMs: number, rows: number) {
  return Array.from({ length: rows }, (_, n) => {
    return { shard: SHARD, seq: sinceMs + n, event: eventBody(`past-${sinceMs}-${n}`) };
  });
}
