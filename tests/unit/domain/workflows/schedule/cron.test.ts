/** Cron texts: the shared table, what is refused and why, and changes of clocks in several zones. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileCron, type Slots } from "../../../../../domain/workflows/schedule/cron.ts";
import { nextSlots } from "../../../../../domain/workflows/schedule/slots.ts";
import type { ClockChanges } from "../../../../../schema/schedule.ts";

const CASES = join(
  import.meta.dirname,
  "../../../../../../shared/fixtures/workflows/cron/cases.json",
);

interface Case {
  readonly cron: string;
  readonly timezone: string;
  readonly from: string;
  readonly next: readonly string[];
}

/** On a busy machine. */
const SLOW_MS = 30_000;

const present = existsSync(CASES);
const cases: readonly Case[] = present ? JSON.parse(readFileSync(CASES, "utf8")) : [];

describe.skipIf(!present)("the shared table (skipped where ../shared is absent)", () => {
  test("has its cases", () => expect(cases.length).toBeGreaterThanOrEqual(13));

  test.each(cases)("$cron in $timezone from $from", ({ cron, timezone, from, next }) => {
    expect(isoAfter(slots(cron, timezone), from, next.length)).toEqual(next);
  });
});

describe("what is refused", () => {
  test.each([
    ["0 0 12 * * *", "cron_seconds", "6 fields"],
    ["0 0 12 * * * 2030", "cron_seconds", "7 fields"],
    ["0 12 * *", "cron_fields", "4 fields"],
    ["   ", "cron_fields", "1 fields"],
    ["61 * * * *", "cron_syntax", "Invalid value for minute: 61"],
    ["0 24 * * *", "cron_syntax", "hour"],
    ["0 0 * * FUNDAY", "cron_syntax", "FUNDAY"],
    ["5/15 * * * *", "cron_syntax", "stepping"],
    ["0 0 1 * +1", "cron_syntax", "+1"],
    ["H * * * *", "cron_syntax", "H"],
    ["2026-01-01T00:00:00Z", "cron_fields", "1 fields"],
    ["@reboot", "cron_alias", "@reboot is none of"],
    ["@every 5m", "cron_alias", "@every"],
  ])("%s: %s, %s", (cron, reason, detail) => {
    expect(compileCron({ kind: "cron", cron })).toMatchObject({
      ok: false,
      failure: { reason, detail: expect.stringContaining(detail) },
    });
  });

  test.each(["Mars/Phobos", "+02:00", "Europe/Berlin; x", ""])("the zone %j", (timezone) => {
    const compiled = compileCron({ kind: "cron", cron: "@daily", timezone });
    expect(compiled).toMatchObject({ failure: { reason: "unknown_timezone" } });
  });

  test.each(["*/15 2 * * *", "0 * * * *", "@hourly", "0 1-5/2 * * *"])(
    "a policy for changes of clocks that %s would ignore",
    (cron) => {
      const compiled = compileCron({ kind: "cron", cron, clock_changes: { gap: "skip" } });
      expect(compiled).toMatchObject({ failure: { reason: "clock_changes_without_effect" } });
    },
  );

  test("any text: a reason, never a throw", () => {
    const part = fc.constantFrom(
      "*",
      "?",
      "L",
      "W",
      "#",
      "/",
      "-",
      ",",
      "0",
      "5",
      "31",
      "MON",
      "@",
    );
    const field = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(""));
    const text = fc.oneof(
      fc.string(),
      fc.array(field, { maxLength: 7 }).map((f) => f.join(" ")),
    );
    fc.assert(
      fc.property(text, (cron) => {
        const compiled = compileCron({ kind: "cron", cron });
        if (compiled.ok) nextSlots(compiled.value, 0, 2);
        else expect(compiled.failure.detail).not.toBe("");
      }),
    );
  });
});

