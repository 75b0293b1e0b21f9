/**
 * Copies message rows to R2, one object per tenant and hour: NDJSON, created once, with its checksum and
 * range in the object's own metadata, so that the index can be rebuilt from the objects alone. An hour is
 * that of `processed_at`: a reply that was sent late is archived with the hour it was sent in.
 */
import { firstIdAt } from "../../domain/messaging/message-id.ts";
import { databaseFor } from "../../platform/database.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import type { StoredMessage } from "../../platform/repositories/messages.ts";

const HOUR_MS = 3_600_000;
/** An hour is closed this long after its end, so that statuses have mostly arrived. */
const CLOSED_AFTER_MS = HOUR_MS;
/** A message may be sent at most a day after it was written (SEND_TTL_MS); looked back a little further. */
const LOOK_BACK_MS = 25 * HOUR_MS;
/** Rows of one object; a busier hour has several parts. */
const ROWS_MAX = 5000;
/** Hours caught up per tenant and run. */
const HOURS_MAX = 48;

export async function archiveHours(env: Env, nowMs: number): Promise<void> {
  const tenants = await env.DB.prepare("SELECT id, created_at FROM tenants ORDER BY id").all<{
    id: string;
    created_at: number;
  }>();
  for (const { id, created_at } of tenants.results) await archiveTenant(env, id, created_at, nowMs);
}

/** Goes on where the last run left off. The cursor moves only after the objects are there. */
async function archiveTenant(
  env: Env,
  tenant: string,
  createdAtMs: number,
  nowMs: number,
): Promise<void> {
  const name = `archive:${tenant}`;
  const stored = await env.DB.prepare("SELECT value FROM jobs WHERE name = ?")
    .bind(name)
    .first<{ value: number }>();
  const firstMs = stored?.value ?? hourOf(createdAtMs);
  const lastMs = hourOf(nowMs - CLOSED_AFTER_MS);
  let hourMs = firstMs;
  for (let n = 0; hourMs < lastMs && n < HOURS_MAX; n++, hourMs += HOUR_MS)
    await archiveHour(env, tenant, hourMs);
  if (hourMs === firstMs) return;
  await env.DB.prepare(
    "INSERT INTO jobs (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3",
  )
    .bind(name, hourMs, nowMs)
    .run();
}

async function archiveHour(env: Env, tenant: string, hourMs: number): Promise<void> {
  let afterId = "";
  for (let part = 0; ; part++) {
    const rows = await rowsOf(env, tenant, hourMs, afterId);
    if (rows.length === 0) return;
    await putPart(env, tenant, hourMs, part, rows);
    if (rows.length < ROWS_MAX) return;
    afterId = rows.at(-1)?.id ?? "";
  }
}

async function rowsOf(
  env: Env,
  tenant: string,
  hourMs: number,
  afterId: string,
): Promise<readonly StoredMessage[]> {
  const from = afterId || firstIdAt(hourMs - LOOK_BACK_MS);
  const rows = await databaseFor(env, tenant)
    .prepare(
      "SELECT * FROM messages WHERE tenant_id = ? AND id > ? AND id < ? AND processed_at >= ? AND processed_at < ? ORDER BY id LIMIT ?",
    )
    .bind(tenant, from, firstIdAt(hourMs + HOUR_MS), hourMs, hourMs + HOUR_MS, ROWS_MAX)
    .all<StoredMessage>();
  return rows.results;
}

async function putPart(
  env: Env,
  tenant: string,
  hourMs: number,
  part: number,
  rows: readonly StoredMessage[],
): Promise<void> {
  const bytes = new TextEncoder().encode(
    rows.map((row) => `${JSON.stringify(lineOf(row))}\n`).join(""),
  );
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const put = await env.STORE.put(archiveKey(tenant, hourMs, part), bytes, {
    onlyIf: { etagDoesNotMatch: "*" },
    httpMetadata: { contentType: "application/x-ndjson" },
    customMetadata: {
      v: "1",
      tenant,
      hour: new Date(hourMs).toISOString(),
      rows: String(rows.length),
      first_id: rows[0]?.id ?? "",
      last_id: rows.at(-1)?.id ?? "",
      sha256,
    },
  });
  if (put) count("archived_messages_total", { tenant, outcome: "written" }, rows.length);
  logLine("archive.written", {
    tenant,
    rows: rows.length,
    bytes: bytes.byteLength,
    outcome: put ? "created" : "existed",
  });
}

/** `archive/<tenant>/<yyyy>/<mm>/<dd>/<hh>-<part>.ndjson` */
export function archiveKey(tenant: string, hourMs: number, part: number): string {
  const [day, time] = new Date(hourMs).toISOString().split("T") as [string, string];
  return `archive/${tenant}/${day.replaceAll("-", "/")}/${time.slice(0, 2)}-${part}.ndjson`;
}

function lineOf({ content, metadata, ...row }: StoredMessage) {
  return { ...row, content: JSON.parse(content), metadata: JSON.parse(metadata) };
}

function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS;
}
