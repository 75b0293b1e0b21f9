/**
 * Writes archive objects: NDJSON, one per tenant, kind, hour and part, created once, with its checksum and range in
 * the object's own metadata and in a manifest beside it, so that the index can be made anew from the objects alone
 * and standard tools (`sha256sum`, `jq`, `zcat`) can read everything. After a while an object moves, compressed, to
 * the cold prefix, which a bucket's lifecycle rule can give another storage class.
 */

import { sha256Of } from "./archive-reader.ts";
import type { Segment, SegmentKind } from "./repositories/segments.ts";

export const ARCHIVE_PREFIX = "archive/";
export const COLD_PREFIX = "cold/";

interface Range {
  readonly tenant: string;
  readonly kind: SegmentKind;
  readonly hourMs: number;
  readonly part: number;
}

/** The rows of one object. `first`, `last`: of the rows, as the index keeps them. */
export interface SegmentContent extends Range {
  readonly lines: readonly unknown[];
  readonly first: string;
  readonly last: string;
  readonly nowMs: number;
}

/** `archive/<tenant>/<kind>/<yyyy>/<mm>/<dd>/<hh>-<part>.ndjson` */
export function archiveKey({ tenant, kind, hourMs, part }: Range): string {
  const [day, time] = new Date(hourMs).toISOString().split("T") as [string, string];
  const hour = `${day.replaceAll("-", "/")}/${time.slice(0, 2)}-${part}.ndjson`;
  return `${ARCHIVE_PREFIX}${tenant}/${kind}/${hour}`;
}

/** Writes an object unless it is there. What is there already counts: the answer says what it holds. Rejects as R2 does. */
export async function writeSegment(
  { STORE }: { readonly STORE: R2Bucket },
  content: SegmentContent,
): Promise<{ readonly segment: Segment; readonly created: boolean }> {
  const bytes = new TextEncoder().encode(
    content.lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  const segment: Segment = {
    tenant: content.tenant,
    kind: content.kind,
    hourMs: content.hourMs,
    part: content.part,
    key: archiveKey(content),
    rows: content.lines.length,
    bytes: bytes.byteLength,
    sha256: await sha256Of(bytes),
    first: content.first,
    last: content.last,
    cold: false,
    createdAtMs: content.nowMs,
  };
  const put = await STORE.put(segment.key, bytes, {
    onlyIf: { etagDoesNotMatch: "*" },
    httpMetadata: { contentType: "application/x-ndjson" },
    customMetadata: metadataOf(segment),
  });
  const there = put ? undefined : await STORE.head(segment.key);
  const kept = (there && segmentOfObject(there)) ?? segment;
  await writeManifest(STORE, kept);
  return { segment: kept, created: put !== null };
}

/** Moves an object, compressed, to the cold prefix. May be repeated from any point. Rejects as R2 does; undefined where the object is gone. */
export async function coolSegment(
  { STORE }: { readonly STORE: R2Bucket },
  segment: Segment,
  index: (cold: Segment) => Promise<unknown>,
): Promise<Segment | undefined> {
  const object = await STORE.get(segment.key);
  if (!object) return undefined;
  const packed = await new Response(
    object.body.pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer();
  const key = `${COLD_PREFIX}${segment.key.slice(ARCHIVE_PREFIX.length)}.gz`;
  const cold: Segment = { ...segment, key, cold: true };
  await STORE.put(key, packed, {
    httpMetadata: { contentType: "application/gzip" },
    customMetadata: metadataOf(cold),
  });
  await writeManifest(STORE, cold);
  await index(cold);
  await STORE.delete([segment.key, manifestKey(segment.key)]);
  return cold;
}

/** Deletes an object and its manifest. Rejects as R2 does. */
export async function deleteSegmentObject(
  { STORE }: { readonly STORE: R2Bucket },
  { key }: Segment,
): Promise<void> {
  await STORE.delete([key, manifestKey(key)]);
}

/** What an object says of itself; undefined where it is none of the archive's. */
export function segmentOfObject({ key, uploaded, customMetadata }: R2Object): Segment | undefined {
  const said = customMetadata;
  const kind = said?.kind;
  if (said?.v !== "2" || (kind !== "messages" && kind !== "events")) return undefined;
  return {
    tenant: said.tenant ?? "",
    kind,
    hourMs: Date.parse(said.hour ?? ""),
    part: Number(said.part),
    key,
    rows: Number(said.rows),
    bytes: Number(said.bytes),
    sha256: said.sha256 ?? "",
    first: said.first ?? "",
    last: said.last ?? "",
    cold: key.startsWith(COLD_PREFIX),
    createdAtMs: uploaded.getTime(),
  };
}

function metadataOf(segment: Segment): Record<string, string> {
  const { tenant, kind, hourMs, part, rows, bytes, sha256, first, last } = segment;
  return {
    v: "2",
    tenant,
    kind,
    hour: new Date(hourMs).toISOString(),
    part: String(part),
    rows: String(rows),
    bytes: String(bytes),
    sha256,
    first,
    last,
  };
}

async function writeManifest(store: R2Bucket, segment: Segment): Promise<void> {
  const { hourMs, createdAtMs, ...rest } = segment;
  const manifest = { v: 2, hour: new Date(hourMs).toISOString(), ...rest };
  await store.put(manifestKey(segment.key), `${JSON.stringify(manifest, null, 2)}\n`, {
    httpMetadata: { contentType: "application/json" },
  });
}

function manifestKey(key: string): string {
  return `${key}.manifest.json`;
}
