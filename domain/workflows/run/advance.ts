/** What follows when a step succeeds, is skipped, fails or is cancelled: its record ends and its thread goes on. */
import {
  charsOf,
  type Draft,
  dropTimers,
  type FrameOutcome,
  keptError,
  nextPlace,
  patchStep,
  release,
  take,
  tellStep,
  without,
} from "./draft.ts";
import { STEP_OUTPUT_CHARS_MAX } from "./limits.ts";
import { nextOf, stepOf } from "./plan.ts";
import { type Extras, frameScope, mappingOf } from "./scope.ts";
import type { Frame, Json, StepError, StepRecord, StepStatus, TaskNote } from "./state.ts";

/** Ends a step well (`mapped`: its `output` is made already) and goes on at `next`; absent: the thread ends. A step whose output cannot be kept has failed. */
export function succeed(
  d: Draft,
  key: string,
  raw: Json,
  next: string | undefined,
  { mapped = false, ...extras }: Extras & { readonly mapped?: boolean } = {},
): undefined {
  const record = d.state.steps[key];
  const frame = record && d.state.frames[record.frame];
  if (!record || !frame) return;
  const step = stepOf(d.plan, record.id);
  const template = !mapped && step && "output" in step ? step.output : undefined;
  const scope = () => frameScope(d, frame, { ...extras, output: raw });
  const output =
    template === undefined
      ? { ok: true as const, value: raw }
      : mappingOf(d, template, scope(), "output");
  if (!output.ok) return failStep(d, key, output.failure, { effected: true });
  if (charsOf(output.value) > STEP_OUTPUT_CHARS_MAX)
    return failStep(d, key, { reason: "output_too_large" }, { effected: true });
  releaseGroup(d, record);
  if (!take(d, output.value))
    return failStep(d, key, { reason: "run_too_large" }, { effected: true });
  endRecord(d, record, "succeeded", { output: output.value });
  tellStep(d, "step_completed", record);
  d.state.frames[frame.id] = { ...frame, last: key };
  moveOn(d, frame.id, next);
}

/** Its condition is false: no output, and flow goes on. */
export function skip(d: Draft, record: StepRecord): undefined {
  const step = stepOf(d.plan, record.id);
  endRecord(d, record, "skipped");
  tellStep(d, "step_skipped", record, { reason: "condition" });
  moveOn(d, record.frame, step && nextOf(step));
}

/** After the last attempt. `effected`: what it does has been done all the same, and is undone like a success. */
export function failStep(
  d: Draft,
  key: string,
  error: StepError,
  { effected = false }: { readonly effected?: boolean } = {},
): undefined {
  const record = d.state.steps[key];
  if (!record) return;
  const kept = bounded(d, error);
  endRecord(d, record, "failed", { error: kept, ...(effected ? { effected: true } : {}) });
  tellStep(d, "step_failed", record, { reason: kept.reason });
  const frame = d.state.frames[record.frame];
  if (!frame) return;
  if (frame.stopping) return endFrame(d, frame, { is: "stopped" });
  const first = frame.rescue?.error ?? kept;
  const onError = stepOf(d.plan, record.id)?.onError;
  if (onError === undefined) return endFrame(d, frame, { is: "failed", error: first });
  const step = frame.rescue?.step ?? record.id;
  const rescue = { error: first, step, entering: true };
  d.state.frames[frame.id] = { ...frame, ready: onError, rescue };
}

export function cancelStep(d: Draft, record: StepRecord): undefined {
  releaseGroup(d, record);
  endRecord(d, record, "cancelled");
  tellStep(d, "step_cancelled", record);
}

/** Takes a thread to its next step, or to its end. An `onError` chain that has a `next` has handled its error. */
export function moveOn(d: Draft, frameId: string, next: string | undefined): undefined {
  const frame = d.state.frames[frameId];
  if (!frame) return;
  if (frame.stopping) return endFrame(d, frame, { is: "stopped" });
  if (next !== undefined) {
    d.state.frames[frameId] = { ...without(frame, "rescue"), ready: next };
    return;
  }
  if (frame.rescue) return endFrame(d, frame, { is: "failed", error: frame.rescue.error });
  const last = frame.last === undefined ? undefined : d.state.steps[frame.last];
  endFrame(d, frame, { is: "done", output: last?.output ?? null });
}

/** The step it belongs to is told in the course of this decision. */
export function endFrame(d: Draft, frame: Frame, outcome: FrameOutcome): undefined {
  delete d.state.frames[frame.id];
  d.ended.push({ frame, outcome });
}

/** As it is kept, and counted; a message for which there is no room is left out. */
export function bounded(d: Draft, error: StepError): StepError {
  const kept = keptError(error);
  return take(d, kept.message) ? kept : { reason: kept.reason };
}

/** The input is kept for the undo alone; a group that failed, for the retry of the members that failed. */
function endRecord(
  d: Draft,
  record: StepRecord,
  status: StepStatus,
  patch: Partial<StepRecord> = {},
): undefined {
  dropTimers(d, record.key);
  const { task, input, error } = record;
  release(d, task && taskText(record));
  // Of an attempt before: a cancelled step keeps it.
  if (status !== "cancelled") release(d, error?.message);
  const undoable = d.plan.undos.has(record.id);
  if (!undoable) release(d, input);
  const rest = without(
    record,
    "due",
    "awaits",
    "task",
    ...(status === "succeeded" ? (["error"] as const) : []),
  );
  const kept = undoable ? rest : without(rest, "input");
  const ended = { status, ended: nextPlace(d), endedAtMs: d.nowMs, ...patch };
  d.state.steps[record.key] = { ...kept, ...ended };
  if (status !== "failed") d.state.steps[record.key] = without({ ...kept, ...ended }, "group");
}

/** What a task holds, as it is counted. */
export function taskText({ task }: StepRecord): Json {
  if (!task) return null;
  const { title, text = "", assignees = [], escalatedTo = [], notes = [] } = task;
  const said = notes.map((note) => (note.is === "comment" ? note.text : namesOf(note)));
  return [title, text, [...assignees], [...escalatedTo], ...said];
}

function namesOf({ assignees, from = [] }: Extract<TaskNote, { is: "reassigned" }>): Json {
  return [...assignees, ...from];
}

function releaseGroup(d: Draft, { key, group }: StepRecord): undefined {
  if (!group) return;
  release(d, group.items && [...group.items]);
  for (const output of Object.values(group.outputs)) release(d, output);
  patchStep(d, key, { group: { begun: group.begun, outputs: {}, failures: group.failures } });
}
