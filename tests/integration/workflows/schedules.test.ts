/** Schedules in workerd: every slot once, whatever clocks, runs, downtime and broken calls do to it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { replaceRoute } from "../../../platform/repositories/workflows.ts";
import { runIdOf } from "../../../platform/workflow-ids.ts";
import { env, RUN_TEST_MS, type Running } from "./running.ts";
import { at, HOUR, MIN, STAYING, scheduled } from "./scheduling.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Half an hour before the first slot. */
const T0 = at("2031-01-01T00:30:00Z");
const slotAt = (hour: number) => at("2031-01-01T00:00:00Z") + hour * HOUR;

function go(hub: Running, run: string) {
  return hub.send(run, { is: "signal", id: "go", name: "go", payload: null });
}

describe("changes of clocks", { timeout: RUN_TEST_MS }, () => {
  test.each([
    ["shift and first", {}, ["2030-03-31T01:00 fired"], ["2030-10-27T00:30 fired"]],
    [
      "skip and both",
      { gap: "skip", repeat: "both" },
      [],
      ["2030-10-27T00:30 fired", "2030-10-27T01:30 fired"],
    ],
  ])("%s: 02:30 in Berlin", async (_, clock_changes, spring, autumn) => {
    const timing = { kind: "cron", cron: "30 2 * * *", timezone: "Europe/Berlin", clock_changes };
    const { tick, history } = await scheduled(
      { timing, overlap: "allow" },
      at("2030-03-30T12:00:00Z"),
    );
    const of = async (day: string) => {
      const untilMs = at(`${day}T12:00:00Z`);
      for (let nowMs = untilMs - 18 * HOUR; nowMs < untilMs; nowMs += 20 * MIN) await tick(nowMs);
      return (await history()).filter((line) => line.startsWith(day) && line.endsWith("fired"));
    };
    expect(await of("2030-03-31")).toEqual(spring);
    await tick(at("2030-10-26T12:00:00Z"));
    expect(await of("2030-10-27")).toEqual(autumn);
  });
});

describe("no slot fires twice", { timeout: RUN_TEST_MS }, () => {
  test("under ticks, refreshes, watches and a clock that goes back, all at once", async () => {
    const { hub, rpc, tick, history, runs } = await scheduled({ overlap: "allow" }, T0);
    const { tenant } = hub;
    const nowMs = slotAt(1) + 1000;
    await Promise.all([
      ...[1, 2, 3, 4, 5].map(() => tick(nowMs)),
      rpc().refresh(tenant, nowMs),
      rpc().watch(tenant, nowMs),
      tick(nowMs - MIN),
    ]);
    expect(await history()).toEqual(["2031-01-01T01:00 fired"]);
    const [run = ""] = await runs();
    expect(run).toBe(await runIdOf(tenant, "w", `s1-${slotAt(1)}`));
    await hub.ended(run);
    expect(hub.called()).toEqual(["work"]);
  });

  test("over evictions between any two looks", async () => {
    const { tick, evict, history } = await scheduled({ overlap: "allow" }, T0);
    for (let hour = 1; hour <= 4; hour += 1) {
      await tick(slotAt(hour));
      await evict();
      await tick(slotAt(hour));
      await evict();
    }
    expect(await history()).toEqual([1, 2, 3, 4].map((hour) => `2031-01-01T0${hour}:00 fired`));
  });

  test("where its run could not be started: the same start is made until it is", async () => {
    const { hub, tick, evict, inside, history } = await scheduled({ overlap: "allow" }, T0);
    await inside((inner) => {
      vi.spyOn(inner.env.WORKFLOW_RUN, "getByName").mockImplementation(() => {
        throw new Error("away");
      });
    });
    await tick(slotAt(1));
    await tick(slotAt(1) + 500);
    expect(await history()).toEqual([]);
    vi.restoreAllMocks();
    await evict();
    await tick(slotAt(1) + 2000);
    await tick(slotAt(1) + 4000);
    expect(await history()).toEqual(["2031-01-01T01:00 fired"]);
    await vi.waitFor(() => expect(hub.called()).toEqual(["work"]), { timeout: 20_000 });
  });

  test("where the history could not be written: it is, later, once", async () => {
    const { tick, inside, history } = await scheduled({ overlap: "allow" }, T0);
    await inside((inner) => {
      vi.spyOn(inner.env.DB, "batch").mockRejectedValue(new Error("away"));
    });
    await tick(slotAt(1));
    vi.restoreAllMocks();
    expect(await history()).toEqual([]);
    await tick(slotAt(1) + 5000);
    await tick(slotAt(1) + 9000);
    expect(await history()).toEqual(["2031-01-01T01:00 fired"]);
  });
});