describe("changes of clocks", () => {
  const SPRING = "2026-03-28T12:00:00Z";
  const AUTUMN = "2026-10-24T12:00:00Z";

  test.each<[string, string, ClockChanges, readonly string[]]>([
    ["30 2 * * *", SPRING, {}, ["2026-03-29T01:00", "2026-03-30T00:30"]],
    ["30 2 * * *", SPRING, { gap: "skip" }, ["2026-03-30T00:30", "2026-03-31T00:30"]],
    ["30 2 * * *", SPRING, { repeat: "both" }, ["2026-03-29T01:00", "2026-03-30T00:30"]],
    ["30 2 * * *", AUTUMN, {}, ["2026-10-25T00:30", "2026-10-26T01:30"]],
    ["30 2 * * *", AUTUMN, { gap: "skip" }, ["2026-10-25T00:30", "2026-10-26T01:30"]],
    ["30 2 * * *", AUTUMN, { repeat: "both" }, ["2026-10-25T00:30", "2026-10-25T01:30"]],
    [
      "30 2 * * *",
      AUTUMN,
      { gap: "skip", repeat: "both" },
      ["2026-10-25T00:30", "2026-10-25T01:30"],
    ],
    [
      "30 2 * * *",
      SPRING,
      { gap: "skip", repeat: "both" },
      ["2026-03-30T00:30", "2026-03-31T00:30"],
    ],
    ["15,45 2 * * *", SPRING, {}, ["2026-03-29T01:00", "2026-03-30T00:15"]],
    [
      "15-16 2 * * *",
      AUTUMN,
      { repeat: "both" },
      ["2026-10-25T00:15", "2026-10-25T00:16", "2026-10-25T01:15"],
    ],
    ["*/30 2 * * *", SPRING, {}, ["2026-03-30T00:00", "2026-03-30T00:30"]],
    ["@daily", SPRING, { gap: "skip", repeat: "both" }, ["2026-03-28T23:00", "2026-03-29T22:00"]],
  ])("%s after %s with %j in Berlin", (cron, from, changes, next) => {
    const berlin = slots(cron, "Europe/Berlin", changes);
    expect(isoAfter(berlin, from, next.length)).toEqual(next.map((at) => `${at}:00.000Z`));
  });

  test.each([
    ["Africa/Cairo", "0 0 * * *", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00.000Z"],
    ["America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00.000Z"],
    ["Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00.000Z"],
    ["America/New_York", "30 2 * * *", "2026-03-08T00:00:00Z", "2026-03-08T07:00:00.000Z"],
  ])("a gap in %s: %s shifts to its end", (timezone, cron, from, next) => {
    expect(isoAfter(slots(cron, timezone), from, 1)).toEqual([next]);
  });

  test("a time that only ever falls into the gap never comes, and the search for it ends", () => {
    const never = slots("30 2 * 3 SUN#L", "Europe/Berlin", { gap: "skip" });
    expect(never.next(Date.parse(SPRING))).toBeUndefined();
  });

  const ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "America/Sao_Paulo",
  ] as const;
  const minute = fc.oneof(fc.constantFrom("*", "*/15", "0", "30"), fc.nat(59).map(String));
  const hour = fc.oneof(fc.constantFrom("*", "*/2", "1-3", "2"), fc.nat(23).map(String));
  const moment = fc.date({
    min: new Date("2024-01-01"),
    max: new Date("2030-01-01"),
    noInvalidDate: true,
  });

  test("slots rise strictly, whole minutes, at the times the text names, with every policy in every zone", () => {
    const policy = fc.record(
      {
        gap: fc.constantFrom("shift" as const, "skip" as const),
        repeat: fc.constantFrom("first" as const, "both" as const),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        minute,
        hour,
        fc.constantFrom(...ZONES),
        moment,
        policy,
        (m, h, zone, from, changes) => {
          const compiled = compileCron({
            kind: "cron",
            cron: `${m} ${h} * * *`,
            timezone: zone,
            ...(/[*/]/.test(m + h) ? {} : { clock_changes: changes }),
          });
          if (!compiled.ok) throw new Error(compiled.failure.detail);
          const found = [from.getTime(), ...nextSlots(compiled.value, from.getTime(), 40)];
          for (const [at, slot] of found.entries()) {
            if (at === 0) continue;
            expect(slot).toBeGreaterThan(found[at - 1] ?? slot);
            expect(slot % 60_000).toBe(0);
          }
        },
      ),
    );
  });

  test(
    "a named time comes once on every day of the year, in every zone",
    () => {
      fc.assert(
        fc.property(fc.nat(59), fc.nat(23), fc.constantFrom(...ZONES), (m, h, zone) => {
          const daily = slots(`${m} ${h} * * *`, zone);
          const dayOf = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" });
          const days: string[] = [];
          let at = daily.next(Date.parse("2026-01-10T12:00:00Z"));
          while (at !== undefined && days.length < 340) {
            days.push(dayOf.format(at));
            at = daily.next(at);
          }
          expect(new Set(days).size).toBe(340);
        }),
        { numRuns: 15 },
      );
    },
    SLOW_MS,
  );

  test("elapsed time: every quarter of an hour comes every quarter of an hour, through every change", () => {
    for (const zone of ["Europe/Berlin", "America/New_York", "Africa/Cairo"]) {
      for (const from of [SPRING, AUTUMN, "2026-03-07T12:00:00Z", "2026-10-31T12:00:00Z"]) {
        const found = nextSlots(slots("*/15 * * * *", zone), Date.parse(from), 100);
        for (const [at, slot] of found.entries())
          if (at > 0) expect(slot - (found[at - 1] ?? 0)).toBe(900_000);
      }
    }
  });
});

function slots(cron: string, timezone: string, clock_changes?: ClockChanges): Slots {
  const changes =
    clock_changes === undefined || Object.keys(clock_changes).length === 0 ? {} : { clock_changes };
  const compiled = compileCron({ kind: "cron", cron, timezone, ...changes });
  if (!compiled.ok) throw new Error(compiled.failure.detail);
  return compiled.value;
}

function isoAfter(of: Slots, from: string, count: number): readonly string[] {
  return nextSlots(of, Date.parse(from), count).map((at) => new Date(at).toISOString());
}
