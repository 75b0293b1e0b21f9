/** G1: acknowledged means durable. Faults FT-01, FT-02, FT-03, FT-06. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type FaultWorld, markOf, pause, startFaultWorld, until } from "../../support/faults.ts";
import { eventually } from "../../support/runtime.ts";

const INBOUND_WITH = "SELECT id FROM messages WHERE direction = 'inbound' AND content LIKE ?";

let hub: FaultWorld;
let conversation = 0;

beforeAll(async () => {
  hub = await startFaultWorld();
  // Warm: connections are in the isolate's cache from here on.
  for (const channel of ["whatsapp", "slack", "discord"] as const)
    await hub.say({ in: 99, number: 1, channel });
  await until(() => hub.replies(), 3);
});
afterEach(() => hub.plan([]));
afterAll(() => hub?.stop());

const next = (): number => {
  conversation += 1;
  return conversation;
};

async function unavailable(answer: Response): Promise<void> {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await answer.text()).not.toMatch(/planned|overloaded/i);
}

describe("a conversation's object that fails", () => {
  test("before storing: 503 with Retry-After, nothing half done, and the key is not burnt", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([{ target: "CONVERSATION", op: "accept" }]);
    await unavailable(await hub.say(said));
    await hub.plan([]);
    await pause(600);
    expect(hub.replies({ containing: markOf(said) })).toEqual([]);
    expect((await hub.say(said)).status).toBe(200);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
    expect(hub.replies({ containing: markOf(said) })).toHaveLength(1);
  });

  test("after storing: the platform is told to come again, and there is one effect", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([{ target: "CONVERSATION", op: "accept", when: "after" }]);
    await unavailable(await hub.say(said));
    await unavailable(await hub.say(said));
    await hub.plan([]);
    expect((await hub.say(said)).status).toBe(200);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
    await pause(600);
    expect(hub.replies({ containing: markOf(said) })).toHaveLength(1);
  });

  test("once, by a reset: asked again at once, the platform notices nothing (FT-11's flag)", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([
      { target: "CONVERSATION", op: "accept", when: "after", error: "reset", times: 1 },
    ]);
    expect((await hub.say(said)).status).toBe(200);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
    expect(hub.replies({ containing: markOf(said) })).toHaveLength(1);
  });

  test("FT-03 by overload: 503, and no second call on top of it", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([{ target: "CONVERSATION", op: "accept", error: "overloaded", times: 1 }]);
    await unavailable(await hub.say(said));
    expect((await hub.say(said)).status).toBe(200);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
  });
});

describe("D1", () => {
  test("down: webhooks are acknowledged all the same, and answered when it is back", async () => {
    const channels = ["whatsapp", "slack", "discord"] as const;
    const said = channels.map((channel) => ({ in: next(), number: 1, channel }));
    await hub.plan([{ target: "DB", error: "D1_ERROR: Network connection lost." }]);
    for (const one of said) expect((await hub.say(one)).status).toBe(200);
    await pause(1500);
    expect(said.flatMap((one) => hub.replies({ containing: markOf(one) }))).toEqual([]);
    await hub.plan([]);
    await until(() => said.flatMap((one) => hub.replies({ containing: markOf(one) })), 3);
    for (const one of said) expect(hub.replies({ containing: markOf(one) })).toHaveLength(1);
  });

  test("down in a cold isolate: 503 with Retry-After, since nobody knows whose webhook it is", async () => {
    const said = { in: next(), number: 1 };
    await hub.hub.restart();
    await hub.plan([{ target: "DB" }]);
    await unavailable(await hub.say(said));
    await hub.plan([]);
    expect((await hub.say(said)).status).toBe(200);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
  });

  test("FT-01 overloaded on 30 % of calls: all acknowledged, none lost", async () => {
    const error = "D1_ERROR: D1 DB is overloaded. Requests queued for too long.";
    const said = Array.from({ length: 12 }, () => ({ in: next(), number: 1 }));
    await hub.plan([{ target: "DB", p: 0.3, error }], 7);
    for (const one of said) expect((await hub.say(one)).status).toBe(200);
    await until(() => said.flatMap((one) => hub.replies({ containing: markOf(one) })), 12);
    for (const one of said) {
      expect(hub.replies({ containing: markOf(one) })).toHaveLength(1);
      expect(await hub.rows(INBOUND_WITH, `%${markOf(one)}%`)).toHaveLength(1);
    }
    expect(await hub.rows("SELECT id FROM dead_letters")).toEqual([]);
  });

  test("FT-02 written, then the connection is lost: one row and one reply each", async () => {
    const said = Array.from({ length: 6 }, () => ({ in: next(), number: 1 }));
    await hub.plan([
      { target: "DB", p: 0.5, when: "after", error: "D1_ERROR: Network connection lost." },
    ]);
    for (const one of said) expect((await hub.say(one)).status).toBe(200);
    await until(() => said.flatMap((one) => hub.replies({ containing: markOf(one) })), 6);
    await hub.plan([]);
    await pause(1500);
    for (const one of said) {
      const rows = await eventually("both rows", async () => {
        const sql = "SELECT direction FROM messages WHERE content LIKE ? ORDER BY id";
        const found = await hub.rows<{ direction: string }>(sql, `%${markOf(one)}%`);
        return found.length >= 2 ? found : undefined;
      });
      expect(rows.map((row) => row.direction)).toEqual(["inbound", "outbound"]);
    }
  });
});

describe("queues", () => {
  test("FT-06 a send that fails: 200, and the alarm rings", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([{ target: "INBOUND", error: "Too Many Requests", times: 2 }]);
    expect((await hub.say(said)).status).toBe(200);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
  });

  test("a token that is lost: the alarm rings", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([{ target: "INBOUND", error: "drop", times: 2 }]);
    expect((await hub.say(said)).status).toBe(200);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
  });
});
