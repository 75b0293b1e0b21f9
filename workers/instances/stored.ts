/** A stored connection made ready for its life cycle, and taken back with what the platform taught us. */
import { resolveConnection } from "../../domain/connections/simulator.ts";
import { noteCall } from "../../platform/audit-calls.ts";
import type { CallResult } from "../../platform/http.ts";
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
  const webhookUrl = webhookUrlOf(row, vars.PUBLIC_URL);
  return { world: { callOnce: noted(callOnce, row), webhookUrl }, connection };
}

/** Calls that may change something at the platform, or fail, stand in the audit trail; looking does not. */
function noted(callOnce: World["callOnce"], row: StoredConnection["row"]): World["callOnce"] {
  return async (request, options) => {
    const startMs = Date.now();
    const answer = await callOnce(request, options);
    const isFine = answer.ok && answer.status < 400;
    if (request.method !== "GET" || !isFine)
      noteCall(row.tenantId, { ...callTo(row, answer), startMs });
    return answer;
  };
}

function callTo({ id, channel }: StoredConnection["row"], answer: CallResult) {
  const base = {
    action: "platform.call",
    actor: { kind: "system" },
    target: { connection: id, channel },
  } as const;
  if (!answer.ok) return { ...base, failure: { code: answer.reason, refused: false } };
  const { status } = answer;
  const failure = status < 400 ? undefined : { code: `http_${status}`, refused: status < 500 };
  return { ...base, status, failure };
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
