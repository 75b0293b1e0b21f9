/** Messages, sends and statuses as the code of the path takes them, for tests of what is told of them. */
import type { Fault } from "../../../domain/faults/plan.ts";
import { mintId } from "../../../domain/messaging/message-id.ts";
import type { Located } from "../../../platform/directory.ts";
import { wrapEnv } from "../../../platform/faults.ts";
import { publishOutbox } from "../../../platform/outbox-publish.ts";
import { takeOwed } from "../../../platform/owed.ts";
import type { InboxItem, LeaseReply, OutboxItem, SendEnd } from "../../../schema/conversation.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import type { ParsedStatus } from "../../../schema/parsed.ts";
import type { Leased } from "../../../workers/consumers/leased.ts";
import { recordEnd } from "../../../workers/consumers/record.ts";
import { takeIn } from "../../../workers/door/take-in.ts";
import { env, unique } from "../api/hub-api.ts";
import { DEPS, listen } from "./telling.ts";

type Work = Extract<LeaseReply, { is: "leased" }>;

/** When this file was begun, in ms. */
export const AT = Date.now();
/** A call that fails this often has failed for its caller (`insist`). */
export const BUS_TRIES = 4;

let seq = AT;
export const nextId = () => mintId("msg", ++seq, Math.random);

/** The bindings behind a seam of their own, every one of these faults dealt once. */
export const failing = (...faults: readonly Partial<Fault>[]): Env =>
  wrapEnv(env, {
    plan: JSON.stringify({
      seed: Math.random(),
      faults: faults.map((one) => ({ times: 1, ...one })),
    }),
  });

interface Said {
  readonly text?: string;
  readonly over?: Partial<InboxItem["message"]>;
}

export function leased(tenant: string, said: readonly Said[], conversation = "cnv_1"): Leased {
  const persist = said.map(({ text = "hi", over }): InboxItem => {
    const id = nextId();
    return {
      seq,
      id,
      atMs: seq,
      wantsTurn: true,
      session: "ses_1",
      message: {
        kind: "message",
        origin: "contact",
        conversationKey: "5511900000001@s.whatsapp.net",
        eventKey: id,
        platformId: id,
        sender: { id: "5511900000001", aliases: [] },
        group: false,
        content: { text, media: [], metadata: {} },
        mentions: [],
        ...over,
      },
    };
  });
  const config = { tenant, connection: "wa", conversation, conversationKey: "k" };
  const work = {
    is: "leased",
    token: conversation,
    config,
    persist,
    deads: [],
    ownPlatformIds: [],
    unregistered: false,
  };
  const located = {
    tenant: { id: tenant, config: { tracing: { export: false } } },
    connection: { id: "wa", channel: "whatsapp" },
    rules: [],
  } as unknown as Located;
  return {
    of: { v: 1, tenant, conversation },
    token: conversation,
    work: work as unknown as Work,
    located,
  };
}

export function aSend(over: Partial<OutboxItem> = {}): OutboxItem {
  return {
    seq: ++seq,
    id: nextId(),
    createdAtMs: AT,
    attempt: 1,
    steps: [],
    answers: [],
    history: [],
    group: false,
    content: { type: "text", text: "a reply" },
    state: { is: "sending", untilMs: AT, maybe: false },
    ...over,
  } as OutboxItem;
}

export const sentAs = (platformId: string): SendEnd => ({ status: "sent", atMs: AT, platformId });
/** By a worker that dies right behind it: what it owes nobody here knows. */
export async function record(on: Env, tenant: string, item: OutboxItem, end: SendEnd) {
  const report = await recordEnd(on, on.DB, leased(tenant, []), item, end);
  takeOwed(tenant);
  return report;
}

export const typesOf = (events: readonly EventEnvelope[]) =>
  events.map(({ event_type }) => event_type);
export const drain = (tenant: string) => publishOutbox(DEPS, tenant, Date.now());

export async function say(tenant: string, ...statuses: readonly ParsedStatus[]) {
  return status(env, tenant, statuses);
}

export async function status(on: Env, tenant: string, statuses: readonly ParsedStatus[]) {
  const { located } = leased(tenant, []);
  return takeIn(on, located, { messages: [], statuses }, Date.now());
}

export async function aTenant(listening = true): Promise<string> {
  const tenant = unique("told-messages");
  if (listening) await listen(tenant);
  return tenant;
}
