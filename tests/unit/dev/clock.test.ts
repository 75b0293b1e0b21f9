import { expect, test } from "vitest";
import { isDue } from "../../../dev/clock.ts";

const at = (time: string) => new Date(`2026-11-21T${time}:30Z`);

test.each([
  ["*/5 * * * *", "06:25", true],
  ["*/5 * * * *", "06:26", false],
  ["7 * * * *", "23:07", true],
  ["7 * * * *", "23:08", false],
  ["13 3 * * *", "03:13", true],
  ["13 3 * * *", "04:13", false],
  ["* * 21 11 6", "00:00", true],
  ["* * 21 11 0", "00:00", false],
])("%s at %s: %s", (cron, time, due) => {
  expect(isDue(cron, at(time))).toBe(due);
});

test.each([["* * *"], ["1,2 * * * *"], ["MON * * * *"]])("%s is refused", (cron) => {
  expect(() => isDue(cron, at("00:00"))).toThrow();
});
