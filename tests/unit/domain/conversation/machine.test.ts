import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type {
  LeaseReply,
  OutboxItem,
  SendReport,
  WorkReply,
} from "../../../../schema/conversation.ts";
import type { TurnPolicy } from "../../../../schema/policy.ts";
import { aMessage, CONFIG, conversation } from "../../../support/conversation.ts";

type Machine = ReturnType<typeof conversation>;
type Leased = Extract<LeaseReply, { is: "leased" }>;

/** A platform without idempotent sends that can be asked, and a D1: both outlive every crash of the machine. */
interface World {
  readonly sent: OutboxItem[];
  readonly d1: Set<string>;
}

/** One event of a run; everything random about it is in the value, so that a failing run shrinks. */
type Event =
  | { readonly do: "accept"; readonly key: number; readonly copies: number }
  | { readonly do: "work"; readonly dieAt: number; readonly answer: "ok" | "lost" | "503" }
  | { readonly do: "crash" }
  | { readonly do: "wait"; readonly ms: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("accept" as const),
      key: fc.nat(30),
      copies: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("work" as const),
      dieAt: fc.integer({ min: 0, max: 12 }),
      answer: fc.constantFrom("ok" as const, "ok" as const, "lost" as const, "503" as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "crash" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.integer({ min: 1, max: 90_000 }),
    }),
  },
);

const policies: readonly TurnPolicy[] = [
  { kind: "serial" },
  { kind: "burst" },
  { kind: "debounce", quietMs: 2000 },
];

describe("any mix of messages, duplicates, crashes, lost answers and waits", () => {
  for (const policy of policies) {
    test(`${policy.kind}: every accepted message is answered once, in order`, () => {
      fc.assert(
        fc.property(fc.array(event, { maxLength: 80 }), (events) => {
          const world: World = { sent: [], d1: new Set() };
          const machine = conversation({ ...CONFIG, policy });
          const accepted: string[] = [];
          for (const one of events) play(machine, world, one, accepted);
          settleDown(machine, world);
          expect(world.sent.flatMap((item) => item.answers)).toEqual(accepted);
          expect([...world.d1].filter((id) => accepted.includes(id)).length).toBe(accepted.length);
        }),
        { numRuns: 300 },
      );
    });
  }
});

function play(machine: Machine, world: World, one: Event, accepted: string[]): void {
  switch (one.do) {
    case "accept": {
      const copies = Array.from({ length: one.copies }, () =>
        aMessage({ eventKey: `k${one.key}` }),
      );
      const reply = machine.accept(copies);
      if (!reply.ok) throw new Error("backlog");
      accepted.push(
        ...reply.value.accepted.filter((each) => !each.duplicate).map((each) => each.id),
      );
      return;
    }
    case "work":
      work(machine, world, one.dieAt, one.answer);
      return;
    case "crash":
      machine.crash();
      return;
    case "wait":
      machine.wait(one.ms);
  }
}

/** A worker that dies after `dieAt` steps of its own, wherever that is. */
function work(machine: Machine, world: World, dieAt: number, answer: "ok" | "lost" | "503"): void {
  let steps = dieAt;
  const alive = () => steps-- > 0;
  for (let round = 0; round < 30; round++) {
    if (!alive()) return;
    const leased = machine.lease();
    if (leased.is === "idle") return;
    if (!alive()) return;
    for (const item of leased.persist) world.d1.add(item.id);
    if (!alive()) return;
    const carried = leased.send ? send(world, leased.send, answer) : undefined;
    if (!alive()) return;
    let reply: WorkReply = machine.commit(commitOf(leased, carried));
    while (reply.is === "ok" && reply.send) {
      if (!alive()) return;
      const report = send(world, reply.send, answer);
      if (!alive()) return;
      reply = machine.commit({
        token: leased.token,
        reports: [report],
        projected: reply.deads.map((dead) => dead.id),
      });
    }
    if (reply.is !== "ok" || !reply.more) return;
  }
}

function commitOf(leased: Leased, carried: SendReport | undefined) {
  const persistedSeq = leased.persist.at(-1)?.seq;
  const replies = leased.turn?.items.map((item) => ({
    content: { type: "text" as const, text: item.message.content.text },
    answers: [item.id],
  }));
  return {
    token: leased.token,
    registered: true,
    projected: leased.deads.map((dead) => dead.id),
    ...(persistedSeq === undefined ? {} : { persistedSeq }),
    ...(carried ? { reports: [carried] } : {}),
    ...(leased.turn
      ? { turn: { id: leased.turn.id, is: "committed" as const, replies: replies ?? [] } }
      : {}),
  };
}

function send(world: World, item: OutboxItem, answer: "ok" | "lost" | "503"): SendReport {
  const base = { seq: item.seq, attempt: item.attempt, steps: [] } as const;
  const end = { status: "sent", atMs: 0, platformId: `p-${item.id}` } as const;
  const has = world.sent.some((other) => other.id === item.id);
  if (item.state.is === "recording")
    return { ...base, result: { is: "ended", end, recorded: true } };
  const doubt = item.state.is === "uncertain" || (item.state.is === "sending" && item.state.maybe);
  if (doubt)
    return { ...base, result: has ? { is: "ended", end, recorded: true } : { is: "absent" } };
  if (answer === "503")
    return { ...base, result: { is: "retry", reason: "status_503", counts: false } };
  world.sent.push(item);
  if (answer === "lost") return { ...base, result: { is: "uncertain", reason: "timeout" } };
  return { ...base, result: { is: "ended", end, recorded: true } };
}

/** Nothing goes wrong any more: the alarm alone must bring everything home. */
function settleDown(machine: Machine, world: World): void {
  for (let n = 0; n < 400; n++) {
    const atMs = machine.alarmAtMs();
    if (atMs === undefined) return;
    machine.wait(Math.max(1, atMs - machine.nowMs));
    work(machine, world, 10_000, "ok");
  }
  throw new Error("never settled");
}
