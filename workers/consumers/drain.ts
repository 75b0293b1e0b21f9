/**
 * Works one conversation off: what is new goes to D1, the due turn is run, its replies are committed before
 * any is sent, sends go out one by one in order; then the next lease, until nothing is due.
 */
import { insist } from "../../platform/conversations.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { writeTelling } from "../../platform/outbox.ts";
import type { QueueToken } from "../../platform/queue-tokens.ts";
import { ringInbound, ringTurns } from "../../platform/queues.ts";
import { projectDead } from "../../platform/repositories/dead-letters.ts";
import type {
  CommitRequest,
  DeadItem,
  OutboxItem,
  SendReport,
  Turn,
  TurnResult,
  WorkReply,
} from "../../schema/conversation.ts";
import { isolateOf } from "../isolate.ts";
import { publishOwed } from "../operations/publish-owed.ts";
import { conversationStub, type Leased, letGo } from "./leased.ts";
import { persistAll } from "./persist.ts";
import { recordEnd } from "./record.ts";
import { sendItem } from "./send.ts";
import { leasedTurn } from "./turn.ts";

/** Leases taken in one visit; a conversation busier than that rings again, so that others get their turn. */
const ROUNDS_MAX = 20;

/** Undefined where nothing is due, somebody else is at it, or the connection is gone. */
export async function leaseConversation(env: Env, of: QueueToken): Promise<Leased | undefined> {
  const work = await insist((call) => conversationStub(env, of).lease(Date.now(), call));
  if (work.is === "idle") return undefined;
  const located = await locate(env, of, work);
  if (located?.tenant.id === of.tenant) return { of, token: work.token, work, located };
  count("queue_tokens_total", { queue: "inbound", outcome: "connection_gone" });
  await letGo(env, of, work.token);
  return undefined;
}

/** A lease nobody can work on is given back at once, not when it ends. */
async function locate(env: Env, of: QueueToken, work: Leased["work"]) {
  try {
    return await isolateOf(env).directory.byId(work.config.connection, Date.now());
  } catch (error) {
    await letGo(env, of, work.token);
    throw error;
  }
}

/** The leased work, whose messages are in D1 by now, and everything that becomes due after it. */
export async function workOff(env: Env, first: Leased, db: D1Database): Promise<void> {
  let leased: Leased | undefined = first;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (!(await workOnce(env, leased, db))) return;
    leased = await leaseConversation(env, first.of);
    if (!leased) return;
    if (!(await persistAll(env, [leased])).get(leased.token)) {
      await letGo(env, first.of, leased.token);
      return;
    }
  }
  await letGo(env, first.of, leased.token);
  await ringInbound(env, first.of.tenant, first.of.conversation);
}

/** Leases and works off a conversation nobody has leased yet. */
export async function visit(env: Env, of: QueueToken, db: D1Database): Promise<void> {
  const leased = await leaseConversation(env, of);
  if (!leased) return;
  if ((await persistAll(env, [leased])).get(leased.token)) await workOff(env, leased, db);
  else await letGo(env, of, leased.token);
}

/** True where something else is due. A send that was due at the lease is older than what the turn will say: it goes first. */
async function workOnce(env: Env, leased: Leased, db: D1Database): Promise<boolean> {
  const { work, of } = leased;
  const projected = await projectAll(db, leased, work.deads);
  const carried = work.send ? await sendAndRecord(env, leased, db, work.send) : undefined;
  const turn = work.turn && (await decided(env, leased, work.turn));
  const persistedSeq = work.persist.at(-1)?.seq;
  const reply = await report(env, leased, {
    registered: true,
    projected,
    ...(carried ? { reports: [carried] } : {}),
    ...(persistedSeq === undefined ? {} : { persistedSeq }),
    ...(turn ? { turn } : {}),
  });
  if (reply.is === "ok" && reply.turn === "handed")
    await insist(() => ringTurns(env, of.tenant, of.conversation));
  if (reply.is === "ok" && reply.turn === "interrupted") {
    count("messages_dropped_total", { tenant: of.tenant, reason: "interrupted" });
  }
  const stuck = projected.length < work.deads.length || (work.turn && !turn);
  const more = await sendAll(env, leased, db, reply);
  await publishOwed(env, of.tenant);
  return more && !stuck;
}

/** Undefined where storage failed: what else was done is reported all the same, the alarm brings the turn again. */
async function decided(env: Env, leased: Leased, turn: Turn): Promise<TurnResult | undefined> {
  try {
    return await leasedTurn(env, leased, turn);
  } catch (error) {
    const code = error instanceof Error ? error.name : "unknown";
    logLine("turn.stalled", { tenant: leased.of.tenant, turn: turn.id, code });
    return undefined;
  }
}

/** Sends head first until nothing is due: the answer to each report brings the next item. */
async function sendAll(
  env: Env,
  leased: Leased,
  db: D1Database,
  first: WorkReply,
): Promise<boolean> {
  let reply = first;
  while (reply.is === "ok" && reply.send) {
    const projected = await projectAll(db, leased, reply.deads);
    const sent = await sendAndRecord(env, leased, db, reply.send);
    reply = await report(env, leased, { projected, reports: [sent] });
  }
  return reply.is === "ok" && reply.more;
}

function report(
  env: Env,
  leased: Leased,
  what: Omit<CommitRequest, "v" | "token" | "nowMs">,
): Promise<WorkReply> {
  const request: CommitRequest = { v: 1, token: leased.token, nowMs: Date.now(), ...what };
  return insist((call) => conversationStub(env, leased.of).commit({ ...request, call }));
}

async function sendAndRecord(
  env: Env,
  leased: Leased,
  db: D1Database,
  item: OutboxItem,
): Promise<SendReport> {
  if (item.state.is === "recording") return recordEnd(env, db, leased, item, item.state.end);
  const sent = await sendItem(env, leased, item);
  if (sent.result.is !== "ended") return sent;
  return recordEnd(env, db, leased, { ...item, steps: sent.steps }, sent.result.end);
}

/** Ids of the dead letters that now stand in D1; the others stay with the conversation. */
async function projectAll(
  db: D1Database,
  { of, located }: Leased,
  deads: readonly DeadItem[],
): Promise<readonly string[]> {
  if (deads.length === 0) return [];
  const where = {
    tenant: of.tenant,
    conversation: of.conversation,
    connection: located.connection.id,
  };
  try {
    const statements = deads.flatMap((dead) => projectDead(db, dead, where));
    await writeTelling(db, of.tenant, statements);
  } catch {
    return [];
  }
  for (const { stage, reason } of deads)
    count("dead_letters_total", { tenant: of.tenant, stage, reason });
  return deads.map((dead) => dead.id);
}
