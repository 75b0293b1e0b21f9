/** Steps that wait: for time, for a signal or published event, for people. */
import type { StepOf } from "../../../schema/workflow-step.ts";
import { DURATION_MS_MAX } from "../../../schema/workflow-value.ts";
import { fail, ok, type Result } from "../../result.ts";
import { failStep, succeed, taskText } from "./advance.ts";
import { type Draft, patchStep, release, setTimer, take, tellStep } from "./draft.ts";
import { typeMatches } from "./plan.ts";
import { frameScope, mappingOf, truthOf, valueAt } from "./scope.ts";
import type { Arrival, Await, Frame, Json, StepError, StepRecord, Task } from "./state.ts";
import { checkedMs, durationMs } from "./timing.ts";

export function beginWait(
  d: Draft,
  frame: Frame,
  record: StepRecord,
  step: StepOf<"wait">,
): undefined {
  const atMs = wakeAt(d, frame, step);
  if (!atMs.ok) return failStep(d, record.key, atMs.failure);
  if (atMs.value <= d.nowMs) return succeed(d, record.key, null, step.next);
  wait(d, record);
  setTimer(d, "wait", atMs.value, record.key, record.attempt);
}

function wait(d: Draft, record: StepRecord, patch: Partial<StepRecord> = {}): undefined {
  patchStep(d, record.key, { status: "waiting", ...patch });
  tellStep(d, "step_waiting", record);
}

function wakeAt(d: Draft, frame: Frame, step: StepOf<"wait">): Result<number, StepError> {
  const written = step.for ?? step.until ?? 0;
  const asMs = (value: Json) => (step.for === undefined ? momentMs(value) : delayed(d, value));
  const literal = asMs(written);
  if (literal !== undefined) return ok(literal);
  const value = valueAt(
    d,
    String(written),
    frameScope(d, frame),
    step.for === undefined ? "until" : "for",
  );
  if (!value.ok) return value;
  const atMs = asMs(value.value);
  if (atMs !== undefined && atMs - d.nowMs <= DURATION_MS_MAX) return ok(atMs);
  return fail({
    reason: "expression",
    message: `${step.for === undefined ? "until" : "for"}: gives no time to wait for, of at most a year`,
  });
}

function delayed(d: Draft, value: Json): number | undefined {
  const ms = durationMs(value);
  return ms === undefined ? undefined : d.nowMs + ms;
}

const MOMENT = /^\d{4}-\d{2}-\d{2}T[\d:.]{5,18}(?:Z|[+-]\d{2}:\d{2})$/;

