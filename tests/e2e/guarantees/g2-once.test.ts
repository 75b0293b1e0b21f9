/** G2: one effect per message, however often and in whatever company it is delivered. Fault FT-07. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type FaultWorld,
  markOf,
  pause,
  type Said,
  slackEvent,
  startFaultWorld,
  until,
} from "../../support/faults.ts";

let hub: FaultWorld;
let conversation = 0;

beforeAll(async () => {
  hub = await startFaultWorld();
});
afterEach(() => hub.plan([]));
afterAll(() => hub?.stop());

const next = (): number => {
  conversation += 1;
  return conversation;
};

async function answeredOnce(said: Said): Promise<void> {
  await until(() => hub.replies({ containing: markOf(said) }), 1);
  await pause(500);
  expect(hub.replies({ containing: markOf(said) })).toHaveLength(1);
  const [row] = await hub.rows<{ n: number }>(
    "SELECT count(*) AS n FROM messages WHERE direction = 'inbound' AND content LIKE ?",
    `%${markOf(said)}%`,
  );
  expect(row?.n).toBe(1);
}

describe("the same webhook", () => {
  for (const channel of ["whatsapp", "slack", "discord"] as const) {
    test(`${channel}: ten times at once, ten times acknowledged, one effect`, async () => {
      const said = { in: next(), number: 1, channel };
      const answers = await Promise.all(Array.from({ length: 10 }, () => hub.say(said)));
      expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
      await answeredOnce(said);
    });
  }

  test("again after it was answered, and again after the runtime was killed", async () => {
    const said = { in: next(), number: 1 };
    await hub.say(said);
    await answeredOnce(said);
    expect((await hub.say(said)).status).toBe(200);
    await hub.hub.kill();
    await hub.hub.restart();
    expect((await hub.say(said)).status).toBe(200);
    await answeredOnce(said);
  });

  test("while half of the attempts fail, some of them after they were stored", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([
      { target: "CONVERSATION", op: "accept", p: 0.5, when: "after" },
      { target: "CONVERSATION", op: "accept", p: 0.5 },
    ]);
    const answers = await Promise.all(Array.from({ length: 12 }, () => hub.say(said)));
    const statuses = new Set(answers.map((answer) => answer.status));
    expect(statuses.has(503), "some attempts fail").toBe(true);
    await hub.plan([]);
    expect((await hub.say(said)).status).toBe(200);
    await answeredOnce(said);
  });
});

test("Slack's message and app_mention of one post, three times each, all at once", async () => {
  const said: Said = { in: next(), number: 1, channel: "slack" };
  const source = hub.source("acme", "slack");
  const post = {
    user: "U1",
    channel: "C1",
    ts: "1795000000.000100",
    text: `<@UBOT> ${markOf(said)}`,
  };
  const events = [
    { ...post, type: "message", channel_type: "channel" },
    { ...post, type: "app_mention" },
  ];
  const webhooks = [0, 1, 2].flatMap(() => events.map((event) => slackEvent(source, event)));
  const answers = await Promise.all(webhooks.map((one) => hub.knock(one)));
  expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200));
  await answeredOnce(said);
});

describe("consumers", () => {
  test("FT-07 every token rings on every queue at once: nothing is done twice, nothing overtakes", async () => {
    const conversations = [next(), next(), next()];
    await hub.plan([{ target: "INBOUND", error: "duplicate" }]);
    await Promise.all(
      conversations.map(async (one) => {
        for (let number = 1; number <= 6; number++) await hub.say({ in: one, number });
      }),
    );
    for (const one of conversations) {
      const mark = `whatsapp-${one}:`;
      await until(() => hub.replies({ containing: mark }), 6);
      const expected = [1, 2, 3, 4, 5, 6].map((number) => markOf({ in: one, number }));
      expect(hub.replies({ containing: mark })).toEqual(expected);
    }
  });

  for (const op of ["lease", "commit", "giveUp"]) {
    for (const when of ["before", "after"] as const) {
      test(`thrown out ${when} ${op}: one effect all the same`, async () => {
        const said = { in: next(), number: 1 };
        await hub.plan([{ target: "CONVERSATION", op, when, times: 1 }]);
        await hub.say(said);
        await until(() => hub.replies({ containing: markOf(said) }), 1);
        await answeredOnce(said);
      });
    }
  }
});

describe("an API send", () => {
  const send = (key: string, text: string) =>
    hub.api("/messages/send?tenant=acme", {
      method: "POST",
      headers: { "idempotency-key": key },
      body: JSON.stringify({ connection: "acme-whatsapp", to: "5511977770000", text }),
    });

  test("under one Idempotency-Key, five times at once: one send, one id", async () => {
    const text = markOf({ in: next(), number: 1 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => send("key-1", text)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(5).fill(202));
    const ids = await Promise.all(
      answers.map(async (answer) => ((await answer.json()) as { id: string }).id),
    );
    expect(new Set(ids).size).toBe(1);
    await until(() => hub.replies({ containing: text }), 1);
    await pause(500);
    expect(hub.replies({ containing: text })).toHaveLength(1);
  });

  test("whose answer was lost after it was stored: the client's retry sends nothing twice", async () => {
    const text = markOf({ in: next(), number: 1 });
    await hub.plan([{ target: "CONVERSATION", op: "enqueue", when: "after", times: 1 }]);
    expect((await send("key-2", text)).status).toBeGreaterThanOrEqual(500);
    expect((await send("key-2", text)).status).toBe(202);
    await until(() => hub.replies({ containing: text }), 1);
    await pause(500);
    expect(hub.replies({ containing: text })).toHaveLength(1);
  });

  test("whose claim was lost after it was stored", async () => {
    const text = markOf({ in: next(), number: 1 });
    await hub.plan([{ target: "IDEMPOTENCY", op: "claim", when: "after", times: 1 }]);
    expect((await send("key-3", text)).status).toBeGreaterThanOrEqual(500);
    expect((await send("key-3", text)).status).toBe(202);
    await until(() => hub.replies({ containing: text }), 1);
  });
});
