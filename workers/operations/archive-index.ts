/** The archive's index, made anew from the objects alone, and the objects checked against it. */
import { readSegmentText } from "../../platform/archive-reader.ts";
import { ARCHIVE_PREFIX, COLD_PREFIX, segmentOfObject } from "../../platform/archive-writer.ts";
import { databaseFor } from "../../platform/database.ts";
import { putSegment, type Segment } from "../../platform/repositories/segments.ts";

/** Objects of one R2 listing (R2 limits). */
const LIST_MAX = 1000;

/** Lists every object of a tenant and writes the index rows they describe. Answers how many. Rejects as R2 and D1 do. */
export async function rebuildIndex(env: Env, tenant: string): Promise<number> {
  const db = databaseFor(env, tenant);
  let found = 0;
  for (const prefix of [ARCHIVE_PREFIX, COLD_PREFIX]) {
    for await (const page of listed(env, `${prefix}${tenant}/`)) {
      const segments = page.filter((segment) => segment.tenant === tenant);
      if (segments.length > 0) await db.batch(segments.map((segment) => putSegment(db, segment)));
      found += segments.length;
    }
  }
  return found;
}

export interface Verification {
  readonly checked: number;
  readonly rows: number;
  readonly damaged: readonly string[];
  readonly gone: readonly string[];
}

/** Reads each object and compares it with its checksum. Rejects as R2 does. */
export async function verifySegments(
  env: Env,
  segments: readonly Segment[],
): Promise<Verification> {
  const damaged: string[] = [];
  const gone: string[] = [];
  let rows = 0;
  for (const segment of segments) {
    const read = await readSegmentText(env, segment);
    if (read.ok) rows += segment.rows;
    else (read.failure.reason === "segment_gone" ? gone : damaged).push(segment.key);
  }
  return { checked: segments.length, rows, damaged, gone };
}

async function* listed({ STORE }: Env, prefix: string): AsyncGenerator<readonly Segment[]> {
  let cursor: string | undefined;
  do {
    const page: R2Objects = await STORE.list({
      prefix,
      limit: LIST_MAX,
      include: ["customMetadata"],
      ...(cursor ? { cursor } : {}),
    });
    yield page.objects.flatMap((object) => segmentOfObject(object) ?? []);
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor);
}
