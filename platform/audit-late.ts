/** Batches of audit entries that their trail did not take at once: appended by a job until none is left. */
import { HUB_TRAIL } from "../domain/audit/entry.ts";
import { LATE_PREFIX } from "./audit-buffer.ts";
import { type AuditBatch, auditTrail } from "./audit-trail.ts";
import { logLine } from "./log.ts";
import { count } from "./metrics.ts";

/** Batches of one run; the rest is for the next. */
const BATCHES_MAX = 500;
/** How long one look is trusted, ms: health may be asked often, and a list is dear. */
const LOOK_MS = 60_000;

type Bindings = Pick<Env, "AUDIT" | "STORE" | "DB">;

/** Rejects only where they cannot be listed. One that fails stays. */
export async function appendLate(env: Bindings, nowMs: number): Promise<void> {
  const { objects } = await env.STORE.list({ prefix: LATE_PREFIX, limit: BATCHES_MAX });
  for (const { key } of objects) {
    const outcome = await appendOne(env, key, nowMs).catch(() => "failed");
    count("audit_late_total", { outcome });
    logLine("audit.late", { key: key.split("/").at(-1)?.replace(".json", ""), outcome });
  }
  looked = { atMs: nowMs, found: false };
}

async function appendOne(env: Bindings, key: string, nowMs: number): Promise<string> {
  const object = await env.STORE.get(key);
  if (!object) return "gone";
  const batch = (await object.json()) as AuditBatch;
  const isWanted = batch.trail === HUB_TRAIL || (await isThere(env.DB, batch.trail));
  if (isWanted) await auditTrail(env, batch.trail).append(batch, nowMs);
  await env.STORE.delete(key);
  return isWanted ? "appended" : "tenant_gone";
}

/** A deleted tenant's trail is not begun anew. */
async function isThere(db: D1Database, tenant: string): Promise<boolean> {
  return (await db.prepare("SELECT 1 FROM tenants WHERE id = ?").bind(tenant).first()) !== null;
}

let looked = { atMs: -Infinity, found: false };

/** Whether batches wait, as of the last minute. Rejects as R2 does. */
export async function isAuditLate({ STORE }: Pick<Env, "STORE">, nowMs: number): Promise<boolean> {
  if (Math.abs(nowMs - looked.atMs) < LOOK_MS) return looked.found;
  const { objects } = await STORE.list({ prefix: LATE_PREFIX, limit: 1 });
  looked = { atMs: nowMs, found: objects.length > 0 };
  return looked.found;
}
