/** Writes down what a platform says of the connection itself: open, closed, revoked, a QR code to scan. */
import type { Located } from "../../platform/directory.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import type { ConnectionChange } from "../../schema/parsed.ts";

/** One row of the first database (connections are not sharded), not a change of the resource: its ETag stays. Rejects as D1 does. */
export async function noteConnection(
  env: Env,
  { tenant, connection }: Located,
  change: ConnectionChange,
): Promise<void> {
  await env.DB.prepare(
    "UPDATE connections SET state = ?1, state_detail = ?2 WHERE id = ?3 AND tenant_id = ?4 AND (state <> ?1 OR state_detail IS NOT ?2)",
  )
    .bind(change.state, change.detail ?? null, connection.id, tenant.id)
    .run();
  count("connection_changes_total", { channel: connection.channel, state: change.state });
  logLine("connection.changed", {
    tenant: tenant.id,
    connection: connection.id,
    state: change.state,
  });
}
