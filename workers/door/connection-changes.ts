/** Writes down what a platform says of the connection itself: open, closed, revoked, a QR code to scan. */
import type { Located } from "../../platform/directory.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { noteState } from "../../platform/repositories/connection-state.ts";
import type { ConnectionChange } from "../../schema/parsed.ts";

/** Rejects as D1 does. */
export async function noteConnection(
  env: Env,
  { tenant, connection }: Located,
  change: ConnectionChange,
): Promise<void> {
  const { state, detail } = change;
  await noteState(env.DB, tenant.id, connection.id, state, detail ?? null);
  count("connection_changes_total", { channel: connection.channel, state: change.state });
  logLine("connection.changed", {
    tenant: tenant.id,
    connection: connection.id,
    state: change.state,
  });
}
