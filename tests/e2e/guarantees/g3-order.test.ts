/** G3: order per conversation, and no conversation waits for another's trouble. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hiveRoute } from "../../../dev/tenants.ts";
import {
  type FaultWorld,
  markOf,
  pause,
  type Said,
  startFaultWorld,
  until,
} from "../../support/faults.ts";

let hub: FaultWorld;
let conversation = 0;

beforeAll(async () => {
  hub = await startFaultWorld({ routes: { slack: hiveRoute("any") } });
  for (const tenant of ["acme", "globex"])
    for (const channel of ["whatsapp", "slack", "discord"] as const)
      await hub.say({ in: 99, number: 1, channel, tenant });
  await until(() => hub.replies(), 6);
});
afterEach(async () => {
  for (const simulator of [...hub.world.simulators.platforms, hub.world.simulators.hive])
    simulator.clearFaults();
  await hub.plan([]);
});
afterAll(() => hub?.stop());

const next = (): number => {
  conversation += 1;
  return conversation;
};

const repliesIn = (one: Said) => hub.replies({ containing: markOf(one).replace(/:\d+\]\]$/, ":") });

function marks(one: Said, count: number): string[] {
  return Array.from({ length: count }, (_, n) => markOf({ ...one, number: n + 1 }));
}

async function converse(one: Said, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    while ((await hub.say({ ...one, number })).status !== 200) await pause(30);
  }
}

/** How long a message waits for its reply, in ms. */
async function latencyOf(one: Said): Promise<number> {
  const startMs = Date.now();
  await hub.say(one);
  await until(() => hub.replies({ containing: markOf(one) }), 1, 10_000, 0);
  return Date.now() - startMs;
}

describe("order", () => {
  test("nine conversations on three channels at once, objects and D1 failing now and then", async () => {
    await hub.plan(
      [
        { target: "CONVERSATION", p: 0.05, when: "after" },
        { target: "CONVERSATION", p: 0.05 },
        { target: "DB", p: 0.1, when: "after" },
        { target: "INBOUND", p: 0.3, error: "duplicate" },
        { target: "TURNS", p: 0.3, error: "duplicate" },
      ],
      11,
    );
    const all = (["whatsapp", "slack", "discord"] as const).flatMap((channel) =>
      [next(), next(), next()].map((one): Said => ({ channel, in: one, number: 1 })),
    );
    await Promise.all(all.map((one) => converse(one, 5)));
    for (const one of all) {
      await until(() => repliesIn(one), 5, 25_000);
      expect(repliesIn(one)).toEqual(marks(one, 5));
    }
  });

  test("survives kills of the runtime between messages and their replies", async () => {
    const one: Said = { channel: "discord", in: next(), number: 1 };
    for (let number = 1; number <= 4; number++) {
      await hub.say({ ...one, number });
      if (number % 2 === 0) {
        await hub.hub.kill();
        await hub.hub.restart();
      }
    }
    await until(() => repliesIn(one), 4, 25_000);
    expect(repliesIn(one)).toEqual(marks(one, 4));
  });
});

describe("a failing head", () => {
  test("holds back its own conversation, and no other of the same connection", async () => {
    const [bad, good]: [Said, Said] = [
      { in: next(), number: 1 },
      { in: next(), number: 1 },
    ];
    hub.platform("whatsapp").fault({ next: 1, kind: "status", status: 503, path: "sendText" });
    await converse(bad, 2);
    await until(
      () =>
        hub
          .platform("whatsapp")
          .calls()
          .filter((call) => call.fault),
      1,
    );
    expect(await latencyOf(good)).toBeLessThan(700);
    expect(repliesIn(bad)).toEqual([]);
    await until(() => repliesIn(bad), 2);
    expect(repliesIn(bad)).toEqual(marks(bad, 2));
  });

  test("that is dead for good is passed by the next one", async () => {
    const one: Said = { in: next(), number: 1 };
    hub.platform("whatsapp").fault({ next: 1, kind: "status", status: 400, path: "sendText" });
    await converse(one, 2);
    await until(() => repliesIn(one), 1);
    expect(repliesIn(one)).toEqual([markOf({ ...one, number: 2 })]);
  });
});

describe("a platform that hangs", () => {
  for (const whose of ["another tenant", "the same connection"] as const) {
    test(`for one conversation, does not delay one of ${whose}`, async () => {
      const hanging: Said = { in: next(), number: 1 };
      hub.platform("whatsapp").fault({ next: 1, kind: "timeout", tenant: "acme" });
      await hub.say(hanging);
      await until(
        () =>
          hub
            .platform("whatsapp")
            .calls()
            .filter((call) => call.fault),
        1,
      );
      const tenant = whose === "another tenant" ? "globex" : "acme";
      const latencies: number[] = [];
      for (let n = 1; n <= 3; n++)
        latencies.push(await latencyOf({ tenant, in: next(), number: n }));
      expect(Math.max(...latencies)).toBeLessThan(1500);
    });
  }

  test("for nine conversations at once, does not delay another tenant", async () => {
    const hits = () =>
      hub
        .platform("whatsapp")
        .calls()
        .filter((call) => call.fault);
    const before = hits().length;
    hub.platform("whatsapp").fault({ next: 9, kind: "timeout", tenant: "acme" });
    await Promise.all(Array.from({ length: 9 }, () => hub.say({ in: next(), number: 1 })));
    await until(hits, before + 5, 15_000, 0);
    const latencies: number[] = [];
    for (let n = 1; n <= 3; n++)
      latencies.push(await latencyOf({ tenant: "globex", in: next(), number: n }));
    expect(Math.max(...latencies)).toBeLessThan(1500);
  });

  test("an agent that hangs delays neither other turns nor direct replies", async () => {
    hub.world.simulators.hive.fault({ next: 1, kind: "timeout" });
    await hub.say({ channel: "slack", in: next(), number: 1 });
    await until(() => hub.world.simulators.hive.calls().filter((call) => call.fault), 1);
    expect(await latencyOf({ channel: "slack", in: next(), number: 1 })).toBeLessThan(1500);
    expect(await latencyOf({ in: next(), number: 1 })).toBeLessThan(1500);
  });
});
