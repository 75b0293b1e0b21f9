/** G5: nothing disappears. What is exhausted or refused is a dead letter that can be replayed, once. Faults FT-08, FT-01. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startReceiver, type WebhookReceiver } from "../../../simulators/receiver.ts";
import { type FaultWorld, markOf, pause, startFaultWorld, until } from "../../support/faults.ts";
import { eventually } from "../../support/runtime.ts";

interface Letter {
  readonly id: string;
  readonly stage: string;
  readonly reason: string;
  readonly state: string;
  readonly message: string;
  readonly attempts: readonly { readonly attempt: number; readonly reason: string }[];
  readonly payload?: unknown;
}

let hub: FaultWorld;
let agent: WebhookReceiver;
let conversation = 0;

beforeAll(async () => {
  agent = await startReceiver();
  const route = { kind: "webhook", url: `${agent.url}/agent` } as const;
  hub = await startFaultWorld({ routes: { slack: route }, bindings: { ATTEMPTS_MAX: "2" } });
});
beforeEach(() => {
  agent.reset();
  agent.answer({ body: { reply: "fine" } });
});
afterEach(async () => {
  for (const simulator of hub.world.simulators.platforms) simulator.clearFaults();
  await hub.plan([]);
});
afterAll(async () => {
  await hub?.stop();
  await agent?.stop();
});

const next = (): number => {
  conversation += 1;
  return conversation;
};

async function letters(): Promise<readonly Letter[]> {
  const answer = await hub.api("/dead-letters?tenant=acme&limit=200");
  return ((await answer.json()) as { items: Letter[] }).items;
}

/** The letter that keeps this text, once it stands in D1. */
async function letterWith(text: string, timeoutMs = 12_000): Promise<Letter> {
  return eventually(
    `a letter with ${text}`,
    async () => {
      const [row] = await hub.rows<{ id: string }>(
        "SELECT id FROM dead_letters WHERE payload LIKE ?",
        `%${text}%`,
      );
      if (!row) return undefined;
      const answer = await hub.api(`/dead-letters/${row.id}?tenant=acme`);
      return (await answer.json()) as Letter;
    },
    timeoutMs,
  );
}

const replay = (letter: Letter) =>
  hub.api(`/dead-letters/${letter.id}/replay?tenant=acme`, { method: "POST" });

async function stateOf(letter: Letter): Promise<string | undefined> {
  return (await letters()).find((one) => one.id === letter.id)?.state;
}

const asked = () => agent.received().map((one) => one.id);