describe("a slot that meets a run", { timeout: RUN_TEST_MS }, () => {
  test("is left out (skip)", async () => {
    const { hub, tick, history, runs } = await scheduled({ overlap: "skip" }, T0, STAYING);
    await tick(slotAt(1));
    await tick(slotAt(2));
    const [run = ""] = await runs();
    await go(hub, run);
    await hub.ended(run);
    await tick(slotAt(3));
    expect(await history()).toEqual([
      "2031-01-01T01:00 fired",
      "2031-01-01T02:00 still_running",
      "2031-01-01T03:00 fired",
    ]);
  });

  test("waits alone (queue_one), and fires when the run has ended", async () => {
    const { hub, tick, history, runs } = await scheduled({ overlap: "queue_one" }, T0, STAYING);
    for (const hour of [1, 2, 3]) await tick(slotAt(hour));
    const [run = ""] = await runs();
    await go(hub, run);
    await hub.ended(run);
    await tick(slotAt(3) + 5 * MIN);
    expect(await history()).toEqual([
      "2031-01-01T01:00 fired",
      "2031-01-01T02:00 fired",
      "2031-01-01T03:00 queue_full",
    ]);
    expect((await runs())[1]).toBe(await runIdOf(hub.tenant, "w", `s1-${slotAt(2)}`));
  });

  test("waits behind others (queue)", async () => {
    const { hub, tick, history, runs } = await scheduled({ overlap: "queue" }, T0, STAYING);
    for (const hour of [1, 2, 3]) await tick(slotAt(hour));
    for (const [n, run] of [0, 1].entries()) {
      const open = (await runs())[n] ?? "";
      expect(await runs()).toHaveLength(run + 1);
      await go(hub, open);
      await hub.ended(open);
      await tick(slotAt(3) + (n + 1) * 5 * MIN);
    }
    expect(await history()).toEqual([1, 2, 3].map((hour) => `2031-01-01T0${hour}:00 fired`));
  });

  test("fires beside it (allow)", async () => {
    const { hub, tick, runs } = await scheduled({ overlap: "allow" }, T0, STAYING);
    for (const hour of [1, 2]) await tick(slotAt(hour));
    const states = await Promise.all((await runs()).map((run) => hub.state(run)));
    expect(states.map(({ phase }) => phase)).toEqual(["main", "main"]);
  });

  test("takes its place (cancel_other)", async () => {
    const { hub, tick, runs } = await scheduled({ overlap: "cancel_other" }, T0, STAYING);
    for (const hour of [1, 2]) await tick(slotAt(hour));
    const [first = "", second = ""] = await runs();
    expect((await hub.ended(first)).status).toBe("cancelled");
    expect((await hub.state(second)).phase).toBe("main");
  });
});

describe("slots that passed while nobody was awake", { timeout: RUN_TEST_MS }, () => {
  const back = slotAt(12) + 30 * MIN;
  test.each([
    ["latest", undefined, ["2031-01-01T11:00 outside_window 11", "2031-01-01T12:00 fired"]],
    ["skip", { policy: "skip" }, ["2031-01-01T12:00 missed 12"]],
    [
      "all, within two hours",
      { policy: "all", window_ms: 2 * HOUR },
      ["2031-01-01T10:00 outside_window 10", "2031-01-01T11:00 fired", "2031-01-01T12:00 fired"],
    ],
    [
      "latest, within two hours",
      { policy: "latest", window_ms: 2 * HOUR },
      [
        "2031-01-01T10:00 outside_window 10",
        "2031-01-01T11:00 superseded",
        "2031-01-01T12:00 fired",
      ],
    ],
  ])("%s", async (_, missed, expected) => {
    const { tick, history, evict } = await scheduled(
      { overlap: "allow", ...(missed ? { missed } : {}) },
      T0,
    );
    await evict();
    await tick(back);
    await tick(back + MIN);
    expect(await history()).toEqual(expected);
  });

  test("are worked through by and by, whatever their number", async () => {
    const timing = { kind: "interval", every_ms: MIN };
    const missed = { policy: "all", window_ms: 24 * HOUR };
    const { hub, tick, history, inside } = await scheduled(
      { timing, missed, overlap: "allow" },
      T0,
    );
    // Nothing has to run for it: every start is refused.
    await pause(hub.tenant);
    const nowMs = T0 + 700 * MIN;
    await tick(nowMs);
    const done = (await history()).length;
    expect(done).toBeGreaterThan(100);
    expect(done).toBeLessThan(700);
    expect(await inside(({ ctx }) => ctx.storage.getAlarm())).toBeLessThanOrEqual(nowMs);
    await tick(nowMs);
    const lines = await history();
    expect(lines).toHaveLength(700);
    expect(lines.every((line) => line.endsWith(" paused"))).toBe(true);
  }, 120_000);
});

async function pause(tenant: string): Promise<void> {
  const route = { active: "1.0.0", paused: true, updatedAtMs: T0 };
  expect(await replaceRoute(env.DB, { tenant, id: "w" }, route, 1)).toBe(true);
}

test("a start that is refused says why, and the next slot has its turn", async () => {
  const { tick, history } = await scheduled({ overlap: "skip", version: "9.9.9" }, T0);
  await tick(slotAt(1));
  await tick(slotAt(2));
  expect(await history()).toEqual([
    "2031-01-01T01:00 unknown_version",
    "2031-01-01T02:00 unknown_version",
  ]);
});
