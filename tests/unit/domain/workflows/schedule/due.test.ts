/** What schedules do at a moment: overlap, missed slots, pauses, what comes in. */
import { describe, expect, test } from "vitest";
import {
  due,
  ended,
  freshState,
  LATE_AFTER_MS,
  SLOTS_PER_DECISION_MAX,
} from "../../../../../domain/workflows/schedule/due.ts";
import type { ScheduleState } from "../../../../../domain/workflows/schedule/firing.ts";
import { WAITING_SLOTS_MAX } from "../../../../../domain/workflows/schedule/overlap.ts";
import { checkSchedule, nextSlots } from "../../../../../domain/workflows/schedule/slots.ts";
import type { Schedule } from "../../../../../schema/schedule.ts";
import { DAY, HOUR, look, MIN, parsed, slotted, T0 } from "./support.ts";

describe("one look", () => {
  test("nothing is due: nothing happens but the next look", () => {
    const decision = look(parsed(), freshState(T0), T0 + 30 * MIN);
    expect(decision).toEqual({
      fire: [],
      cancel: [],
      skipped: [],
      state: freshState(T0),
      wakeAtMs: T0 + HOUR,
    });
  });

  test("a slot fires under an id made of schedule and slot", () => {
    const decision = look(parsed(), freshState(T0), T0 + HOUR + 5000);
    expect(decision.fire).toEqual([{ id: `s1-${T0 + HOUR}`, slotMs: T0 + HOUR }]);
    expect(decision.state).toEqual({
      decidedMs: T0 + HOUR,
      open: [`s1-${T0 + HOUR}`],
      waiting: [],
    });
    expect(decision.wakeAtMs).toBe(T0 + 2 * HOUR);
  });

  test("a clock that goes back decides nothing again", () => {
    const schedule = parsed();
    const decision = look(schedule, freshState(T0), T0 + HOUR);
    expect(look(schedule, decision.state, T0 + HOUR).fire).toEqual([]);
    expect(look(schedule, decision.state, T0)).toMatchObject({
      fire: [],
      state: decision.state,
    });
  });

  test("a pause leaves out what passes meanwhile, with that reason, and wakes nobody", () => {
    const decision = look(parsed({ paused: true }), freshState(T0), T0 + 3 * HOUR);
    expect(decision).toEqual({
      fire: [],
      cancel: [],
      skipped: [{ reason: "paused", fromMs: T0 + HOUR, untilMs: T0 + 3 * HOUR, slots: 3 }],
      state: { decidedMs: T0 + 3 * HOUR, open: [], waiting: [] },
    });
    expect(look(parsed(), decision.state, T0 + 3 * HOUR).fire).toEqual([]);
  });

  test("one moment fires once and is over", () => {
    const once = parsed({ timing: { kind: "at", at: "2026-01-05T02:00:00+01:00" } });
    const decision = look(once, freshState(T0), T0 + HOUR);
    expect(decision.fire.map(({ slotMs }) => slotMs)).toEqual([T0 + HOUR]);
    expect(decision.wakeAtMs).toBeUndefined();
  });

  test("an interval counts from its anchor, between start and end", () => {
    const schedule = parsed({
      timing: { kind: "interval", every_ms: 90 * MIN, anchor: "2026-01-05T00:10:00Z" },
      starts_at: "2026-01-05T01:40:00Z",
      ends_at: "2026-01-05T04:40:00Z",
    });
    expect(nextSlots(slotted(schedule), 0, 9)).toEqual([T0 + 100 * MIN, T0 + 190 * MIN]);
  });
});

describe("missed slots", () => {
  const GONE = T0 + 5 * HOUR + 30 * MIN;

  test.each([
    ["skip", undefined, [], [["missed", 1, 5, 5]]],
    ["latest", 6 * HOUR, [5], [["superseded", 1, 4, 4]]],
    ["all", 6 * HOUR, [1, 2, 3, 4, 5], []],
    ["all", 3 * HOUR, [3, 4, 5], [["outside_window", 1, 2, 2]]],
    ["latest", 20 * MIN, [], [["outside_window", 1, 5, 5]]],
    [undefined, undefined, [5], [["outside_window", 1, 4, 4]]],
  ] as const)("%s within %s", (policy, window_ms, fired, left) => {
    const missed =
      policy === undefined
        ? {}
        : { missed: { policy, ...(window_ms === undefined ? {} : { window_ms }) } };
    const decision = look(parsed({ ...missed, overlap: "allow" }), freshState(T0), GONE);
    expect(decision.fire.map(({ slotMs }) => (slotMs - T0) / HOUR)).toEqual(fired);
    const told = decision.skipped.map(({ reason, fromMs, untilMs, slots }) => [
      reason,
      (fromMs - T0) / HOUR,
      Math.floor((untilMs - T0) / HOUR),
      slots,
    ]);
    expect(told).toEqual(left);
  });

  test("what is at most a minute late is not missed", () => {
    const skip = parsed({ missed: { policy: "skip" } });
    expect(look(skip, freshState(T0), T0 + HOUR + LATE_AFTER_MS).fire).toHaveLength(1);
    expect(look(skip, freshState(T0), T0 + HOUR + LATE_AFTER_MS + 1).fire).toHaveLength(0);
  });

  test("a year asleep is left out in one line, uncounted, and the last slot fires", () => {
    const minutely = parsed({
      timing: { kind: "cron", cron: "* * * * *" },
      missed: { policy: "latest", window_ms: 5 * MIN },
    });
    const decision = look(minutely, freshState(T0), T0 + 365 * DAY + MIN / 2);
    expect(decision.fire.map(({ slotMs }) => slotMs)).toEqual([T0 + 365 * DAY]);
    expect(decision.skipped).toMatchObject([
      { reason: "outside_window", fromMs: T0 + MIN, slots: null },
      { reason: "superseded", slots: 4 },
    ]);
  });

  test("more than fits in one look: the rest comes at once, and the newest alone fires", () => {
    const minutely = parsed({
      timing: { kind: "cron", cron: "* * * * *" },
      missed: { policy: "latest", window_ms: DAY },
    });
    const now = T0 + 250 * MIN + MIN / 2;
    const looks = untilSettled(minutely, freshState(T0), now);
    expect(looks.map(({ skipped }) => skipped[0]?.slots)).toEqual([
      SLOTS_PER_DECISION_MAX,
      SLOTS_PER_DECISION_MAX,
      49,
    ]);
    expect(looks.flatMap(({ fire }) => fire).map(({ slotMs }) => slotMs)).toEqual([T0 + 250 * MIN]);
  });
});

