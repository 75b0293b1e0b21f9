/** The schedules that the triggers of a definition stand for. */
import type { Schedule } from "../../../schema/schedule.ts";
import { SCHEDULE_ID_CHARS_MAX } from "../../../schema/schedule.ts";
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import { scheduleOf } from "../schedule/trigger.ts";
import type { TriggerStart } from "./start.ts";

/** Ids of definitions' schedules begin with it; ids given to the API must not. */
export const TRIGGER_SCHEDULE_PREFIX = "wf_";

/** A schedule, and what its trigger says of the runs. */
export interface TriggerSchedule {
  readonly schedule: Schedule;
  readonly start: TriggerStart;
}

/** Those of an active definition. One that cannot be made was never let in: it is left out. */
export function triggerSchedules({
  id: workflow,
  triggers = [],
}: Pick<WorkflowDefinition, "id" | "triggers">): readonly TriggerSchedule[] {
  let place = 0;
  return triggers.flatMap((trigger): TriggerSchedule[] => {
    if (trigger.type !== "schedule") return [];
    place += 1;
    const owner = { id: triggerScheduleId(workflow, place), workflow };
    const made = scheduleOf(trigger, owner);
    return made.ok ? [{ schedule: made.value, start: startPartOf(trigger) }] : [];
  });
}

function startPartOf({
  condition,
  input,
  idempotencyKey,
  correlationId,
}: TriggerStart): TriggerStart {
  return {
    ...(condition === undefined ? {} : { condition }),
    ...(input === undefined ? {} : { input }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}

/** The same for every version of the definition. Long names are cut, with a checksum in place of what is missing. */
export function triggerScheduleId(workflow: string, place: number): string {
  const end = `_${place}`;
  const room = SCHEDULE_ID_CHARS_MAX - TRIGGER_SCHEDULE_PREFIX.length - end.length;
  if (workflow.length <= room) return `${TRIGGER_SCHEDULE_PREFIX}${workflow}${end}`;
  const sum = checksum(workflow);
  return `${TRIGGER_SCHEDULE_PREFIX}${workflow.slice(0, room - sum.length - 1)}-${sum}${end}`;
}

/** FNV-1a, in base 36. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36);
}
