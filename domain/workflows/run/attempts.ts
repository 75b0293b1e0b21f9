/** Attempts of actions and children: begun, failed, tried again. */
import type { StepOf } from "../../../schema/workflow-step.ts";
import { bounded, failStep } from "./advance.ts";
import {
  type Draft,
  dropTimers,
  patchStep,
  release,
  setTimer,
  take,
  tellStep,
  without,
} from "./draft.ts";
import type { ReportedError } from "./events.ts";
import { stepOf } from "./plan.ts";
import { frameScope, mappingOf } from "./scope.ts";
import type { Frame, StepRecord } from "./state.ts";
import { attemptTimeoutMs, childTimeoutMs, mayRetry, retryDelayMs } from "./timing.ts";

type Attempted = StepOf<"action"> | StepOf<"workflow">;

/** The first attempt; later ones have the same input. */
export function beginAttempts(
  d: Draft,
  frame: Frame,
  record: StepRecord,
  step: Attempted,
): undefined {
  if (step.with !== undefined) {
    const input = mappingOf(d, step.with, frameScope(d, frame), "with");
    if (!input.ok) return failStep(d, record.key, input.failure);
    if (!take(d, input.value)) return failStep(d, record.key, { reason: "run_too_large" });
    patchStep(d, record.key, { input: input.value });
  }
  armTimeout(d, record, step);
}

function armTimeout(d: Draft, { key, attempt }: StepRecord, step: Attempted): undefined {
  const timeoutMs = step.type === "action" ? attemptTimeoutMs(step) : childTimeoutMs(step);
  setTimer(d, "timeout", d.nowMs + timeoutMs, key, attempt);
}

/** Tried again where the rule allows it and its thread goes on, else the step has failed. */
export function attemptFailed(d: Draft, record: StepRecord, error: ReportedError): undefined {
  const step = stepOf(d.plan, record.id);
  const rule = step?.type === "action" || step?.type === "workflow" ? step.retry : undefined;
  const stopping = d.state.frames[record.frame]?.stopping === true;
  const made = record.attempt - record.attemptsBefore;
  if (stopping || !rule || !mayRetry(rule, made, error)) return failStep(d, record.key, error);
  release(d, record.error?.message);
  const kept = bounded(d, error);
  const { reason } = kept;
  dropTimers(d, record.key);
  patchStep(d, record.key, { status: "retrying", error: kept });
  tellStep(d, "step_retrying", record, { reason });
  const delayMs = retryDelayMs(rule, made, error, d.random);
  setTimer(d, "retry", d.nowMs + delayMs, record.key, record.attempt + 1);
}

/** The wait before it is over. */
export function nextAttempt(d: Draft, record: StepRecord): undefined {
  const step = stepOf(d.plan, record.id);
  if (step?.type !== "action" && step?.type !== "workflow") return;
  const attempt = record.attempt + 1;
  const begun: StepRecord = { ...without(record, "due"), status: "running", attempt };
  d.state.steps[record.key] = begun;
  tellStep(d, "step_started", begun);
  armTimeout(d, begun, step);
}
