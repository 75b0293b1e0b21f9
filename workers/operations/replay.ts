/** Puts a dead letter back where it failed, under the ids it had. Two operators can't both do it. */
import { adapterFor } from "../../channels/registry.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { conversationOf, insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { count } from "../../platform/metrics.ts";
import { ringInbound } from "../../platform/queues.ts";
import { findConversation } from "../../platform/repositories/conversations.ts";
import { type DeadLetterRow, moveDeadLetter } from "../../platform/repositories/dead-letters.ts";
import type { InboxItem, OutboxItem } from "../../schema/conversation.ts";
import type { ReplayRequest } from "../../schema/conversation-operator.ts";
import type { RawWebhook } from "../../schema/parsed.ts";
import { conversationConfig, takeIn } from "../door/take-in.ts";
import type { ApiDeps } from "../http/deps.ts";

export type ReplayFailure = {
  readonly reason:
    | "taken"
    | "connection_gone"
    | "conversation_gone"
    | "still_unreadable"
    | "storage_unavailable";
};

export async function replayDeadLetter(
  deps: ApiDeps,
  row: DeadLetterRow,
  nowMs: number,
): Promise<Result<void, ReplayFailure>> {
  const db = databaseFor(deps.env, row.tenant_id);
  if (!(await moveDeadLetter(db, row.tenant_id, row.id, "dead", "replaying")))
    return fail({ reason: "taken" });
  const done = await replayTaken(deps, row, nowMs).catch(unavailable);
  const state = done.ok ? "replayed" : "dead";
  await insist(() => moveDeadLetter(db, row.tenant_id, row.id, "replaying", state));
  if (done.ok) count("dead_letters_replayed_total", { tenant: row.tenant_id, stage: row.stage });
  return done;
}

/** Nobody knows whether it was done: the letter stays, and a second replay of it does nothing twice. */
function unavailable(): Result<void, ReplayFailure> {
  return fail({ reason: "storage_unavailable" });
}

async function replayTaken(
  deps: ApiDeps,
  row: DeadLetterRow,
  nowMs: number,
): Promise<Result<void, ReplayFailure>> {
  const located = await deps.directory.byId(row.connection_id ?? "", nowMs);
  if (!located || located.tenant.id !== row.tenant_id) return fail({ reason: "connection_gone" });
  if (row.stage === "quarantine") return readAgain(deps, row, located, nowMs);
  const known = await findConversation(
    databaseFor(deps.env, row.tenant_id),
    row.tenant_id,
    row.conversation_id ?? "",
  );
  if (!known) return fail({ reason: "conversation_gone" });
  const config = await conversationConfig(deps.env, located, known.conversation_key);
  const base = { v: 1, nowMs, config } as const;
  const payload = JSON.parse(row.payload);
  if (row.stage === "turn" && !Array.isArray(payload.items))
    return fail({ reason: "still_unreadable" });
  const request: ReplayRequest =
    row.stage === "turn"
      ? { ...base, stage: "turn", items: (payload as { items: InboxItem[] }).items }
      : { ...base, stage: "send", item: payload as OutboxItem };
  const { ring } = await insist(() =>
    conversationOf(deps.env, row.tenant_id, known.id).replay(request),
  );
  if (ring) await ringInbound(deps.env, row.tenant_id, known.id).catch(() => undefined);
  return ok(undefined);
}

/** A quarantined webhook is parsed anew: after a deploy that understands it, it takes effect. */
async function readAgain(
  { env }: ApiDeps,
  row: DeadLetterRow,
  located: Located,
  nowMs: number,
): Promise<Result<void, ReplayFailure>> {
  const kept = JSON.parse(row.payload) as {
    suffix: string;
    contentType: string | null;
    body: string;
  };
  const raw: RawWebhook = {
    method: "POST",
    suffix: kept.suffix,
    header: (name) => (name.toLowerCase() === "content-type" ? kept.contentType : null),
    body: Uint8Array.fromBase64(kept.body),
  };
  const read = adapterFor(located.connection.channel)?.parse(raw, {
    connection: located.connection,
    nowMs,
  });
  if (!read?.ok) return fail({ reason: "still_unreadable" });
  const taken = await takeIn(env, located, read.value, nowMs);
  if (!taken.ok) return fail({ reason: "storage_unavailable" });
  await taken.value.after();
  return ok(undefined);
}
