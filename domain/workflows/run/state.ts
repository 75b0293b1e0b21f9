/**
 * The state of one run: plain JSON, changed by `decide` alone. Every record is replaced, never changed in place, so an
 * older state stays what it was. Moments are ms since the epoch; `begun` and `ended` are places in the run's own order.
 */
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import type { Mapping } from "../../../schema/workflow-value.ts";

/** Naming of steps and keys: a state of another version is refused, never read differently. */
export const RUN_STATE_VERSION = 1;

export type Json = Mapping;

/** `reason` is a code; `message` is for operators and may name data: it never reaches the audit trail or logs. */
export interface StepError {
  readonly reason: string;
  readonly message?: string;
}

export const RUN_ENDS = [
  "completed",
  "failed",
  "compensated",
  "compensation_failed",
  "cancelled",
] as const;
/** How a run can end. `cancelled` holds also where steps were undone; a failed undo makes it `compensation_failed`. */
export type RunEnd = (typeof RUN_ENDS)[number];
export type RunStatus = "running" | "compensating" | RunEnd;

/** `due`: the wait before the next attempt is over, yet the run is paused. */
export type StepStatus =
  | "running"
  | "retrying"
  | "waiting"
  | "succeeded"
  | "skipped"
  | "failed"
  | "cancelled";

/** Members of a parallel step (by head), a map (by index) or a loop. */
export interface Group {
  /** Items begun, or rounds begun. */
  readonly begun: number;
  readonly items?: readonly Json[];
  /** Last outputs, by head or index. */
  readonly outputs: Readonly<Record<string, Json>>;
  readonly failures: number;
  /** The step as a whole has failed already: it ends with this when its members have settled. */
  readonly error?: StepError;
  /** A loop's further round may begin. */
  readonly due?: true;
}

/** What an event step takes. */
export interface Await {
  readonly signal?: string;
  readonly event?: string;
  readonly correlationId?: string;
}

/** What people did to a task besides answering it. `by` is the person, `via` the key or message it came by. */
export type TaskNote = { readonly atMs: number; readonly by: string; readonly via: string } & (
  | { readonly is: "comment"; readonly text: string }
  | {
      readonly is: "reassigned";
      readonly assignees: readonly string[];
      /** Who was asked until then; absent: anybody. */
      readonly from?: readonly string[];
    }
);

/** How a task ended: a person chose, or its time ran out (`choice` is then the one its definition makes). */
export interface TaskEnd {
  /** The id of the task. */
  readonly task: string;
  readonly how: "answered" | "expired";
  readonly choice?: string;
  readonly by?: string;
  readonly via?: string;
  readonly atMs: number;
  /** Of comment and form: the same answer again is told from another one by it. */
  readonly digest?: string;
}

/** A task for people: everything that is shown, and whom it is shown to. */
export interface Task {
  /** `<key>@<attempt>`: a step that is retried asks anew, and an old answer decides nothing. */
  readonly id: string;
  readonly title: string;
  readonly text?: string;
  /** Absent: any operator. */
  readonly assignees?: readonly string[];
  /** Asked as well since an escalation; they may answer too. */
  readonly escalatedTo?: readonly string[];
  readonly choices: readonly { readonly id: string; readonly label?: string }[];
  /** Without `to` every person asked is written to. */
  readonly channel?: { readonly connection: string; readonly to?: string };
  /** Comments and reassignments, oldest first. */
  readonly notes?: readonly TaskNote[];
  readonly openedAtMs: number;
  readonly dueAtMs?: number;
  readonly reminders: number;
  readonly escalations: number;
}

/** One execution of one step. `key`: `<id>`, `<id>[i]` in a body, and `#n` from the second visit on. */
export interface StepRecord {
  readonly key: string;
  readonly id: string;
  readonly type: WorkflowStepDefinition["type"];
  readonly frame: string;
  /** Key of the step whose member it belongs to. */
  readonly parent?: string;
  readonly scope: string;
  readonly status: StepStatus;
  /** Counts on where a run is retried, so that an attempt is never numbered twice. */
  readonly attempt: number;
  /** Attempts made before the run was retried. */
  readonly attemptsBefore: number;
  readonly idempotencyKey: string;
  readonly begun: number;
  readonly ended?: number;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly input?: Json;
  readonly output?: Json;
  readonly error?: StepError;
  readonly due?: true;
  /** Entered through `onError`. */
  readonly rescues?: true;
  /** Failed, although its effect was made: its output could not be taken. It is undone like a completed one. */
  readonly effected?: true;
  readonly group?: Group;
  readonly awaits?: Await;
  readonly task?: Task;
  /** How its last task ended; one that was called off has none. */
  readonly answered?: TaskEnd;
}

