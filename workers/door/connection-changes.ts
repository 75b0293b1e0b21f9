/** Writes down what a platform says of the connection itself: open, closed, revoked, a QR code to scan. */
import type { Located } from "../../platform/directory.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import type { ConnectionChange } from "../../schema/parsed.ts";

/** One row of the first database (connections are not sharded). Rejects as D1 does. */
export async function noteConnection(
  env: Env,
  { tenant, connection }: Located,
  change: ConnectionChange,
  nowMs: number,
): Promise<void> {
  await env.DB.prepare(
    "UPDATE connections SET state = ?1, state_detail = ?2, updated_at = ?3 WHERE id = ?4 AND tenant_id = ?5 AND (state <> ?1 OR coalesce(state_detail, '') <> coalesce(?2, ''))",
  )
    .bind(change.state, change.detail ?? null, nowMs, connection.id, tenant.id)
    .run();
  count("connection_changes_total", { channel: connection.channel, state: change.state });
  logLine("connection.changed", {
    tenant: tenant.id,
    connection: connection.id,
    state: change.state,
  });
}