describe("a turn that keeps failing", () => {
  test("is a dead letter with payload and history; replayed once, under the key it had", async () => {
    const said = { channel: "slack", in: next(), number: 1 } as const;
    const mark = markOf(said);
    agent.answer({ status: 500 });
    await hub.say(said);
    const letter = await letterWith(mark);
    expect(letter).toMatchObject({ stage: "turn", reason: "upstream_error", state: "dead" });
    expect(letter.attempts.map((one) => one.attempt)).toEqual([1, 2]);
    expect(JSON.stringify(letter.payload)).toContain(mark);
    expect(new Set(asked()).size).toBe(1);

    agent.answer({ body: { reply: `answer ${mark}` } });
    const answers = await Promise.all([replay(letter), replay(letter), replay(letter)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([202, 409, 409]);
    await until(() => hub.replies({ containing: mark }), 1);
    expect((await replay(letter)).status).toBe(409);
    await pause(600);
    expect(hub.replies({ containing: mark })).toHaveLength(1);
    expect(new Set(asked()).size, "one idempotency key over attempts and replay").toBe(1);
    expect(await stateOf(letter)).toBe("replayed");
  });

  test("does not stop its conversation", async () => {
    const one = next();
    agent.answer({ status: 410 });
    await hub.say({ channel: "slack", in: one, number: 1 });
    await letterWith(markOf({ channel: "slack", in: one, number: 1 }));
    const mark = markOf({ channel: "slack", in: one, number: 2 });
    agent.answer({ body: { reply: mark } });
    await hub.say({ channel: "slack", in: one, number: 2 });
    await until(() => hub.replies({ containing: mark }), 1);
  });

  test("while D1 is down: the letter is there, once, when D1 is back", async () => {
    const said = { channel: "slack", in: next(), number: 1 } as const;
    agent.answer({ status: 410 });
    await hub.plan([
      { target: "DB", op: "batch", match: "dead_letters", when: "after", times: 2 },
      { target: "DB", op: "batch", match: "dead_letters", times: 2 },
    ]);
    await hub.say(said);
    await letterWith(markOf(said));
    await pause(1500);
    const [row] = await hub.rows<{ n: number }>(
      "SELECT count(*) AS n FROM dead_letters WHERE payload LIKE ?",
      `%${markOf(said)}%`,
    );
    expect(row?.n).toBe(1);
  });
});

describe("a send that is refused for good", () => {
  test("is a dead letter, its message is failed; a replay sends it and makes it sent", async () => {
    const said = { in: next(), number: 1 };
    const mark = markOf(said);
    hub.platform("whatsapp").fault({ next: 1, kind: "status", status: 400, path: "sendText" });
    await hub.say(said);
    const letter = await letterWith(mark);
    expect(letter).toMatchObject({ stage: "send", state: "dead", reason: "bad_request" });
    expect(letter.attempts).toHaveLength(1);
    const status = async () =>
      (
        await hub.rows<{ status: string }>(
          "SELECT status FROM messages WHERE id = ?",
          letter.message,
        )
      )[0]?.status;
    await eventually("a failed row", async () =>
      (await status()) === "failed" ? true : undefined,
    );
    expect((await replay(letter)).status).toBe(202);
    await until(() => hub.replies({ containing: mark }), 1);
    await eventually("a sent row", async () => ((await status()) === "sent" ? true : undefined));
    expect(hub.replies({ containing: mark })).toHaveLength(1);
  });

  test("that ran out of attempts keeps each of them in its history", async () => {
    const said = { in: next(), number: 1 };
    hub.platform("whatsapp").fault({ next: 2, kind: "status", status: 503, path: "sendText" });
    await hub.say(said);
    const letter = await letterWith(markOf(said));
    expect(letter).toMatchObject({ stage: "send", reason: "unavailable" });
    expect(letter.attempts.map((one) => one.attempt)).toEqual([1, 2]);
  });
});

describe("a replay", () => {
  const cases = (["before", "after"] as const).flatMap((when) =>
    [1, 4].map((times) => ({ when, times })),
  );
  for (const { when, times } of cases) {
    test(`whose call to the conversation is lost ${when} it was done (${times} times) can be made again, with one effect`, async () => {
      const said = { in: next(), number: 1 };
      const mark = markOf(said);
      hub.platform("whatsapp").fault({ next: 1, kind: "status", status: 400, path: "sendText" });
      await hub.say(said);
      const letter = await letterWith(mark);
      await hub.plan([{ target: "CONVERSATION", op: "replay", when, times }]);
      const first = await replay(letter);
      await hub.plan([]);
      expect(first.status).toBe(times === 1 ? 202 : 503);
      if (first.status !== 202) {
        expect(await stateOf(letter)).toBe("dead");
        expect((await replay(letter)).status).toBe(202);
      }
      await until(() => hub.replies({ containing: mark }), 1);
      await pause(800);
      expect(hub.replies({ containing: mark })).toHaveLength(1);
      expect(await stateOf(letter)).toBe("replayed");
    });
  }
});

test("a poison row holds up its own conversation and no other of its batch", async () => {
  const poisoned = { in: next(), number: 1 };
  const poison = { ...poisoned, text: `POISON ${markOf(poisoned)}` };
  const others = Array.from({ length: 4 }, () => ({ in: next(), number: 1 }));
  await hub.plan([
    { target: "DB", op: "batch", match: "POISON", error: "D1_ERROR: string or blob too big" },
    { target: "INBOUND", error: "drop", times: 5 },
  ]);
  await Promise.all([poison, ...others].map((one) => hub.say(one)));
  await until(() => others.flatMap((one) => hub.replies({ containing: markOf(one) })), 4);
  expect(hub.replies({ containing: markOf(poisoned) })).toEqual([]);
  await hub.plan([]);
  await until(() => hub.replies({ containing: markOf(poisoned) }), 1, 20_000);
});

test("a signed webhook that cannot be read is quarantined before it is acknowledged", async () => {
  const own = hub.webhook({ in: next(), number: 1 });
  const body = own.body.replace(/"data":\{/, '"data":"unreadable","other":{');
  await hub.plan([{ target: "DB", match: "dead_letters" }]);
  expect((await hub.knock({ ...own, body })).status).toBe(503);
  await hub.plan([]);
  expect((await hub.knock({ ...own, body })).status).toBe(200);
  expect((await letters()).filter((one) => one.stage === "quarantine")).toHaveLength(1);
});
