/** Wire shapes of workflow runs: starting, watching and steering them. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { StepId, WorkflowId, WorkflowVersion } from "../workflow-value.ts";
import { Instant } from "./instant.ts";

/** Longest correlation id, in characters. */
export const CORRELATION_CHARS_MAX = 200;
/** Longest id of a signal, in characters. */
export const SIGNAL_ID_CHARS_MAX = 200;
/** Longest key of a step's execution, in characters: an id, rounds within rounds, and a visit. */
const STEP_KEY_CHARS_MAX = 200;
/** More entries than a log has. */
const LOG_ENTRIES_MAX = 100_000;
/** Longest reason of a cancellation, in characters. */
const REASON_CHARS_MAX = 500;

export const RunId = z.string().regex(/^run_[0-9a-z]{26}$/, "expected a run id (run_…)");
const CorrelationId = z.string().min(1).max(CORRELATION_CHARS_MAX);
const StepKey = z.string().min(1).max(STEP_KEY_CHARS_MAX);

const RunStatus = z.enum([
  ...(["running", "waiting", "paused", "compensating"] as const),
  ...(["completed", "failed", "compensated", "compensation_failed", "cancelled"] as const),
]);
type RunStatus = z.infer<typeof RunStatus>;

export const StartRunBody = z.strictObject({
  tenant: Id.optional(),
  /** Any JSON that fits the definition's `input`; absent: `{}`. */
  input: z.unknown().optional(),
  /** Absent: where the workflow's new runs go. */
  version: WorkflowVersion.optional(),
  correlation_id: CorrelationId.optional(),
});

export const StartedRunView = z.object({
  run: RunId,
  workflow: WorkflowId,
  version: WorkflowVersion,
  /** It had been started before, under the same key; version and input are those of then. */
  duplicate: z.boolean(),
});

export const RunFilter = z.strictObject({
  tenant: Id.optional(),
  status: RunStatus.optional(),
  workflow: WorkflowId.optional(),
  version: WorkflowVersion.optional(),
  correlation_id: CorrelationId.optional(),
  /** Runs that this one started. */
  parent: RunId.optional(),
  /** Of the start, inclusive. */
  since: Instant.optional(),
  /** Of the start, exclusive. */
  until: Instant.optional(),
});

const at = z.iso.datetime();

export const RunView = z
  .object({
    run: RunId,
    workflow: WorkflowId,
    version: WorkflowVersion,
    status: RunStatus,
    /** `api`, `event`, `message`, `schedule`, `webhook`, `workflow`. */
    trigger: z.string(),
    correlation_id: z.string().nullable(),
    /** The run that started it. */
    parent: z.string().nullable(),
    /** Code of the failure. */
    reason: z.string().nullable(),
    /** Undos that failed and wait for people. */
    failed_compensations: z.int(),
    started_at: at,
    ended_at: at.nullable(),
    duration_ms: z.int().nullable(),
  })
  .meta({ id: "WorkflowRun" });
export type RunView = z.infer<typeof RunView> & { readonly status: RunStatus };

const ErrorView = z.object({ code: z.string(), message: z.string().nullable() });

/** One execution of one step, without its data. */
export const StepView = z.object({
  /** `<id>`, `<id>[i]` within a body, `#n` from the second visit on. */
  key: z.string(),
  step: StepId,
  type: z.string(),
  status: z.enum([
    ...(["running", "retrying", "waiting"] as const),
    ...(["succeeded", "skipped", "failed", "cancelled"] as const),
  ]),
  attempts: z.int(),
  error: ErrorView.nullable(),
  started_at: at,
  ended_at: at.nullable(),
  duration_ms: z.int().nullable(),
  /** What it waits for, while it does. */
  waiting_for: z
    .object({
      signal: z.string().optional(),
      event: z.string().optional(),
      correlation_id: z.string().optional(),
      task: z.string().optional(),
    })
    .nullable(),
});
export type StepView = z.infer<typeof StepView>;

/** The same with its data. */
export const StepDetail = StepView.extend({
  input: z.unknown().optional(),
  output: z.unknown().optional(),
});

