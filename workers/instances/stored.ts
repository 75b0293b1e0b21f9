/** A stored connection made ready for its life cycle, and taken back with what the platform taught us. */
import { resolveConnection } from "../../domain/connections/simulator.ts";
import { webhookUrlOf } from "../../platform/repositories/connection-view.ts";
import {
  type StoredConnection,
  updateConnection,
} from "../../platform/repositories/connections.ts";
import { ConnectionInput } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import type { World } from "./lifecycle.ts";

/** The connection with real origins, and the world its life cycle acts in. */
export function worldOf(
  { callOnce, vars }: Pick<ApiDeps, "callOnce" | "vars">,
  { row, input }: StoredConnection,
): { readonly world: World; readonly connection: ConnectionInput } {
  const connection = resolveConnection(input, vars.SIMULATORS ?? {});
  return { world: { callOnce, webhookUrl: webhookUrlOf(row, vars.PUBLIC_URL) }, connection };
}

/** Stores members that were not known before. What the tenant set by hand is left alone. */
export async function learn(
  { env, vault, directory }: Pick<ApiDeps, "env" | "vault" | "directory">,
  stored: StoredConnection,
  learned: Readonly<Record<string, string>>,
  nowMs: number,
): Promise<StoredConnection> {
  const known = stored.input as Readonly<Record<string, unknown>>;
  const news = Object.entries(learned).filter(([name]) => known[name] === undefined);
  if (news.length === 0) return stored;
  const input = ConnectionInput.parse({ ...stored.input, ...Object.fromEntries(news) });
  const next = await updateConnection({ db: env.DB, vault }, stored.row, input, nowMs, {
    // Nothing that decides who owns the connection is learned from a platform.
    byOperator: true,
  });
  directory.forget(stored.row.id);
  return next;
}