/** One thread of control: the main branch (`main`), a branch, a body's round, or `onFailure`. */
export interface Frame {
  readonly id: string;
  /** Key of the step whose member it is. */
  readonly parent?: string;
  /** Head of a branch, or the index of an item or round. */
  readonly member?: string;
  /** Ends with `/`; empty outside of bodies. A record is seen from scopes that begin with its own. */
  readonly scope: string;
  /** `[i][j]` within bodies. */
  readonly round: string;
  /** Step to be entered. */
  readonly ready?: string;
  /** Key of the step that it stands at. */
  readonly at?: string;
  /** Key of the last step that succeeded in it. */
  readonly last?: string;
  /** It goes through an `onError` chain without a `next` so far. */
  readonly rescue?: {
    readonly error: StepError;
    /** Id of the step that failed first. */
    readonly step?: string;
    readonly entering: boolean;
  };
  /** Ends at its next step. */
  readonly stopping?: true;
}

export type TimerKind =
  | "timeout"
  | "retry"
  | "wait"
  | "round"
  | "reminder"
  | "escalation"
  | "undo_timeout"
  | "undo_retry"
  | "run";

export interface Timer {
  readonly id: string;
  readonly kind: TimerKind;
  /** Key of its step; of the undone one for undos; absent for the run's own. */
  readonly step?: string;
  readonly atMs: number;
}

/** A signal (`signal`) or a published event (`event`) that no step has taken yet. */
export interface Arrival {
  readonly id: string;
  readonly signal?: string;
  readonly event?: string;
  readonly correlationId?: string;
  readonly data: Json;
  readonly atMs: number;
}

/** The undoing of one completed step. */
export interface Undo {
  /** Key of the step that is undone. */
  readonly key: string;
  readonly step: string;
  /** Id of the step that undoes it. */
  readonly undo: string;
  readonly status: "pending" | "running" | "retrying" | "succeeded" | "skipped" | "failed";
  /** Why it was skipped: `already_run`, `condition`, or `outcome_unknown` (the step failed by `timeout`: look at it). */
  readonly reason?: string;
  readonly attempt: number;
  readonly attemptsBefore: number;
  readonly idempotencyKey: string;
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  readonly input?: Json;
  readonly error?: StepError;
  readonly due?: true;
}

/** What the run has come to; it ends so when every thread has settled and everything is undone. */
export type Ending =
  | { readonly is: "completed"; readonly output: Json }
  | { readonly is: "failed"; readonly error: StepError }
  | { readonly is: "cancelled"; readonly error: StepError; readonly compensate: boolean };

export interface RunState {
  readonly v: typeof RUN_STATE_VERSION;
  readonly run: string;
  readonly tenant: string;
  readonly workflow: string;
  readonly version: string;
  readonly correlationId?: string;
  readonly trigger?: string;
  readonly parent?: { readonly run: string; readonly step: string; readonly attempt: number };
  /** Of what it tells and does, in its chain of events (`domain/events/chain.ts`); absent: it began one. */
  readonly depth?: number;
  readonly status: RunStatus;
  /** No step begins; what goes on settles. */
  readonly paused: boolean;
  /** `main` until every thread has settled, then `undo`, then `failure` (the `onFailure` chain), then `over`. */
  readonly phase: "main" | "undo" | "failure" | "over";
  readonly ending?: Ending;
  /** The run's own time was over while it was paused. */
  readonly expired?: true;
  /** Entries of the log that made this state. */
  readonly seq: number;
  /** Last place given in the run's order. */
  readonly order: number;
  /** Steps begun. */
  readonly begun: number;
  /** Characters of JSON held. */
  readonly chars: number;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly input: Json;
  readonly vars: Readonly<Record<string, Json>>;
  readonly steps: Readonly<Record<string, StepRecord>>;
  readonly frames: Readonly<Record<string, Frame>>;
  /** Visits of a place beyond the first. */
  readonly visits: Readonly<Record<string, number>>;
  readonly timers: Readonly<Record<string, Timer>>;
  readonly arrivals: readonly Arrival[];
  readonly arrivalIds: readonly string[];
  readonly undos: readonly Undo[];
}

/** Ids of the main branch and of the `onFailure` chain. */
export const MAIN_FRAME = "main";
export const FAILURE_FRAME = "failure";

/** True for a run that goes on no further by itself. */
export function isOver(state: RunState): boolean {
  return state.phase === "over";
}

/** Executions that go on: each stands in a thread, so that a long run's ended ones need not be looked through. */
export function openRecords({ frames, steps }: Pick<RunState, "frames" | "steps">): StepRecord[] {
  return Object.values(frames).flatMap(({ at }) => {
    const record = at === undefined ? undefined : steps[at];
    return record && record.ended === undefined ? [record] : [];
  });
}

/** The status as people are told it: also `paused`, and `waiting` where nothing but time, people or signals can move it. */
export function shownStatus(state: RunState): RunStatus | "paused" | "waiting" {
  if (isOver(state)) return state.status;
  if (state.paused) return "paused";
  const open = openRecords(state).filter(({ group }) => !group);
  const waits = open.every(({ status }) => status === "waiting");
  return state.status === "running" && open.length > 0 && waits ? "waiting" : state.status;
}
