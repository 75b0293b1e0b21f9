/**
 * The working copy of one decision: the maps of the state are copied once and written here alone, records are
 * replaced. `ended` holds threads that came to their end and have not been told to the step they belong to. What writes
 * a draft returns `undefined`, not `void`, so that a branch may end with the call that ends the matter.
 */
import { type AuditEntry, type AuditFacts, auditEntry, codeOf, type Transition } from "./audit.ts";
import type { Evaluator } from "./evaluator.ts";
import { ERROR_MESSAGE_CHARS_MAX, RUN_DATA_CHARS_MAX } from "./limits.ts";
import type { Plan } from "./plan.ts";
import type {
  Frame,
  Json,
  RunState,
  StepError,
  StepRecord,
  Timer,
  TimerKind,
  Undo,
} from "./state.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface Maps {
  readonly steps: Record<string, StepRecord>;
  readonly frames: Record<string, Frame>;
  readonly visits: Record<string, number>;
  readonly timers: Record<string, Timer>;
}

export type FrameOutcome =
  | { readonly is: "done"; readonly output: Json }
  | { readonly is: "failed"; readonly error: StepError }
  | { readonly is: "stopped" };

export interface Draft {
  readonly plan: Plan;
  readonly evaluator: Evaluator;
  readonly nowMs: number;
  /** The one number in [0, 1) of this decision, kept in the log. */
  readonly random: () => number;
  readonly state: Mutable<Omit<RunState, keyof Maps>> & Maps;
  readonly audit: AuditEntry[];
  readonly ended: { readonly frame: Frame; readonly outcome: FrameOutcome }[];
}

export function openDraft(
  state: RunState,
  facts: Pick<Draft, "plan" | "evaluator" | "nowMs" | "random">,
): Draft {
  const { steps, frames, visits, timers } = state;
  const copied = {
    ...state,
    steps: ownMap(steps),
    frames: ownMap(frames),
    visits: ownMap(visits),
    timers: ownMap(timers),
  };
  return { ...facts, state: copied, audit: [], ended: [] };
}

/** Without a prototype: a step may be called `constructor` or `__proto__`. */
function ownMap<T>(from: Readonly<Record<string, T>>): Record<string, T> {
  return Object.assign(Object.create(null), from);
}

export function tell(d: Draft, what: Transition, facts: AuditFacts = {}): undefined {
  d.audit.push(auditEntry(d.state, d.nowMs, what, facts));
}

/** Tells of a step, with the attempt it is at. */
export function tellStep(
  d: Draft,
  what: Transition,
  { key, attempt }: StepRecord,
  facts: AuditFacts = {},
): undefined {
  tell(d, what, { step: key, attempt, ...facts });
}

export function nextPlace(d: Draft): number {
  d.state.order += 1;
  return d.state.order;
}

export function patchStep(d: Draft, key: string, patch: Partial<StepRecord>): undefined {
  const record = d.state.steps[key];
  if (record) d.state.steps[key] = { ...record, ...patch };
}

/** The record without what only a step that goes on has. */
export function without<T extends object, K extends keyof T>(
  value: T,
  ...keys: readonly K[]
): Omit<T, K> {
  const copy = { ...value };
  for (const key of keys) delete copy[key];
  return copy;
}

export function patchUndo(d: Draft, key: string, patch: Partial<Undo>): undefined {
  d.state.undos = d.state.undos.map((undo) => (undo.key === key ? { ...undo, ...patch } : undo));
}

export function setTimer(
  d: Draft,
  kind: TimerKind,
  atMs: number,
  step?: string,
  number?: number,
): undefined {
  const id = timerId(kind, step, number);
  d.state.timers[id] = { id, kind, atMs, ...(step === undefined ? {} : { step }) };
}

export function timerId(kind: TimerKind, step?: string, number?: number): string {
  return [kind, step, number].filter((part) => part !== undefined).join(" ");
}

/** Drops the timers of one step: of its execution, or (`undo_…`) of its undoing. */
export function dropTimers(d: Draft, step: string, ...kinds: readonly TimerKind[]): undefined {
  for (const timer of Object.values(d.state.timers)) {
    const meant = kinds.length === 0 ? !timer.kind.startsWith("undo_") : kinds.includes(timer.kind);
    if (timer.step === step && meant) delete d.state.timers[timer.id];
  }
}

/** Characters of JSON: what the bounds of a run are counted in. */
export function charsOf(value: Json | undefined): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}

/** Counts data in; false, and nothing counted, where the run would hold too much. */
export function take(d: Draft, value: Json | undefined): boolean {
  const chars = charsOf(value);
  if (d.state.chars + chars > RUN_DATA_CHARS_MAX) return false;
  d.state.chars += chars;
  return true;
}

/** Takes out of the count what a record holds apart from its output, before that is dropped. */
export function releaseRest(d: Draft, { input, error, group }: StepRecord): undefined {
  release(d, input);
  release(d, error?.message);
  release(d, group?.items && [...group.items]);
  for (const output of Object.values(group?.outputs ?? {})) release(d, output);
}

export function release(d: Draft, value: Json | undefined): undefined {
  d.state.chars -= charsOf(value);
}

/** An error as it is kept: a code, and a bounded message. */
export function keptError({ reason, message }: StepError): StepError {
  const text = message?.slice(0, ERROR_MESSAGE_CHARS_MAX).toWellFormed();
  return { reason: codeOf(reason), ...(text === undefined ? {} : { message: text }) };
}
