/** What starts a workflow by itself: `schedule` of the document. */
import type { WorkflowTrigger } from "../../../schema/workflow-trigger.ts";
import { compileCron } from "../schedule/cron.ts";
import type { Build, Scope } from "./build.ts";
import { durationMs } from "./duration.ts";
import { consumed, ENVELOPE_ATTRIBUTES } from "./event-filter.ts";
import type { Place } from "./faults.ts";
import { onlyMembers } from "./task.ts";
import { membersOf } from "./value.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Triggers of the document; the input of a run that an event starts is a list of it, as in the DSL. */
export function triggersOf(build: Build, place: Place): readonly WorkflowTrigger[] {
  const schedule = membersOf(build.root.schedule);
  if (schedule === undefined) return [];
  onlyMembers(schedule, ["cron", "every", "after", "on"], place);
  if (schedule.after !== undefined)
    place.at("after").fault("not_supported", "after: a delay after the last run ended");
  return [
    ...cronTrigger(schedule.cron, place.at("cron")),
    ...everyTrigger(schedule.every, place.at("every")),
    ...eventTriggers(build, schedule.on, place.at("on")),
  ];
}

function cronTrigger(cron: unknown, place: Place): readonly WorkflowTrigger[] {
  if (cron === undefined) return [];
  if (typeof cron !== "string") {
    place.fault("invalid", "is no cron text");
    return [];
  }
  const compiled = compileCron({ kind: "cron", cron });
  if (compiled.ok) return [{ type: "schedule", cron }];
  place.fault("invalid", compiled.failure.detail);
  return [];
}

/** Cron has only periods that an hour or a day is a multiple of. */
function everyTrigger(every: unknown, place: Place): readonly WorkflowTrigger[] {
  if (every === undefined) return [];
  const ms = durationMs(every, place);
  const cron = ms === undefined ? undefined : cronOf(ms);
  if (cron !== undefined) return [{ type: "schedule", cron }];
  if (ms !== undefined)
    place.fault(
      "not_supported",
      "a period that does not divide an hour or a day into whole minutes",
    );
  return [];
}

function cronOf(ms: number): string | undefined {
  if (ms === DAY_MS) return "0 0 * * *";
  const minutes = ms / MINUTE_MS;
  if (Number.isInteger(minutes) && minutes > 0 && 60 % minutes === 0)
    return minutes === 60 ? "0 * * * *" : `*/${minutes} * * * *`;
  const hours = ms / HOUR_MS;
  return Number.isInteger(hours) && hours > 0 && 24 % hours === 0
    ? `0 */${hours} * * *`
    : undefined;
}

function eventTriggers(build: Build, on: unknown, place: Place): readonly WorkflowTrigger[] {
  if (on === undefined) return [];
  const scope: Scope = { data: "data", inner: false, names: new Map() };
  return consumed(on, place, { build, scope, attributes: ENVELOPE_ATTRIBUTES }).map(
    ({ type, match }) => ({
      type: "event",
      event: type,
      input: ["{{ event }}"],
      ...(match === undefined ? {} : { condition: match }),
    }),
  );
}
