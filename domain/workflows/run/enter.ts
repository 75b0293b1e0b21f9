/** A thread comes to a step: its record is made, its condition asked, and the step begins by its type. */
import { STEPS_MAX } from "../../../schema/workflow.ts";
import type { StepOf, WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import { endFrame, failStep, skip, succeed } from "./advance.ts";
import { beginAttempts } from "./attempts.ts";
import { type Draft, nextPlace, release, releaseRest, take, tellStep, without } from "./draft.ts";
import { beginGroup } from "./groups.ts";
import { RUN_STEPS_MAX } from "./limits.ts";
import { stepOf } from "./plan.ts";
import { frameScope, mappingOf, truthOf } from "./scope.ts";
import type { Frame, StepError, StepRecord } from "./state.ts";
import { beginApproval, beginEvent, beginWait } from "./waiting.ts";

export function enter(d: Draft, ready: Frame): undefined {
  const id = ready.ready;
  const step = id === undefined ? undefined : stepOf(d.plan, id);
  if (!step) return endFrame(d, ready, { is: "failed", error: { reason: "unknown_step" } });
  if (d.state.begun >= mostSteps(d))
    return endFrame(d, ready, { is: "failed", error: tooManySteps(d) });
  const record = recordFor(d, ready, step);
  const { rescue } = ready;
  const frame: Frame = {
    ...without(ready, "ready"),
    at: record.key,
    ...(rescue ? { rescue: { ...rescue, entering: false } } : {}),
  };
  d.state.frames[frame.id] = frame;
  d.state.steps[record.key] = record;
  d.state.begun += 1;
  tellStep(d, "step_started", record);
  begin(d, frame, record, step);
}

function tooManySteps(d: Draft): StepError {
  const message = `${mostSteps(d)} steps were begun; a circle or a loop may have no end`;
  return { reason: "too_many_steps", message };
}

/** What cleans up after a run that was too long has room of its own. */
function mostSteps(d: Draft): number {
  return d.state.phase === "failure" ? RUN_STEPS_MAX + STEPS_MAX : RUN_STEPS_MAX;
}

/** A step that a retried run stands at goes on under its key; any other visit is a new one. */
function recordFor(d: Draft, frame: Frame, step: WorkflowStepDefinition): StepRecord {
  const again = frame.at === undefined ? undefined : d.state.steps[frame.at];
  const fresh = { begun: nextPlace(d), startedAtMs: d.nowMs, status: "running" } as const;
  if (again?.id === step.id && again.due) {
    releaseRest(d, again);
    const rest = without(again, "due", "ended", "endedAtMs", "error", "input", "group", "effected");
    const { attempt } = again;
    return { ...rest, ...fresh, attempt: attempt + 1, attemptsBefore: attempt };
  }
  const place = `${step.id}${frame.round}`;
  const visit = (d.state.visits[place] ?? (Object.hasOwn(d.state.steps, place) ? 1 : 0)) + 1;
  if (visit > 1) d.state.visits[place] = visit;
  const suffix = visit > 1 ? `#${visit}` : "";
  const round = frame.round === "" ? "0" : frame.round.slice(1, -1).replaceAll("][", ".");
  return {
    key: `${place}${suffix}`,
    id: step.id,
    type: step.type,
    frame: frame.id,
    ...(frame.parent === undefined ? {} : { parent: frame.parent }),
    scope: frame.scope,
    attempt: 1,
    attemptsBefore: 0,
    idempotencyKey: `${d.state.run}/${step.id}/${round}${suffix}`,
    ...fresh,
    ...(frame.rescue?.entering ? { rescues: true } : {}),
  };
}

function begin(
  d: Draft,
  frame: Frame,
  record: StepRecord,
  step: WorkflowStepDefinition,
): undefined {
  if (step.type !== "decision" && step.type !== "switch" && step.condition !== undefined) {
    const wanted = truthOf(d, step.condition, frameScope(d, frame), "condition");
    if (!wanted.ok) return failStep(d, record.key, wanted.failure);
    if (!wanted.value) return skip(d, record);
  }
  beginByType(d, frame, record, step);
}

function beginByType(
  d: Draft,
  frame: Frame,
  record: StepRecord,
  step: WorkflowStepDefinition,
): undefined {
  switch (step.type) {
    case "action":
    case "workflow":
      return beginAttempts(d, frame, record, step);
    case "decision":
      return decide(d, frame, record, step);
    case "switch":
      return choose(d, frame, record, step);
    case "parallel":
    case "map":
    case "loop":
      return beginGroup(d, frame, record, step);
    case "wait":
      return beginWait(d, frame, record, step);
    case "event":
      return beginEvent(d, frame, record, step);
    case "approval":
      return beginApproval(d, frame, record, step);
    case "set":
      return set(d, frame, record, step);
    case "fail":
      return failByHand(d, frame, record, step);
  }
}

function decide(d: Draft, frame: Frame, record: StepRecord, step: StepOf<"decision">): undefined {
  const truth = truthOf(d, step.condition, frameScope(d, frame), "condition");
  if (!truth.ok) return failStep(d, record.key, truth.failure);
  const [yes, no] = typeof step.next === "string" ? [step.next] : step.next;
  succeed(d, record.key, truth.value, truth.value ? yes : no);
}

function choose(d: Draft, frame: Frame, record: StepRecord, step: StepOf<"switch">): undefined {
  for (const [at, { when, next }] of step.cases.entries()) {
    const truth = truthOf(d, when, frameScope(d, frame), `cases[${at}].when`);
    if (!truth.ok) return failStep(d, record.key, truth.failure);
    if (truth.value) return succeed(d, record.key, at, next);
  }
  succeed(d, record.key, null, step.default);
}

/** All at once: no value sees another one that is written here. */
function set(d: Draft, frame: Frame, record: StepRecord, step: StepOf<"set">): undefined {
  const values = mappingOf(d, step.values, frameScope(d, frame), "values");
  if (!values.ok) return failStep(d, record.key, values.failure);
  const written = values.value;
  if (typeof written !== "object" || written === null || Array.isArray(written))
    return failStep(d, record.key, { reason: "expression", message: "values: gives no object" });
  const vars = { ...d.state.vars, ...written };
  if (!take(d, vars)) return failStep(d, record.key, { reason: "run_too_large" });
  release(d, d.state.vars);
  d.state.vars = vars;
  succeed(d, record.key, written, step.next);
}

function failByHand(d: Draft, frame: Frame, record: StepRecord, step: StepOf<"fail">): undefined {
  if (step.message === undefined) return failStep(d, record.key, { reason: step.code });
  const message = mappingOf(d, step.message, frameScope(d, frame), "message");
  const text = message.ok ? { message: textOf(message.value) } : {};
  failStep(d, record.key, { reason: step.code, ...text });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
