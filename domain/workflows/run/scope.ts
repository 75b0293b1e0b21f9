/** What an expression of a thread sees, and evaluation with failures as step errors. */
import { fail, ok, type Result } from "../../result.ts";
import { pathText } from "../definition/fault.ts";
import type { Draft } from "./draft.ts";
import type { EvaluationFailure, Scope, ShownError } from "./evaluator.ts";
import { stepOf } from "./plan.ts";
import {
  type Frame,
  type Json,
  MAIN_FRAME,
  type RunState,
  type StepError,
  type StepRecord,
} from "./state.ts";

/** An error as expressions see it: `message` is never missing, so that it can be put into a text as it is. */
export function shownError({ reason: code, message }: StepError): ShownError {
  return { code, message: message ?? code };
}

/** What is seen at one place besides: `event`, `output`, `undo`, `error`. */
export type Extras = Partial<Pick<Scope, "event" | "output" | "undo" | "error">>;

/** A scope whose `steps` are looked up only for what names them: a run may have thousands. */
export interface View {
  readonly scope: string;
  readonly facts: Omit<Scope, "steps">;
}

/** For one evaluation, from what the thread may see. */
export function scopeOf(d: Draft, frame: Pick<Frame, "scope">, extras: Extras = {}): View {
  const { input, vars } = d.state;
  const facts = { input, run: runFacts(d.state), vars, now: d.nowMs, ...extras };
  return { scope: frame.scope, facts };
}

/** The scope of a thread, with its item, its round and the error that it handles. */
export function frameScope(d: Draft, frame: Frame, extras: Extras = {}): View {
  const error = handledBy(d.state, frame);
  const { scope, facts } = scopeOf(d, frame, { ...(error ? { error } : {}), ...extras });
  return { scope, facts: { ...facts, ...bodyFacts(d.state, frame) } };
}

function whole(d: Draft, { scope, facts }: View, source: string): Scope {
  return { ...facts, steps: source.includes("steps") ? visibleSteps(d.state, scope) : {} };
}

/** What an `onError` or `onFailure` chain is there for, and the id of the step that it came from. */
function handledBy(state: RunState, { rescue, parent }: Frame): Scope["error"] {
  if (rescue) return { step: rescue.step ?? null, ...shownError(rescue.error) };
  const { phase, ending } = state;
  if (phase !== "failure" || parent !== undefined) return undefined;
  if (!ending || ending.is === "completed") return undefined;
  return { step: lastFailed(state), ...shownError(ending.error) };
}

function lastFailed({ steps }: RunState): string | null {
  const failed = Object.values(steps).filter(
    ({ status, frame }) => status === "failed" && frame === MAIN_FRAME,
  );
  return failed.sort((one, other) => (other.ended ?? 0) - (one.ended ?? 0))[0]?.id ?? null;
}

/** The innermost round's index, and the innermost item: a loop within a map sees the map's. */
function bodyFacts(state: RunState, frame: Frame): Partial<Scope> {
  let index: number | undefined;
  for (let at: Frame | undefined = frame; at; at = around(state, at)) {
    const group = at.parent === undefined ? undefined : state.steps[at.parent]?.group;
    const number = Number(at.member);
    if (at.member === undefined || !Number.isInteger(number)) continue;
    index ??= number;
    if (group?.items) return { index, item: group.items[number] ?? null };
  }
  return index === undefined ? {} : { index };
}

function around(state: RunState, { parent }: Frame): Frame | undefined {
  const owner = parent === undefined ? undefined : state.steps[parent];
  return owner && state.frames[owner.frame];
}

/** A step belongs to one region, so of its visible records the latest counts. */
function visibleSteps(state: RunState, scope: string): Scope["steps"] {
  const seen = new Map<string, StepRecord>();
  for (const record of Object.values(state.steps)) {
    if (!scope.startsWith(record.scope)) continue;
    const known = seen.get(record.id);
    if (!known || record.begun > known.begun) seen.set(record.id, record);
  }
  return Object.fromEntries(
    [...seen].map(([id, { status, output, error }]) => [
      id,
      { status, output: output ?? null, error: error ? shownError(error) : null },
    ]),
  );
}

function runFacts(state: RunState): Scope["run"] {
  return {
    id: state.run,
    workflow: state.workflow,
    version: state.version,
    tenant: state.tenant,
    correlationId: state.correlationId ?? null,
    startedAt: new Date(state.startedAtMs).toISOString(),
    trigger: state.trigger ?? null,
  };
}

/** `expression` with the place and the evaluator's own words. Never throws, whatever the evaluator does. */
function evaluated<T>(
  d: Draft,
  place: string,
  from: () => Result<T, EvaluationFailure>,
): Result<T, StepError> {
  try {
    const result = from();
    if (result.ok) return ok(result.value);
    const { reason, message = reason, path = [] } = result.failure;
    const where = placeText(place, path);
    const words = `${message}${notRun(d, message)}`;
    return fail({ reason: "expression", message: where === "" ? words : `${where}: ${words}` });
  } catch {
    return fail({ reason: "expression", message: "the expression could not be evaluated" });
  }
}

/** `with.to[0].name`. */
export function placeText(field: string, path: readonly (string | number)[]): string {
  const inner = pathText(path);
  return field === "" || inner === "" || inner.startsWith("[")
    ? `${field}${inner}`
    : `${field}.${inner}`;
}

/** A member of `steps` is there once its step has begun. */
function notRun({ plan }: Draft, message: string): string {
  const id = /^no such key: ([\w-]{1,64})$/.exec(message)?.[1];
  const missing = id !== undefined && stepOf(plan, id) !== undefined;
  return missing ? `, a step that has not run there` : "";
}

/** `place`: the field that it stands in. */
export function valueAt(
  d: Draft,
  expression: string,
  view: View,
  place: string,
): Result<Json, StepError> {
  return evaluated(d, place, () => d.evaluator.value(expression, whole(d, view, expression)));
}

/** `place`: the field that it stands in; empty where the template's own members are fields. */
export function mappingOf(
  d: Draft,
  template: Json,
  view: View,
  place: string,
): Result<Json, StepError> {
  return evaluated(d, place, () =>
    d.evaluator.mapping(template, whole(d, view, JSON.stringify(template))),
  );
}

/** A condition that gives no bool is a failure. */
export function truthOf(
  d: Draft,
  expression: string,
  view: View,
  place: string,
): Result<boolean, StepError> {
  const value = valueAt(d, expression, view, place);
  if (!value.ok) return value;
  if (typeof value.value === "boolean") return ok(value.value);
  return fail({
    reason: "expression",
    message: `${place}: gives ${nounOf(value.value)}, not true or false`,
  });
}

function nounOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return (
    { string: "a text", number: "a number", object: "an object" }[typeof value as string] ??
    "something"
  );
}
