/**
 * Reads the archive back: which objects hold a span of time, and their rows, checked against the checksum they were
 * written with. An object that is damaged or gone is said to be so; it is never read half.
 */
import { fail, ok, type Result } from "../domain/result.ts";
import type { EventEnvelope } from "../schema/event.ts";
import { databaseFor } from "./database.ts";
import type { LoggedEvent } from "./repositories/events.ts";
import type { StoredMessage } from "./repositories/messages.ts";
import { listSegments, type Segment, type SegmentKind } from "./repositories/segments.ts";

const HOUR_MS = 3_600_000;
/** Segments of one answer: more than a year of hours in one part each. */
const SEGMENTS_MAX = 10_000;

export interface SegmentFailure {
  readonly reason: "segment_gone" | "segment_damaged";
  readonly key: string;
}

/** A line of an archive object of messages: the row, its JSON columns as JSON. */
export type ArchivedMessage = Omit<StoredMessage, "content" | "metadata"> & {
  readonly content: unknown;
  readonly metadata: unknown;
};

/** A line of an archive object of events. */
export interface ArchivedEvent {
  readonly shard: string;
  readonly seq: number;
  readonly event: EventEnvelope;
}

/** Objects whose hour overlaps [fromMs, toMs), oldest first. Rejects as D1 does. */
export function segmentsBetween(
  env: { readonly DB: D1Database },
  tenant: string,
  kind: SegmentKind,
  fromMs: number,
  toMs: number,
): Promise<readonly Segment[]> {
  const hourMs = Math.floor(fromMs / HOUR_MS) * HOUR_MS;
  const query = { tenant, kind, fromMs: hourMs, toMs, limit: SEGMENTS_MAX };
  return listSegments(databaseFor(env, tenant), query);
}

/** Rows of an object of events, in the order of their numbers. Rejects as R2 does. */
export async function readEvents(
  env: { readonly STORE: R2Bucket },
  segment: Segment,
): Promise<Result<readonly LoggedEvent[], SegmentFailure>> {
  const lines = await readLines(env, segment);
  if (!lines.ok) return lines;
  const { tenant } = segment;
  return ok(lines.value.map((line) => ({ tenant, ...(JSON.parse(line) as ArchivedEvent) })));
}

/** Rows of an object of messages, by id, as they were in the database. Rejects as R2 does. */
export async function readMessages(
  env: { readonly STORE: R2Bucket },
  segment: Segment,
): Promise<Result<readonly StoredMessage[], SegmentFailure>> {
  const lines = await readLines(env, segment);
  if (!lines.ok) return lines;
  return ok(
    lines.value.map((line) => {
      const { content, metadata, ...row } = JSON.parse(line) as ArchivedMessage;
      return { ...row, content: JSON.stringify(content), metadata: JSON.stringify(metadata) };
    }),
  );
}

async function readLines(
  env: { readonly STORE: R2Bucket },
  segment: Segment,
): Promise<Result<readonly string[], SegmentFailure>> {
  const text = await readSegmentText(env, segment);
  return text.ok ? ok(text.value.split("\n").filter((line) => line.length > 0)) : text;
}

/** The NDJSON of an object, its checksum checked. Rejects as R2 does. */
export async function readSegmentText(
  { STORE }: { readonly STORE: R2Bucket },
  { key, cold, sha256 }: Segment,
): Promise<Result<string, SegmentFailure>> {
  const object = await STORE.get(key);
  if (!object) return fail({ reason: "segment_gone", key });
  const bytes = await plainBytes(object, cold);
  if (!bytes || (await sha256Of(bytes)) !== sha256) return fail({ reason: "segment_damaged", key });
  return ok(new TextDecoder().decode(bytes));
}

async function plainBytes(object: R2ObjectBody, cold: boolean): Promise<Uint8Array | undefined> {
  if (!cold) return new Uint8Array(await object.arrayBuffer());
  try {
    const plain = object.body.pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(plain).arrayBuffer());
  } catch {
    return undefined;
  }
}

/** Hexadecimal SHA-256. */
export async function sha256Of(bytes: BufferSource): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
