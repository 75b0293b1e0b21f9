/** Case files about schedules: cron texts in time zones, and the firings that follow a moment. */
import { compileCron } from "../../domain/workflows/schedule/cron.ts";
import { nextSlots } from "../../domain/workflows/schedule/slots.ts";
import type { Tally } from "./events-tally.ts";

export type CronFile = readonly {
  readonly cron: string;
  readonly timezone: string;
  /** ISO 8601; the firings are those after it. */
  readonly from: string;
  readonly next: readonly string[];
}[];

/** A case a text: all firings that are expected of it. */
export function runCron(file: CronFile, to: Tally): void {
  for (const { cron, timezone, from, next } of file)
    to.check(
      `${cron} in ${timezone} from ${from}`,
      () => firings(cron, timezone, from, next.length),
      next,
    );
}

function firings(cron: string, timezone: string, from: string, count: number): readonly string[] {
  const compiled = compileCron({ kind: "cron", cron, timezone });
  if (!compiled.ok) return [compiled.failure.reason];
  return nextSlots(compiled.value, Date.parse(from), count).map((at) => new Date(at).toISOString());
}
