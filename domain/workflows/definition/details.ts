/** Checks within one step or trigger: fields that belong together, durations, patterns, cron texts. */
import { CATCH_UP_MS_MAX, JITTER_MS_MAX } from "../../../schema/schedule.ts";
import type { StepOf, WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import type { WorkflowTrigger } from "../../../schema/workflow-trigger.ts";
import type { Duration } from "../../../schema/workflow-value.ts";
import { checkBindingKey } from "../../events/topic.ts";
import { checkPattern } from "../../messaging/pattern.ts";
import { checkedMs, durationMs } from "../run/timing.ts";
import { compileCron } from "../schedule/cron.ts";
import type { Draft } from "./draft.ts";
import type { FaultReason, PathFault } from "./fault.ts";
import { computed } from "./places.ts";

type Finding = readonly [path: readonly (string | number)[], reason: FaultReason, message: string];

/** Everything that can be told from one step or trigger alone. */
export function checkDetails(draft: Draft): readonly PathFault[] {
  const at = (start: readonly (string | number)[], findings: readonly Finding[]) =>
    findings.map(([path, reason, message]) => ({ path: [...start, ...path], reason, message }));
  return [
    ...draft.steps.flatMap((step) => at(["steps", step.at], stepFindings(step.value))),
    ...draft.triggers.flatMap((trigger) =>
      at(["triggers", trigger.at], triggerFindings(trigger.value)),
    ),
    ...at([], durationFindings([[["timeout"], draft.definition?.timeout]])),
  ];
}

function stepFindings(step: WorkflowStepDefinition): readonly Finding[] {
  const timeout = "timeout" in step ? step.timeout : undefined;
  const retry = "retry" in step ? step.retry : undefined;
  return [
    ...durationFindings([
      [["timeout"], timeout],
      [["retry", "backoff"], retry?.backoff],
      [["retry", "maxDelay"], retry?.maxDelay],
    ]),
    ...typeFindings(step),
  ];
}

function typeFindings(step: WorkflowStepDefinition): readonly Finding[] {
  switch (step.type) {
    case "loop":
      return [...loopFindings(step), ...durationFindings([[["every"], step.every]])];
    case "wait":
      return waitFindings(step);
    case "event":
      return eventFindings(step);
    case "approval":
      return approvalFindings(step);
    default:
      return [];
  }
}

function loopFindings(step: StepOf<"loop">): readonly Finding[] {
  const bounded = step.while !== undefined || step.times !== undefined;
  return bounded ? [] : [[[], "schema", "a loop needs while or times"]];
}

function waitFindings(step: StepOf<"wait">): readonly Finding[] {
  if ((step.for === undefined) === (step.until === undefined))
    return [[[], "schema", "a wait step needs exactly one of for and until"]];
  if (step.for !== undefined && computed(step.for) === undefined)
    return durationFindings([[["for"], step.for]]);
  const unreadable = computed(step.until ?? "{{") === undefined && !isMoment(step.until);
  return unreadable
    ? [[["until"], "duration", "must be ISO 8601 with a zone, or {{ expression }}"]]
    : [];
}

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

function isMoment(text: string | undefined): boolean {
  return text !== undefined && MOMENT.test(text) && Number.isFinite(Date.parse(text));
}

function eventFindings(step: StepOf<"event">): readonly Finding[] {
  const both = (step.signal === undefined) === (step.event === undefined);
  const late = step.onTimeout !== undefined && step.timeout === undefined;
  return [
    ...(both
      ? [[[], "schema", "an event step needs exactly one of signal and event"] as const]
      : []),
    ...(late ? [[["onTimeout"], "schema", "needs a timeout"] as const] : []),
    ...(step.event ? bindingFindings(["event", "type"], step.event.type) : []),
  ];
}

function approvalFindings(step: StepOf<"approval">): readonly Finding[] {
  const ids = step.choices?.map(({ id }) => id) ?? ["approve", "reject"];
  const twice = ids.findIndex((id, at) => ids.indexOf(id) !== at);
  const chosen = step.onTimeout && "choose" in step.onTimeout ? step.onTimeout.choose : undefined;
  const late = step.onTimeout !== undefined && step.timeout === undefined;
  return [
    ...(twice < 0
      ? []
      : [[["choices", twice, "id"], "duplicate_id", "two choices have this id"] as const]),
    ...(step.choices && step.onReject
      ? [[["onReject"], "schema", "own choices name their own next"] as const]
      : []),
    ...(late ? [[["onTimeout"], "schema", "needs a timeout"] as const] : []),
    ...(step.channel && step.channel.to === undefined && !step.assignees
      ? [[["channel"], "schema", "needs a `to`, or assignees to write to"] as const]
      : []),
    ...(chosen === undefined || ids.includes(chosen)
      ? []
      : [[["onTimeout", "choose"], "schema", `must be one of ${ids.join(", ")}`] as const]),
    ...durationFindings([
      ...(step.reminders ?? []).map((after, at) => [["reminders", at], after] as const),
      ...(step.escalations ?? []).map(
        ({ after }, at) => [["escalations", at, "after"], after] as const,
      ),
    ]),
  ];
}

function durationFindings(
  fields: readonly (readonly [
    path: readonly (string | number)[],
    value: string | number | undefined,
  ])[],
): readonly Finding[] {
  return fields.flatMap(([path, value]) =>
    value === undefined || durationMs(value) !== undefined
      ? []
      : [
          [
            path,
            "duration",
            "must be a duration of at most 365 days, such as 30s, 5m, 2h, 7d or PT5M",
          ] as const,
        ],
  );
}

function bindingFindings(path: readonly (string | number)[], key: string): readonly Finding[] {
  const checked = checkBindingKey(key);
  return checked.ok ? [] : [[path, "pattern", `the event type is ${checked.failure.reason}`]];
}

function triggerFindings(trigger: WorkflowTrigger): readonly Finding[] {
  switch (trigger.type) {
    case "event":
      return bindingFindings(["event"], trigger.event);
    case "message": {
      const checked = trigger.match === undefined ? undefined : checkPattern(trigger.match);
      return checked && !checked.ok
        ? [[["match"], "pattern", `cannot be used: ${checked.failure.reason}`]]
        : [];
    }
    case "schedule":
      return scheduleFindings(trigger);
    case "webhook":
      return [];
  }
}

function scheduleFindings(
  trigger: Extract<WorkflowTrigger, { type: "schedule" }>,
): readonly Finding[] {
  const { cron, timezone, gap, repeat } = trigger;
  const changes = { ...(gap ? { gap } : {}), ...(repeat ? { repeat } : {}) };
  const compiled = compileCron({
    kind: "cron",
    cron,
    ...(timezone === undefined ? {} : { timezone }),
    ...(gap || repeat ? { clock_changes: changes } : {}),
  });
  const field =
    !compiled.ok && compiled.failure.reason === "unknown_timezone" ? "timezone" : "cron";
  return [
    ...(compiled.ok ? [] : [[[field], "schedule", compiled.failure.detail] as const]),
    ...durationFindings([
      [["catchUp"], trigger.catchUp],
      [["jitter"], trigger.jitter],
    ]),
    ...longerThan(["catchUp"], trigger.catchUp, CATCH_UP_MS_MAX, "7 days"),
    ...longerThan(["jitter"], trigger.jitter, JITTER_MS_MAX, "one hour"),
    ...(endsFirst(trigger) ? [[["endsAt"], "schedule", "is not after startsAt"] as const] : []),
  ];
}

function longerThan(
  path: readonly string[],
  value: Duration | undefined,
  maxMs: number,
  max: string,
): readonly Finding[] {
  return (checkedMs(value) ?? 0) > maxMs ? [[path, "duration", `must be at most ${max}`]] : [];
}

function endsFirst({ startsAt, endsAt }: Extract<WorkflowTrigger, { type: "schedule" }>): boolean {
  if (startsAt === undefined || endsAt === undefined) return false;
  return Date.parse(endsAt) <= Date.parse(startsAt);
}