describe("a slot that meets an open run", () => {
  const open = (): ScheduleState => ({ decidedMs: T0, open: ["s1-0"], waiting: [] });

  test.each([
    ["skip", [], [], [], ["still_running"]],
    ["allow", [1], [], [], []],
    ["queue", [], [], [1], []],
    ["queue_one", [], [], [1], []],
    ["cancel_other", [1], ["s1-0"], [], []],
  ] as const)("%s", (overlap, fired, cancelled, waiting, reasons) => {
    const decision = look(parsed({ overlap }), open(), T0 + HOUR);
    expect(decision.fire.map(({ slotMs }) => (slotMs - T0) / HOUR)).toEqual(fired);
    expect(decision.cancel).toEqual(cancelled);
    expect(decision.state.waiting.map((slot) => (slot - T0) / HOUR)).toEqual(waiting);
    expect(decision.skipped.map(({ reason }) => reason)).toEqual(reasons);
  });

  test("who waits fires when the run has ended, one by one, oldest first", () => {
    const queue = parsed({ overlap: "queue" });
    let { state } = look(queue, look(queue, open(), T0 + HOUR).state, T0 + 2 * HOUR);
    expect(state.waiting).toEqual([T0 + HOUR, T0 + 2 * HOUR]);
    for (const slotMs of [T0 + HOUR, T0 + 2 * HOUR]) {
      const decision = look(queue, ended(state, state.open[0] ?? ""), T0 + 2 * HOUR + MIN);
      expect(decision.fire).toEqual([{ id: `s1-${slotMs}`, slotMs }]);
      state = decision.state;
    }
    expect(state.waiting).toEqual([]);
  });

  test("those who wait are few", () => {
    const one = look(parsed({ overlap: "queue_one" }), { ...open(), waiting: [T0] }, T0 + HOUR);
    expect(one.skipped).toMatchObject([{ reason: "queue_full", slots: 1 }]);
    const full = Array.from({ length: WAITING_SLOTS_MAX }, (_, n) => n);
    const many = look(parsed({ overlap: "queue" }), { ...open(), waiting: full }, T0 + HOUR);
    expect(many.skipped).toMatchObject([{ reason: "queue_full", slots: 1 }]);
    expect(many.state.waiting).toHaveLength(WAITING_SLOTS_MAX);
  });

  test("several at once with `cancel_other`: only the newest fires, nothing is started to be cancelled", () => {
    const all = parsed({ overlap: "cancel_other", missed: { policy: "all", window_ms: DAY } });
    const decision = look(all, open(), T0 + 3 * HOUR);
    expect(decision.fire.map(({ slotMs }) => (slotMs - T0) / HOUR)).toEqual([3]);
    expect(decision.cancel).toEqual(["s1-0"]);
    expect(decision.skipped).toMatchObject([{ reason: "superseded", slots: 2 }]);
  });
});

describe("what comes in", () => {
  test.each([
    [{ timing: { kind: "cron", cron: "0 0 30 2 *" } }, "never_fires", "/timing/cron"],
    [{ timing: { kind: "cron", cron: "* * * * * *" } }, "cron_seconds", "/timing/cron"],
    [
      { timing: { kind: "cron", cron: "@daily", timezone: "Nowhere" } },
      "unknown_timezone",
      "/timing/timezone",
    ],
    [{ timing: { kind: "at", at: "2020-01-01T00:00:00Z" } }, "never_fires", "/timing"],
    [
      { starts_at: "2026-02-01T00:00:00Z", ends_at: "2026-02-01T00:00:00Z" },
      "ends_before_start",
      "/ends_at",
    ],
  ] as const)("%j: %s", (part, reason, pointer) => {
    expect(checkSchedule(parsed(part), T0)).toMatchObject({ failure: { reason, pointer } });
  });
});

function untilSettled(schedule: Schedule, state: ScheduleState, nowMs: number) {
  const looks = [due(schedule, slotted(schedule), state, nowMs)];
  while (looks.at(-1)?.wakeAtMs === nowMs)
    looks.push(due(schedule, slotted(schedule), looks.at(-1)?.state ?? state, nowMs));
  return looks;
}
