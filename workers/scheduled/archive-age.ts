/**
 * What becomes of the archive with time: objects of closed months move, compressed, to the cold prefix; what is past
 * a tenant's own retention is deleted, unless a legal hold keeps it.
 */
import { coolSegment, deleteSegmentObject } from "../../platform/archive-writer.ts";
import { databaseFor } from "../../platform/database.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import {
  dropSegment,
  listSegments,
  putSegment,
  type Segment,
  type SegmentKind,
} from "../../platform/repositories/segments.ts";
import type { TenantConfig } from "../../schema/tenant.ts";
import { isolateOf } from "../isolate.ts";

const DAY_MS = 24 * 3_600_000;
/** Objects stay as they were written for this long: what is still hot in the database is read plain. */
const WARM_MS = 30 * 24 * 3_600_000;
/** Objects moved and deleted per tenant, kind and run. */
const OBJECTS_MAX = 200;
const KINDS: readonly SegmentKind[] = ["messages", "events"];

export async function ageArchive(env: Env, nowMs: number): Promise<void> {
  const tenants = await env.DB.prepare("SELECT id FROM tenants ORDER BY id").all<{ id: string }>();
  for (const { id } of tenants.results) {
    const tenant = await isolateOf(env).directory.tenant(id, nowMs);
    if (tenant) await ageTenant(env, id, tenant.config.retention, nowMs);
  }
}

async function ageTenant(
  env: Env,
  tenant: string,
  { archiveDays, legalHold }: TenantConfig["retention"],
  nowMs: number,
): Promise<void> {
  for (const kind of KINDS) {
    const endMs = legalHold || archiveDays === undefined ? 0 : nowMs - archiveDays * DAY_MS;
    const dropped = await dropUntil(env, tenant, kind, endMs);
    const cooled = await coolUntil(env, tenant, kind, nowMs - WARM_MS);
    if (dropped + cooled > 0) logLine("archive.aged", { tenant, kind, dropped, items: cooled });
  }
}

async function dropUntil(
  env: Env,
  tenant: string,
  kind: SegmentKind,
  endMs: number,
): Promise<number> {
  const db = databaseFor(env, tenant);
  const old = await listSegments(db, { tenant, kind, fromMs: 0, toMs: endMs, limit: OBJECTS_MAX });
  for (const segment of old) {
    await deleteSegmentObject(env, segment);
    await dropSegment(db, segment).run();
    count("archived_rows_total", { tenant, kind, outcome: "deleted" }, segment.rows);
  }
  return old.length;
}

async function coolUntil(
  env: Env,
  tenant: string,
  kind: SegmentKind,
  endMs: number,
): Promise<number> {
  const db = databaseFor(env, tenant);
  const query = { tenant, kind, fromMs: 0, toMs: endMs, limit: OBJECTS_MAX, warm: true };
  const warm = await listSegments(db, query);
  const index = (cold: Segment) => putSegment(db, cold).run();
  for (const segment of warm) {
    const cold = await coolSegment(env, segment, index);
    if (!cold) logLine("archive.missing", { tenant, kind });
  }
  return warm.length;
}
