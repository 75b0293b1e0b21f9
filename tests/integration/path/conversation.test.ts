/** A conversation's object through evictions, lost answers and alarms. Faults FT-11, FT-12. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { type ConversationRpc, conversationOf } from "../../../platform/conversations.ts";
import type {
  AcceptRequest,
  ConversationConfig,
  LeaseReply,
} from "../../../schema/conversation.ts";
import type { ParsedMessage } from "../../../schema/parsed.ts";

type Leased = Extract<LeaseReply, { is: "leased" }>;

const CONFIG: ConversationConfig = {
  tenant: "acme",
  connection: "acme-wa",
  conversation: "",
  conversationKey: "5511900000001@s.whatsapp.net",
  policy: { kind: "serial" },
  sessionIdleMs: 1000,
  humanPauseMs: 0,
  editTurns: false,
  backlogMax: 10,
  ringAfterMs: 60_000,
};

let made = 0;

function conversation() {
  made += 1;
  const name = `cnv_object_${made}`;
  const stub = (): ConversationRpc => conversationOf(env as Env, "acme", name);
  const accept = (eventKey: string) => stub().accept(requestOf(name, eventKey));
  const evict = () => evictDurableObject(stub() as never);
  return { stub, accept, evict };
}

function requestOf(conversation: string, eventKey: string): AcceptRequest {
  const message: ParsedMessage = {
    kind: "message",
    origin: "contact",
    eventKey,
    conversationKey: CONFIG.conversationKey,
    platformId: eventKey,
    sender: { id: "5511900000001", aliases: [] },
    group: false,
    content: { text: eventKey, media: [], metadata: {} },
    mentions: [],
  };
  return { v: 1, config: { ...CONFIG, conversation }, nowMs: Date.now(), messages: [message] };
}

async function leased(stub: ConversationRpc, call?: string): Promise<Leased> {
  const reply = await stub.lease(Date.now(), call);
  if (reply.is !== "leased") throw new Error("idle");
  return reply;
}

test("FT-11 evicted between accept and drain: everything is still there, and is no duplicate of itself", async () => {
  const { stub, accept, evict } = conversation();
  await accept("a");
  await evict();
  expect(await accept("a")).toMatchObject({ value: { accepted: [{ duplicate: true }] } });
  await evict();
  const work = await leased(stub());
  expect(work.persist.map((item) => item.message.eventKey)).toEqual(["a"]);
  expect(work.turn?.items).toHaveLength(1);
});

test("evicted under a lease: the next worker gets the work, the first is fenced off", async () => {
  const { stub, accept, evict } = conversation();
  await accept("a");
  const first = await leased(stub());
  await evict();
  const second = await leased(stub());
  expect(second.turn?.id).toBe(first.turn?.id);
  const turn = { id: first.turn?.id ?? "", is: "committed", replies: [] } as const;
  const late = await stub().commit({ v: 1, token: first.token, nowMs: Date.now(), turn });
  expect(late).toEqual({ is: "fenced" });
  const good = await stub().commit({ v: 1, token: second.token, nowMs: Date.now(), turn });
  expect(good).toMatchObject({ is: "ok", turn: "committed" });
});

test("a named call made twice is one call with one answer; an unnamed one is not", async () => {
  const { stub, accept } = conversation();
  await accept("a");
  const first = await leased(stub(), "call-1");
  expect(await stub().lease(Date.now(), "call-1")).toEqual(first);
  expect(await stub().lease(Date.now(), "call-2")).toEqual({ is: "idle" });
  const reply = {
    content: { type: "text", text: "hi" },
    answers: [first.turn?.items[0]?.id ?? ""],
  } as const;
  const turn = { id: first.turn?.id ?? "", is: "committed", replies: [reply] } as const;
  const request = { v: 1, call: "call-3", token: first.token, nowMs: Date.now(), turn } as const;
  const answer = await stub().commit(request);
  expect(answer).toMatchObject({ is: "ok", turn: "committed", send: { attempt: 1 } });
  expect(await stub().commit(request)).toEqual(answer);
});

test("FT-12 the alarm rings, again and again while nobody comes, and never throws", async () => {
  const { stub, accept } = conversation();
  await accept("a");
  for (let n = 0; n < 8; n++) {
    expect(await runDurableObjectAlarm(stub() as never)).toBe(true);
    expect((await stub().status()).alarmAtMs).toBeGreaterThan(Date.now());
  }
  expect((await stub().status()).pending).toBe(1);
});

test("a replay whose answer was lost changes nothing when it is made again", async () => {
  const { stub, accept } = conversation();
  await accept("a");
  const work = await leased(stub());
  const turn = {
    id: work.turn?.id ?? "",
    is: "failed",
    reason: "gone",
    retryable: false,
  } as const;
  const persistedSeq = work.turn?.lastSeq ?? 0;
  await stub().commit({ v: 1, token: work.token, nowMs: Date.now(), persistedSeq, turn });
  const items = work.turn?.items ?? [];
  const replay = () =>
    stub().replay({ v: 1, nowMs: Date.now(), config: work.config, stage: "turn", items });
  await replay();
  const again = await leased(stub());
  await stub().commit({
    v: 1,
    token: again.token,
    nowMs: Date.now(),
    projected: again.deads.map((dead) => dead.id),
    persistedSeq: again.turn?.lastSeq ?? 0,
    turn: { id: again.turn?.id ?? "", is: "committed", replies: [] },
  });
  await replay();
  expect(await stub().status()).toMatchObject({ pending: 0 });
});
