/** What a definition's schedule trigger becomes. */
import { expect, test } from "vitest";
import { checkSchedule } from "../../../../../domain/workflows/schedule/slots.ts";
import { scheduleOf } from "../../../../../domain/workflows/schedule/trigger.ts";
import { ScheduleTrigger } from "../../../../../schema/workflow-trigger.ts";
import { T0 } from "./support.ts";

const OWNER = { id: "s1", workflow: "nightly" };

test.each([
  [
    { cron: "0 3 * * *" },
    { timing: { kind: "cron", cron: "0 3 * * *" }, missed: { policy: "latest" } },
  ],
  [
    {
      cron: "30 2 * * *",
      timezone: "Europe/Berlin",
      overlap: "queue",
      missed: "all",
      catchUp: "2h",
      gap: "skip",
      repeat: "both",
      startsAt: "2026-01-01T00:00:00Z",
      endsAt: "2027-01-01T00:00:00Z",
      jitter: "PT5M",
    },
    {
      timing: {
        kind: "cron",
        cron: "30 2 * * *",
        timezone: "Europe/Berlin",
        clock_changes: { gap: "skip", repeat: "both" },
      },
      overlap: "queue",
      missed: { policy: "all", window_ms: 7_200_000 },
      starts_at: "2026-01-01T00:00:00Z",
      ends_at: "2027-01-01T00:00:00Z",
      jitter_ms: 300_000,
    },
  ],
  [
    { cron: "@hourly", missed: "latest" },
    { timing: { kind: "cron", cron: "@hourly" }, missed: { policy: "latest" } },
  ],
])("%j", (trigger, schedule) => {
  const made = scheduleOf(ScheduleTrigger.parse({ type: "schedule", ...trigger }), OWNER);
  expect(made).toEqual({ ok: true, value: { ...OWNER, ...schedule } });
  if (made.ok) expect(checkSchedule(made.value, T0)).toMatchObject({ ok: true });
});

test.each([
  [{ jitter: "2h" }, "/jitter_ms"],
  [{ catchUp: "8d" }, "/missed/window_ms"],
])("%j is longer than a schedule takes", (part, pointer) => {
  const trigger = ScheduleTrigger.parse({ type: "schedule", cron: "@daily", ...part });
  expect(scheduleOf(trigger, OWNER)).toMatchObject({
    failure: { reason: "out_of_bounds", pointer },
  });
});
