/**
 * Copies messages and published events to R2, one object per tenant, kind and hour, and notes them in the index.
 * The hour of a message is that of `processed_at`: a reply that was sent late is archived with the hour it was sent
 * in. The hour of an event is that in which it was accepted; it is closed when the shards' log is past it.
 */
import { LOG_SUBSCRIPTION } from "../../domain/events/subscribing.ts";
import { firstIdAt } from "../../domain/messaging/message-id.ts";
import { writeSegment } from "../../platform/archive-writer.ts";
import { flushAudit, noteAudit } from "../../platform/audit-buffer.ts";
import { databaseFor } from "../../platform/database.ts";
import { tenantShards } from "../../platform/event-shard-count.ts";
import { eventShard } from "../../platform/event-shards.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { pageOfEvents } from "../../platform/repositories/events.ts";
import type { StoredMessage } from "../../platform/repositories/messages.ts";
import {
  putSegment,
  type Segment,
  type SegmentKind,
} from "../../platform/repositories/segments.ts";
import { isolateOf } from "../isolate.ts";

const HOUR_MS = 3_600_000;
/** An hour is closed this long after its end, so that statuses have mostly arrived. */
const CLOSED_AFTER_MS = HOUR_MS;
/** A message may be sent at most a day after it was written (SEND_TTL_MS); looked back a little further. */
const LOOK_BACK_MS = 25 * HOUR_MS;
/** Rows of one object; a busier hour has several parts. */
const ROWS_MAX = 5000;
/** Hours caught up per tenant and run. */
const HOURS_MAX = 48;
const KINDS: readonly SegmentKind[] = ["messages", "events"];

export async function archiveHours(env: Env, nowMs: number): Promise<void> {
  const tenants = await env.DB.prepare("SELECT id, created_at FROM tenants ORDER BY id").all<{
    id: string;
    created_at: number;
  }>();
  for (const { id, created_at } of tenants.results)
    for (const kind of KINDS) await archiveTenant(env, { tenant: id, kind, nowMs }, created_at);
}

interface Work {
  readonly tenant: string;
  readonly kind: SegmentKind;
  readonly nowMs: number;
}

/** Goes on where the last run left off. The cursor moves only after the objects are there. */
async function archiveTenant(env: Env, work: Work, createdAtMs: number): Promise<void> {
  const { tenant, kind, nowMs } = work;
  const name = archiveCursor(tenant, kind);
  const stored = await env.DB.prepare("SELECT value FROM jobs WHERE name = ?")
    .bind(name)
    .first<{ value: number }>();
  const firstMs = stored?.value ?? hourOf(createdAtMs);
  const closedMs = hourOf(nowMs - CLOSED_AFTER_MS);
  if (firstMs >= closedMs) return;
  const lastMs = kind === "events" ? await loggedUntil(env, tenant, closedMs) : closedMs;
  let hourMs = firstMs;
  for (let n = 0; hourMs < lastMs && n < HOURS_MAX; n++, hourMs += HOUR_MS)
    await archiveHour(env, work, hourMs);
  if (hourMs === firstMs) return;
  await flushAudit(env, Date.now());
  await env.DB.prepare(
    "INSERT INTO jobs (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3",
  )
    .bind(name, hourMs, nowMs)
    .run();
}

/** The job under which a tenant's progress is kept. */
export function archiveCursor(tenant: string, kind: SegmentKind): string {
  return kind === "messages" ? `archive:${tenant}` : `archive-events:${tenant}`;
}

/** The hour from which on events may still be on their way to the database: not archived yet. */
async function loggedUntil(env: Env, tenant: string, closedMs: number): Promise<number> {
  const deps = { env, shards: isolateOf(env).vars.EVENT_SHARDS };
  const shards = await tenantShards(deps, tenant);
  const ages = await Promise.all(
    shards.map(async (shard) => {
      const gauges = await eventShard(env, shard).gauges();
      const log = gauges.find(({ subscription }) => subscription === LOG_SUBSCRIPTION.id);
      return log?.oldestAgeMs ?? 0;
    }),
  );
  return Math.min(closedMs, hourOf(Date.now() - Math.max(...ages)));
}

async function archiveHour(env: Env, work: Work, hourMs: number): Promise<void> {
  const { tenant, kind, nowMs } = work;
  const pages =
    kind === "messages" ? messagePages(env, tenant, hourMs) : eventPages(env, tenant, hourMs);
  let part = 0;
  for await (const page of pages) {
    const { segment, created } = await writeSegment(env, {
      tenant,
      kind,
      hourMs,
      part,
      nowMs,
      ...page,
    });
    await putSegment(databaseFor(env, tenant), segment).run();
    noteSegment(segment);
    part += 1;
    const outcome = created ? "written" : "existed";
    count("archived_rows_total", { tenant, kind, outcome }, segment.rows);
    logLine("archive.written", { tenant, kind, rows: segment.rows, bytes: segment.bytes, outcome });
  }
}

/**
 * Messages and events are their own record; from here on the audit trail vouches for it. `hour`: since the epoch, as a
 * time of day in full looks like somebody's number.
 */
function noteSegment({ tenant, kind, hourMs, part, sha256, rows }: Segment): void {
  const target = { kind, hour: String(hourMs / HOUR_MS), part: String(part), sha256 };
  noteAudit(tenant, {
    ...{ atMs: Date.now(), actor: { kind: "system" }, action: "archive.sealed", target },
    ...{ outcome: "ok", count: rows },
  });
}

interface Page {
  readonly lines: readonly unknown[];
  readonly first: string;
  readonly last: string;
}

async function* messagePages(env: Env, tenant: string, hourMs: number): AsyncGenerator<Page> {
  let afterId = firstIdAt(hourMs - LOOK_BACK_MS);
  for (let full = true; full; ) {
    const { results } = await databaseFor(env, tenant)
      .prepare(
        "SELECT * FROM messages WHERE tenant_id = ? AND id > ? AND id < ? AND processed_at >= ? AND processed_at < ? ORDER BY id LIMIT ?",
      )
      .bind(tenant, afterId, firstIdAt(hourMs + HOUR_MS), hourMs, hourMs + HOUR_MS, ROWS_MAX)
      .all<StoredMessage>();
    const [first, last] = [results[0], results.at(-1)];
    if (first && last) yield { lines: results.map(lineOf), first: first.id, last: last.id };
    afterId = last?.id ?? "";
    full = results.length === ROWS_MAX;
  }
}

async function* eventPages(env: Env, tenant: string, hourMs: number): AsyncGenerator<Page> {
  const range = { tenant, fromSeq: hourMs, toSeq: hourMs + HOUR_MS - 1, limit: ROWS_MAX };
  let after: { readonly seq: number; readonly shard: string } | undefined;
  for (let full = true; full; ) {
    const rows = await pageOfEvents(databaseFor(env, tenant), {
      ...range,
      ...(after ? { after } : {}),
    });
    const [first, last] = [rows[0], rows.at(-1)];
    if (first && last) {
      const lines = rows.map(({ shard, seq, event }) => ({ shard, seq, event }));
      yield { lines, first: String(first.seq), last: String(last.seq) };
    }
    after = last;
    full = rows.length === ROWS_MAX;
  }
}

function lineOf({ content, metadata, ...row }: StoredMessage) {
  return { ...row, content: JSON.parse(content), metadata: JSON.parse(metadata) };
}

function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS;
}
