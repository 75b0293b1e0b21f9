/**
 * Replays from outside their object: what it answers, how events are handed to one subscription again, and how many
 * there may be to go through.
 */
import type { Job, JobOrder, JobState } from "../domain/events/replay/job.ts";
import type { Result } from "../domain/result.ts";
import type { EventEnvelope } from "../schema/event.ts";
import { databaseFor } from "./database.ts";
import { publishEvents } from "./event-bus.ts";
import { SHARD_CALL_BYTES_MAX, SHARD_CALL_EVENTS_MAX, type ShardEvent } from "./event-shards.ts";
import type { SourceRange } from "./replay-log.ts";
import { listSegments } from "./repositories/segments.ts";

const HOUR_MS = 3_600_000;
/** Segments an estimate looks at: more than a year of hours. */
const SEGMENTS_MAX = 10_000;
/** Rows an estimate counts one by one: what is not archived yet. */
const COUNTED_MAX = 100_000;

/** What a job begins as. */
export type NewJob = Pick<Job, "tenant" | "id" | "spec" | "createdAtMs">;

/** See `durable-objects/replay.ts`, which implements it. Rejects as the object does; every call may be made again. */
export interface ReplayRpc {
  /** Begins a job, once. Durable when it answers. */
  start(job: NewJob): Promise<Job>;
  /** Undefined where there is no such job (any more). */
  order(
    order: JobOrder,
  ): Promise<Result<Job, { readonly reason: "ended"; readonly state: JobState }> | undefined>;
  status(): Promise<Job | undefined>;
}

/** The one object of a replay. A stub that has failed is not used again: ask for a new one. */
export function replayOf(env: Pick<Env, "REPLAY">, tenant: string, id: string): ReplayRpc {
  return env.REPLAY.getByName(`${tenant}:${id}`) as unknown as ReplayRpc;
}

/** An event for one subscription and nobody else, which the log does not keep once more. */
export function replayEvent(key: string, event: EventEnvelope, subscription: string): ShardEvent {
  const bytes = new TextEncoder().encode(JSON.stringify(event)).length;
  return { key, event, bytes, only: [subscription], logged: false };
}

export type HandOver =
  | { readonly is: "done" }
  /** The rest was not tried; the same keys may be handed over again. */
  | { readonly is: "refused"; readonly reason: string; readonly retryAfterSeconds?: number }
  | { readonly is: "unavailable" };

/** In order: what comes behind one that was not taken is not tried. Never rejects. */
export async function handOver(
  deps: { readonly env: Env; readonly shards: number },
  tenant: string,
  events: readonly ShardEvent[],
): Promise<HandOver> {
  for (const part of partsOf(events)) {
    const outcomes = await publishEvents(deps, tenant, part);
    const refused = outcomes.find((one) => one.is === "refused");
    if (refused?.is === "refused") return { ...refused };
    if (outcomes.some((one) => one.is !== "accepted")) return { is: "unavailable" };
  }
  return { is: "done" };
}

/** Parts that each fit one call to one shard, so that a shard takes all of a part or nothing. */
function partsOf(events: readonly ShardEvent[]): readonly (readonly ShardEvent[])[] {
  const parts: ShardEvent[][] = [];
  let bytes = 0;
  for (const event of events) {
    const last = parts.at(-1);
    bytes += event.bytes;
    if (last && last.length < SHARD_CALL_EVENTS_MAX && bytes <= SHARD_CALL_BYTES_MAX)
      last.push(event);
    else {
      parts.push([event]);
      bytes = event.bytes;
    }
  }
  return parts;
}

/**
 * About how many rows a replay goes through: what the archive's index says, and a bounded count of what is younger.
 * Rejects as D1 does.
 */
export async function estimateRows(
  { env, tenant, sinceMs, untilMs }: Pick<SourceRange, "env" | "tenant" | "sinceMs" | "untilMs">,
  kind: "events" | "messages",
): Promise<number> {
  const db = databaseFor(env, tenant);
  const hourMs = Math.floor(sinceMs / HOUR_MS) * HOUR_MS;
  const query = { tenant, kind, fromMs: hourMs, toMs: untilMs, limit: SEGMENTS_MAX };
  const segments = await listSegments(db, query);
  const archived = segments.reduce((sum, segment) => {
    const fromMs = Math.max(segment.hourMs, sinceMs);
    const toMs = Math.min(segment.hourMs + HOUR_MS, untilMs);
    return sum + (segment.rows * (toMs - fromMs)) / HOUR_MS;
  }, 0);
  const lastMs = segments.at(-1)?.hourMs;
  const restMs = lastMs === undefined ? sinceMs : Math.max(lastMs + HOUR_MS, sinceMs);
  if (restMs >= untilMs) return Math.round(archived);
  const time = kind === "events" ? "seq" : "created_at";
  const row = await db
    .prepare(
      `SELECT count(*) AS n FROM (SELECT 1 FROM ${kind} WHERE tenant_id = ? AND ${time} >= ? AND ${time} < ? LIMIT ${COUNTED_MAX})`,
    )
    .bind(tenant, restMs, untilMs)
    .first<{ n: number }>();
  return Math.round(archived) + (row?.n ?? 0);
}
