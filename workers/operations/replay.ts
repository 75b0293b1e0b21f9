/** Puts a dead letter back where it failed, under the ids it had. Two operators can't both do it. */
import { adapterFor } from "../../channels/registry.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { conversationOf, insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { ringInbound } from "../../platform/queues.ts";
import { findConversation } from "../../platform/repositories/conversations.ts";
import {
  CLAIM_MS,
  claimDeadLetter,
  type DeadLetterRow,
  endClaim,
} from "../../platform/repositories/dead-letters.ts";
import type { AttemptNote, InboxItem, OutboxItem } from "../../schema/conversation.ts";
import type { ReplayRequest } from "../../schema/conversation-operator.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import type { RawWebhook } from "../../schema/parsed.ts";
import { conversationConfig, takeIn } from "../door/take-in.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type EventReplayFailure, replayEvent } from "./replay-event.ts";

export type ReplayFailure =
  | {
      readonly reason:
        | "taken"
        | "connection_gone"
        | "conversation_gone"
        | "still_unreadable"
        | "storage_unavailable";
    }
  | EventReplayFailure;

/** What replaying takes. */
export type ReplayDeps = Pick<ApiDeps, "env" | "vars" | "directory">;

/** `edited`: a new version of an event, to go instead of the original. Rejects as D1 does, before anything is done. */
export async function replayDeadLetter(
  deps: ReplayDeps,
  row: DeadLetterRow,
  nowMs: number,
  edited?: EventEnvelope,
): Promise<Result<void, ReplayFailure>> {
  const db = databaseFor(deps.env, row.tenant_id);
  const of = { tenant: row.tenant_id, id: row.id, atMs: nowMs };
  const claim = edited ? { ...of, edited } : of;
  if (!(await claimDeadLetter(db, claim))) return fail({ reason: "taken" });
  const replay =
    row.stage === "event" ? replayEvent(deps, row, edited) : replayTaken(deps, row, nowMs);
  const done = await replay.catch(unavailable);
  // A claim that nobody can end runs out by itself; what was done stays done.
  await insist(() => endClaim(db, claim, done.ok ? "replayed" : "dead")).catch(() => {
    logLine("claim.kept", { tenant: of.tenant, deadLetter: of.id });
  });
  if (done.ok) count("dead_letters_replayed_total", { tenant: row.tenant_id, stage: row.stage });
  return done;
}

/** Whether somebody has the letter in hand now. */
export function isInHand({ state, history, created_at }: DeadLetterRow, nowMs: number): boolean {
  if (state !== "replaying") return false;
  const claimed = (JSON.parse(history) as readonly AttemptNote[]).at(-1)?.atMs ?? created_at;
  return claimed >= nowMs - CLAIM_MS;
}

/** Nobody knows whether it was done: the letter stays, and a second replay of it does nothing twice. */
function unavailable(): Result<void, ReplayFailure> {
  return fail({ reason: "storage_unavailable" });
}

async function replayTaken(
  deps: ReplayDeps,
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
  { env }: ReplayDeps,
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