export const UndoView = z.object({
  /** Key of the execution that is undone. */
  key: z.string(),
  step: StepId,
  /** Id of the step that undoes it. */
  undo: StepId,
  status: z.enum(["pending", "running", "retrying", "succeeded", "skipped", "failed"]),
  /** Why it was skipped. */
  reason: z.string().nullable(),
  attempts: z.int(),
  error: ErrorView.nullable(),
  started_at: at.nullable(),
  ended_at: at.nullable(),
});
export type UndoView = z.infer<typeof UndoView>;

export const RunDetail = RunView.extend({
  /** Entries of its log: `state?entry=` shows the run after any of them. */
  entries: z.int(),
  input: z.unknown(),
  output: z.unknown().optional(),
  error: ErrorView.nullable(),
  /** In the order in which they began. */
  steps: z.array(StepView),
  /** In the order in which they are undone. */
  compensations: z.array(UndoView),
});

export const StepsView = z.object({ items: z.array(StepDetail) });

/** Executions and undos side by side in time, without data; an undo's key begins with `undo:`. */
export const TimelineView = z.object({
  run: RunId,
  status: RunStatus,
  started_at: at,
  ended_at: at.nullable(),
  duration_ms: z.int().nullable(),
  items: z.array(
    z.object({
      key: z.string(),
      step: z.string(),
      type: z.string(),
      status: z.string(),
      attempts: z.int(),
      reason: z.string().nullable(),
      /** Since the run began. */
      offset_ms: z.int(),
      /** Null while it goes on. */
      duration_ms: z.int().nullable(),
      started_at: at,
      ended_at: at.nullable(),
    }),
  ),
});

/** One transition: ids, codes and times, no data. */
export const AuditEntryView = z.object({
  /** Entry of the log that made it. */
  entry: z.int(),
  at,
  what: z.string(),
  step: z.string().nullable(),
  attempt: z.int().nullable(),
  outcome: z.string().nullable(),
  reason: z.string().nullable(),
});

/** Everything a run knew after one entry of its log. */
export const StateView = z.object({
  run: RunId,
  workflow: WorkflowId,
  version: WorkflowVersion,
  entry: z.int(),
  status: RunStatus,
  paused: z.boolean(),
  /** `main`, then `undo`, then `failure`, then `over`. */
  phase: z.enum(["main", "undo", "failure", "over"]),
  input: z.unknown(),
  vars: z.record(z.string(), z.unknown()),
  output: z.unknown().optional(),
  error: ErrorView.nullable(),
  steps: z.array(StepDetail),
  compensations: z.array(UndoView),
  timers: z.array(z.object({ kind: z.string(), step: z.string().nullable(), at })),
  /** Signals and events that no step has taken yet. */
  arrivals: z.array(z.object({ id: z.string(), name: z.string(), at })),
});

export const CancelBody = z.strictObject({
  tenant: Id.optional(),
  reason: z.string().min(1).max(REASON_CHARS_MAX).optional(),
  /** False leaves completed steps as they are. */
  compensate: z.boolean().default(true),
});

/** Of one place in a run's log. Absent: now. */
export const StateQuery = z.strictObject({
  tenant: Id.optional(),
  /** After this entry of the log. */
  entry: z.coerce.number().int().min(1).max(LOG_ENTRIES_MAX).optional(),
  /** Right after this execution ended. */
  step: StepKey.optional(),
});

export const RetryBody = z.strictObject({
  tenant: Id.optional(),
  /** Key of the execution to go on from; absent: the last one that failed. */
  step: StepKey.optional(),
  /** The step counts as done with this, and the run goes on behind it. */
  output: z.unknown().optional(),
});

export const SignalBody = z.strictObject({
  tenant: Id.optional(),
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
  /** The same again changes nothing. Absent: every call is a signal of its own. */
  id: z.string().min(1).max(SIGNAL_ID_CHARS_MAX).optional(),
  payload: z.unknown().optional(),
});

export const SteeredView = z.object({ run: RunId, status: RunStatus });
export const SignalView = SteeredView.extend({ id: z.string(), duplicate: z.boolean() });

/** A run with undos that failed: people have to look. */
export const FailedCompensation = z.object({
  ...RunView.shape,
  failed: z.array(
    z.object({
      /** Key of the execution that was to be undone. */
      key: z.string(),
      /** Id of the step that should have undone it. */
      undo: z.string(),
      attempts: z.int(),
      reason: z.string().nullable(),
      at: at.nullable(),
    }),
  ),
});
