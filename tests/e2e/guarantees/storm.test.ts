/** Random faults everywhere, by seed: whatever fails, nothing is lost, doubled or out of order. FT-01, 02, 03, 06, 07 together. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hiveRoute } from "../../../dev/tenants.ts";
import { FAULT_TARGETS, seededRandom } from "../../../domain/faults/plan.ts";
import {
  type Channel,
  type FaultWorld,
  markOf,
  type Planned,
  pause,
  type Said,
  startFaultWorld,
  until,
} from "../../support/faults.ts";

/** `STORM_SEEDS=200` for a long night. */
const SEEDS = Array.from({ length: Number(process.env.STORM_SEEDS ?? 10) }, (_, n) => n + 1);
const MESSAGES = 4;
const CHANNELS: readonly Channel[] = ["whatsapp", "slack", "discord"];
const ERRORS = ["throw", "reset", "overloaded", "D1_ERROR: Network connection lost."];

let hub: FaultWorld;

beforeAll(async () => {
  hub = await startFaultWorld({
    routes: { slack: hiveRoute("any") },
    bindings: { RING_AFTER_MS: "150", ATTEMPTS_MAX: "50" },
  });
  for (const tenant of ["acme", "globex"])
    for (const channel of CHANNELS) await hub.say({ in: 99, number: 1, channel, tenant });
  await until(() => hub.replies(), 6);
});
afterAll(() => hub?.stop());

/** Every binding may fail, each way, some calls more than others. */
function randomPlan(seed: number): readonly Planned[] {
  const random = seededRandom(seed);
  const faults = FAULT_TARGETS.filter((target) => target !== "STORE").flatMap((target) =>
    (["before", "after"] as const).map(
      (when): Planned => ({
        target,
        when,
        p: random() * 0.25,
        error: ERRORS[Math.floor(random() * ERRORS.length)] ?? "throw",
      }),
    ),
  );
  const queues = ["duplicate", "drop"].map(
    (error): Planned => ({ target: "INBOUND", error, p: random() * 0.2 }),
  );
  const turns = ["duplicate"].map(
    (error): Planned => ({ target: "TURNS", error, p: random() * 0.3 }),
  );
  return [...faults, ...queues, ...turns];
}

/** As patient as a platform: again until somebody says 2xx, sometimes twice at once. */
async function converse(said: Said, random: () => number): Promise<void> {
  for (let number = 1; number <= MESSAGES; number++) {
    for (let attempt = 0; ; attempt++) {
      const copies = random() < 0.2 ? 2 : 1;
      const answers = await Promise.all(
        Array.from({ length: copies }, () => hub.say({ ...said, number })),
      );
      if (answers.some((answer) => answer.status === 200)) break;
      if (attempt > 50) throw new Error("never accepted");
      await pause(20);
    }
  }
}

describe("random faults", () => {
  for (const seed of SEEDS) {
    test(`seed ${seed}`, async () => {
      const random = seededRandom(seed + 1000);
      const all = CHANNELS.flatMap((channel) =>
        ["acme", "globex"].map((tenant): Said => ({ tenant, channel, in: seed, number: 1 })),
      );
      await hub.plan(randomPlan(seed), seed);
      await Promise.all(all.map((one) => converse(one, random)));
      await pause(500);
      await hub.plan([]);
      for (const one of all) {
        const mark = markOf(one).replace(/:\d+\]\]$/, ":");
        const replies = () => hub.replies({ containing: mark });
        await until(replies, MESSAGES, 40_000, 0);
      }
      await pause(300);
      for (const one of all) {
        const expected = Array.from({ length: MESSAGES }, (_, n) =>
          markOf({ ...one, number: n + 1 }),
        );
        const mark = markOf(one).replace(/:\d+\]\]$/, ":");
        expect(hub.replies({ containing: mark, tenant: one.tenant ?? "" })).toEqual(expected);
        expect(hub.replies({ containing: mark })).toEqual(expected);
      }
      expect(await hub.rows("SELECT reason FROM dead_letters")).toEqual([]);
      const inbound = await hub.rows<{ n: number }>(
        "SELECT count(*) AS n FROM messages WHERE direction = 'inbound' AND content LIKE ?",
        `%-${seed}:%`,
      );
      expect(inbound[0]?.n).toBe(all.length * MESSAGES);
      const unregistered = await hub.rows(
        "SELECT conversation_id FROM messages EXCEPT SELECT id FROM conversations",
      );
      expect(unregistered).toEqual([]);
      expect(hub.logs.some((line) => line.includes("fault.injected"))).toBe(true);
      hub.logs.length = 0;
    });
  }
});