/** ISO 8601 with a zone, in ms. */
function momentMs(value: Json): number | undefined {
  if (typeof value !== "string" || !MOMENT.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isFinite(ms) ? ms : undefined;
}

/** What came before the step began counts. */
export function beginEvent(
  d: Draft,
  frame: Frame,
  record: StepRecord,
  step: StepOf<"event">,
): undefined {
  const awaits = awaitsOf(d, frame, step);
  if (!awaits.ok) return failStep(d, record.key, awaits.failure);
  wait(d, record, { awaits: awaits.value });
  const timeoutMs = checkedMs(step.timeout);
  if (timeoutMs !== undefined)
    setTimer(d, "timeout", d.nowMs + timeoutMs, record.key, record.attempt);
  for (const arrival of d.state.arrivals) {
    if (d.state.steps[record.key]?.ended !== undefined) return;
    if (!offer(d, record.key, step, arrival)) continue;
    d.state.arrivals = d.state.arrivals.filter(({ id }) => id !== arrival.id);
    release(d, arrival.data);
    return;
  }
}

function awaitsOf(d: Draft, frame: Frame, step: StepOf<"event">): Result<Await, StepError> {
  if (step.signal !== undefined) return ok({ signal: step.signal });
  const event = step.event?.type ?? "";
  const { correlationId: own } = d.state;
  if (step.event?.correlation === undefined)
    return ok({ event, ...(own === undefined ? {} : { correlationId: own }) });
  const value = valueAt(d, step.event.correlation, frameScope(d, frame), "event.correlation");
  if (!value.ok) return value;
  if (typeof value.value === "string") return ok({ event, correlationId: value.value });
  return fail({ reason: "expression", message: "event.correlation: gives no text" });
}

/** True where the step takes it: it has ended then. A `match` that cannot be decided fails the step and takes nothing. */
export function offer(d: Draft, key: string, step: StepOf<"event">, arrival: Arrival): boolean {
  const record = d.state.steps[key];
  const frame = record && d.state.frames[record.frame];
  if (!record?.awaits || !frame || !isMeant(record.awaits, arrival)) return false;
  const event = eventOf(arrival);
  if (step.match !== undefined) {
    const matches = truthOf(d, step.match, frameScope(d, frame, { event }), "match");
    if (!matches.ok) failStep(d, key, matches.failure);
    if (!matches.ok || !matches.value) return false;
  }
  tellStep(d, "event_received", record);
  succeed(d, key, arrival.data, step.next, { event });
  return true;
}

function isMeant(awaits: Await, arrival: Arrival): boolean {
  if (awaits.signal !== undefined) return awaits.signal === arrival.signal;
  return typeMatches(awaits.event, arrival.event) && awaits.correlationId === arrival.correlationId;
}

function eventOf({ id, signal, event, correlationId, data, atMs }: Arrival): Json {
  return {
    id,
    type: signal ?? event ?? "",
    correlationId: correlationId ?? null,
    data,
    at: new Date(atMs).toISOString(),
  };
}

/** `approve` and `reject` where the step names no choices of its own. */
export function choicesOf(step: StepOf<"approval">): Task["choices"] {
  if (!step.choices) return [{ id: "approve" }, { id: "reject" }];
  return step.choices.map(({ id, label }) => (label === undefined ? { id } : { id, label }));
}

export function beginApproval(
  d: Draft,
  frame: Frame,
  record: StepRecord,
  step: StepOf<"approval">,
): undefined {
  const task = taskOf(d, frame, record, step);
  if (!task.ok) return failStep(d, record.key, task.failure);
  if (!take(d, taskText({ ...record, task: task.value })))
    return failStep(d, record.key, { reason: "run_too_large" });
  wait(d, record, { task: task.value });
  tellStep(d, "task_opened", record);
  if (task.value.dueAtMs !== undefined)
    setTimer(d, "timeout", task.value.dueAtMs, record.key, record.attempt);
  for (const [at, after] of (step.reminders ?? []).entries())
    setTimer(d, "reminder", d.nowMs + (checkedMs(after) ?? 0), record.key, at + 1);
  for (const [at, { after }] of (step.escalations ?? []).entries())
    setTimer(d, "escalation", d.nowMs + (checkedMs(after) ?? 0), record.key, at + 1);
}

function taskOf(
  d: Draft,
  frame: Frame,
  { key, attempt }: StepRecord,
  step: StepOf<"approval">,
): Result<Task, StepError> {
  const { title, text, channel } = step;
  const template: Json = { title, text: text ?? null, channel: channel ?? null };
  const shown = mappingOf(d, template, frameScope(d, frame), "");
  if (!shown.ok) return shown;
  const people = step.assignees === undefined ? ok(undefined) : peopleOf(d, frame, step.assignees);
  if (!people.ok) return people;
  const words = asRecord(shown.value);
  const to = asRecord(words.channel ?? null);
  const timeoutMs = checkedMs(step.timeout);
  return ok({
    id: `${key}@${attempt}`,
    title: textOf(words.title),
    ...(text === undefined ? {} : { text: textOf(words.text) }),
    ...(people.value ? { assignees: people.value } : {}),
    choices: choicesOf(step),
    ...(channel ? { channel: channelOf(to) } : {}),
    openedAtMs: d.nowMs,
    ...(timeoutMs === undefined ? {} : { dueAtMs: d.nowMs + timeoutMs }),
    reminders: 0,
    escalations: 0,
  });
}

function channelOf({ connection, to }: Readonly<Record<string, Json>>) {
  const place = to === undefined || to === null ? {} : { to: textOf(to) };
  return { connection: textOf(connection), ...place };
}

export function peopleOf(
  d: Draft,
  frame: Frame,
  people: NonNullable<StepOf<"approval">["assignees"]>,
): Result<readonly string[], StepError> {
  if (typeof people !== "string") return ok(people);
  const value = valueAt(d, people, frameScope(d, frame), "assignees");
  if (!value.ok) return value;
  const names = typeof value.value === "string" ? [value.value] : value.value;
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string"))
    return ok(names as readonly string[]);
  return fail({ reason: "expression", message: "assignees: gives no list of names" });
}

function asRecord(value: Json): Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}
