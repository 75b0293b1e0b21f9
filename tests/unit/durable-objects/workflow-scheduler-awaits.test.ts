/** Events kept for steps that come to wait for them: how many, and how long. */
import { describe, expect, test } from "vitest";
import { EARLY_EVENT_MS, EARLY_EVENTS_MAX } from "../../../domain/workflows/triggers/awaited.ts";
import { EventAwaits } from "../../../durable-objects/workflow-scheduler-awaits.ts";
import { fakeStorage } from "../../support/sql-storage.ts";

const NOW_MS = 1_000_000_000;

function waiting() {
  const { sql } = fakeStorage();
  const awaits = new EventAwaits({ sql } as unknown as DurableObjectStorage);
  const kept = () =>
    sql
      .exec<{ key: string }>("SELECT key FROM early ORDER BY n")
      .toArray()
      .map(({ key }) => key);
  const arrive = (n: number, atMs = NOW_MS, data = "null") =>
    awaits.arrived({ tenant: "t1", key: `e${n}`, type: "order.paid", data }, atMs);
  return { arrive, kept };
}

describe("early events", () => {
  test("are kept up to EARLY_EVENTS_MAX; of one more the oldest tenth goes", async () => {
    const { arrive, kept } = waiting();
    for (let n = 1; n <= EARLY_EVENTS_MAX; n++) await arrive(n);
    expect([kept().length, kept()[0]]).toEqual([EARLY_EVENTS_MAX, "e1"]);
    await arrive(EARLY_EVENTS_MAX + 1);
    const gone = Math.ceil((EARLY_EVENTS_MAX + 1) / 10);
    expect([kept().length, kept()[0], kept().at(-1)]).toEqual([
      ...[EARLY_EVENTS_MAX + 1 - gone, `e${gone + 1}`, `e${EARLY_EVENTS_MAX + 1}`],
    ]);
  });

  test("are kept for EARLY_EVENT_MS, and one ms longer they are forgotten", async () => {
    const { arrive, kept } = waiting();
    await arrive(1);
    await arrive(2, NOW_MS + EARLY_EVENT_MS);
    expect(kept()).toEqual(["e1", "e2"]);
    await arrive(3, NOW_MS + EARLY_EVENT_MS + 1);
    expect(kept()).toEqual(["e2", "e3"]);
  });

  test("that come again are kept once", async () => {
    const { arrive, kept } = waiting();
    await arrive(1);
    await arrive(1, NOW_MS + 5);
    expect(kept()).toEqual(["e1"]);
  });
});
