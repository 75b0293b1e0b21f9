/**
 * What was read becomes durable: statuses in D1, each conversation's messages in its object, all before
 * the acknowledgement. Shared by the webhook door, the Discord Gateway and `POST /messages/unified`.
 */
import { carried } from "../../domain/events/chain.ts";
import {
  formatTraceparent,
  newTraceparent,
  parseTraceparent,
} from "../../domain/observability/traceparent.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { conversationOf } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { count } from "../../platform/metrics.ts";
import { isOwed, oweEvents } from "../../platform/owed.ts";
import { ringInbound } from "../../platform/queues.ts";
import type {
  Accepted,
  AcceptReply,
  AcceptRequest,
  ConversationConfig,
} from "../../schema/conversation.ts";
import type { ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import { DEFAULT_POLICY } from "../../schema/tenant-defaults.ts";
import { isolateOf } from "../isolate.ts";

export type TakeInFailure =
  | { readonly reason: "backlog_full"; readonly retryAfterSeconds: number }
  | { readonly reason: "storage_unavailable"; readonly retryAfterSeconds: number };

export interface TakenIn {
  readonly accepted: readonly Accepted[];
  /** Rings the doorbells and tells subscribers; run it after the answer (`waitUntil`). Never rejects: the alarm catches what it misses. */
  readonly after: () => Promise<void>;
}

/** A human's turn on the phone lasts this long unless the connection says otherwise, in ms. */
const HUMAN_PAUSE_MS_DEFAULT = 30 * 60_000;
/** What we ask of a platform whose call we could not store, in seconds. */
const RETRY_AFTER_SECONDS = 2;

type Readable = Pick<WebhookReading, "messages" | "statuses">;

/** `depth`: of the chain of events that the messages come by; absent: they begin one. */
export async function takeIn(
  env: Env,
  located: Located,
  reading: Readable,
  nowMs: number,
  traceparent?: string,
  depth?: number,
): Promise<Result<TakenIn, TakeInFailure>> {
  try {
    const [accepts] = await Promise.all([
      acceptAll(env, located, reading.messages, {
        ...{ nowMs, traceparent: continued(traceparent) },
        ...carried(depth),
      }),
      storeStatuses(env, located, reading, nowMs),
    ]);
    const refused = accepts.find((one) => !one.reply.ok);
    const after = async () => {
      await ringAll(env, located, accepts);
      await tellOwed(env, located.tenant.id);
    };
    if (refused && !refused.reply.ok) {
      await after();
      const { retryAfterSeconds } = refused.reply.failure;
      return fail({ reason: "backlog_full", retryAfterSeconds });
    }
    countAccepted(located, reading.messages, accepts);
    const accepted = accepts.flatMap((one) => (one.reply.ok ? one.reply.value.accepted : []));
    return ok({ accepted, after });
  } catch {
    return fail({ reason: "storage_unavailable", retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
}

/** The caller's trace, or a new one: every message has one, and calls made for it carry it on. */
function continued(traceparent: string | undefined): string {
  return formatTraceparent(parseTraceparent(traceparent) ?? newTraceparent(Math.random));
}

/** What a conversation is told of its connection. */
export async function conversationConfig(
  env: Env,
  { connection, tenant }: Located,
  conversationKey: string,
): Promise<ConversationConfig> {
  const { ids, vars } = isolateOf(env);
  return {
    tenant: tenant.id,
    connection: connection.id,
    conversation: await ids.of(tenant.id, connection.id, conversationKey),
    conversationKey,
    policy: connection.policy ?? tenant.config.policy ?? DEFAULT_POLICY,
    sessionIdleMs: tenant.config.sessionIdleMs,
    humanPauseMs: connection.humanPauseMs ?? HUMAN_PAUSE_MS_DEFAULT,
    editTurns: tenant.config.editTurns,
    backlogMax: vars.CONVERSATION_BACKLOG_MAX,
    ringAfterMs: vars.RING_AFTER_MS,
    attemptsMax: vars.ATTEMPTS_MAX,
    uncertainHoldMs: vars.UNCERTAIN_HOLD_MS,
  };
}

interface Accept {
  readonly config: ConversationConfig;
  readonly reply: AcceptReply;
}

function acceptAll(
  env: Env,
  located: Located,
  messages: readonly ParsedMessage[],
  facts: Pick<AcceptRequest, "nowMs" | "traceparent" | "depth">,
): Promise<Accept[]> {
  const groups = Map.groupBy(messages, (message) => message.conversationKey);
  return Promise.all(
    [...groups].map(async ([key, group]) => {
      const config = await conversationConfig(env, located, key);
      const request: AcceptRequest = { ...facts, v: 1, config, messages: group };
      return { config, reply: await acceptOne(env, request) };
    }),
  );
}

/** A reset or a deploy under way is tried once more on a fresh stub: accepting twice is accepting once. */
async function acceptOne(env: Env, request: AcceptRequest): Promise<AcceptReply> {
  const { tenant, conversation } = request.config;
  try {
    return await conversationOf(env, tenant, conversation).accept(request);
  } catch (error) {
    if ((error as { overloaded?: boolean }).overloaded) throw error;
    count("accept_retries_total", {});
    return await conversationOf(env, tenant, conversation).accept(request);
  }
}

async function storeStatuses(
  env: Env,
  { tenant, connection }: Located,
  reading: Readable,
  nowMs: number,
): Promise<void> {
  if (reading.statuses.length === 0) return;
  const db = databaseFor(env, tenant.id);
  const { statusWrites } = await import("../operations/status-events.ts");
  const of = { tenant: tenant.id, connection: connection.id };
  const { statements, telling } = await statusWrites(env, db, of, reading.statuses, nowMs);
  await db.batch([...statements]);
  if (telling) oweEvents(tenant.id);
  for (const { status } of reading.statuses) {
    count("statuses_total", { channel: connection.channel, status, outcome: "stored" });
  }
}

/** Also what the connection's own change left. Without anything to tell nothing is loaded. */
async function tellOwed(env: Env, tenant: string): Promise<void> {
  if (!isOwed(tenant)) return;
  const { publishOwed } = await import("../operations/publish-owed.ts");
  await publishOwed(env, tenant);
}

async function ringAll(env: Env, { tenant }: Located, accepts: readonly Accept[]): Promise<void> {
  const due = accepts.filter((one) => one.reply.ok && one.reply.value.ring);
  const rung = await Promise.allSettled(
    due.map((one) => ringInbound(env, tenant.id, one.config.conversation)),
  );
  for (const one of rung) {
    count("queue_tokens_total", {
      queue: "inbound",
      outcome: one.status === "fulfilled" ? "sent" : "failed",
    });
  }
}

function countAccepted(
  { tenant, connection }: Located,
  messages: readonly ParsedMessage[],
  accepts: readonly Accept[],
): void {
  const kinds = new Map(messages.map((message) => [message.eventKey, message.kind]));
  const { channel } = connection;
  for (const { reply } of accepts) {
    if (!reply.ok) continue;
    for (const { eventKey, duplicate } of reply.value.accepted) {
      if (duplicate) count("messages_duplicate_total", { tenant: tenant.id, channel });
      else
        count("messages_accepted_total", {
          tenant: tenant.id,
          channel,
          kind: kinds.get(eventKey) ?? "message",
        });
    }
    for (const { reason } of reply.value.dropped)
      count("messages_dropped_total", { tenant: tenant.id, reason });
  }
}
