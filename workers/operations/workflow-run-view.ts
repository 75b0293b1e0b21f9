/** A run as the API shows it: out of its row, or out of the state that its object or archive keeps. */
import type * as z from "zod";
import {
  type Arrival,
  isOver,
  type RunState,
  type StepError,
  type StepRecord,
  shownStatus,
  type Undo,
} from "../../domain/workflows/run/state.ts";
import type { AuditRow, RunRow, StepRow } from "../../platform/repositories/workflow-runs.ts";
import type {
  AuditEntryView,
  FailedCompensation,
  RunDetail,
  RunView,
  StateView,
  StepDetail,
  StepView,
  TimelineView,
  UndoView,
} from "../../schema/api/workflow-runs.ts";

const isoOf = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : isoOf(ms);
/** A clock that went back counts as no time. */
const between = (fromMs: number, toMs: number | null | undefined): number | null =>
  toMs === null || toMs === undefined ? null : Math.max(0, toMs - fromMs);

export function rowView(row: RunRow): RunView {
  return {
    run: row.id,
    workflow: row.workflow_id,
    version: row.version,
    status: row.status as RunView["status"],
    trigger: row.trigger,
    correlation_id: row.correlation_id,
    parent: row.parent_run,
    reason: row.reason,
    failed_compensations: row.undos_failed,
    started_at: isoOf(row.started_at),
    ended_at: isoOrNull(row.ended_at),
    duration_ms: between(row.started_at, row.ended_at),
  };
}

function summaryOf(state: RunState): RunView {
  return {
    run: state.run,
    workflow: state.workflow,
    version: state.version,
    status: shownStatus(state),
    trigger: state.trigger ?? "api",
    correlation_id: state.correlationId ?? null,
    parent: state.parent?.run ?? null,
    reason: endingError(state)?.reason ?? null,
    failed_compensations: state.undos.filter(({ status }) => status === "failed").length,
    started_at: isoOf(state.startedAtMs),
    ended_at: isoOrNull(state.endedAtMs),
    duration_ms: between(state.startedAtMs, state.endedAtMs),
  };
}

export function detailOf(state: RunState): z.output<typeof RunDetail> {
  return {
    ...summaryOf(state),
    entries: state.seq,
    input: state.input,
    ...outputOf(state),
    error: errorView(endingError(state)),
    steps: inOrder(state).map(stepView),
    compensations: state.undos.map(undoView),
  };
}

/** Everything of the state that means something outside of the engine. */
export function snapshotOf(state: RunState): z.output<typeof StateView> {
  const { run, workflow, version, seq: entry, paused, phase, input, vars } = state;
  return {
    ...{ run, workflow, version, entry, status: shownStatus(state), paused, phase, input },
    vars: { ...vars },
    ...outputOf(state),
    error: errorView(endingError(state)),
    steps: stepDetails(state),
    compensations: state.undos.map(undoView),
    timers: Object.values(state.timers).map(({ kind, step, atMs }) => {
      return { kind, step: step ?? null, at: isoOf(atMs) };
    }),
    arrivals: state.arrivals.map(arrivalView),
  };
}

/** With what went in and came out. An action without `with` got the run's input. */
export function stepDetails(state: RunState): z.output<typeof StepDetail>[] {
  return inOrder(state).map((record) => {
    const { input, output } = record;
    return {
      ...stepView(record),
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
    };
  });
}

function inOrder({ steps }: RunState): readonly StepRecord[] {
  return Object.values(steps).toSorted((one, other) => one.begun - other.begun);
}

function stepView(record: StepRecord): StepView {
  const { key, id: step, type, status, attempt: attempts, error } = record;
  return {
    ...{ key, step, type, status, attempts, error: errorView(error) },
    started_at: isoOf(record.startedAtMs),
    ended_at: isoOrNull(record.endedAtMs),
    duration_ms: between(record.startedAtMs, record.endedAtMs),
    waiting_for: status === "waiting" ? awaited(record) : null,
  };
}

function awaited({ awaits, task }: StepRecord): StepView["waiting_for"] {
  if (task) return { task: task.id };
  if (!awaits) return null;
  const { signal, event, correlationId } = awaits;
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(event === undefined ? {} : { event }),
    ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
  };
}

function undoView({ key, step, undo, status, reason, attempt, error, ...times }: Undo): UndoView {
  return {
    ...{ key, step, undo, status, reason: reason ?? null, attempts: attempt },
    error: errorView(error),
    started_at: isoOrNull(times.startedAtMs),
    ended_at: isoOrNull(times.endedAtMs),
  };
}

function arrivalView({ id, signal, event, atMs }: Arrival) {
  return { id, name: signal ?? event ?? "", at: isoOf(atMs) };
}

function endingError({ ending }: RunState): StepError | undefined {
  return ending && ending.is !== "completed" ? ending.error : undefined;
}

function errorView(error: StepError | undefined) {
  return error ? { code: error.reason, message: error.message ?? null } : null;
}

function outputOf(state: RunState) {
  const { ending } = state;
  return isOver(state) && ending?.is === "completed" ? { output: ending.output } : {};
}

export function timelineOf(row: RunRow, steps: readonly StepRow[]): z.output<typeof TimelineView> {
  const { run, status, started_at, ended_at, duration_ms } = rowView(row);
  const items = steps.map((step) => ({
    key: step.key,
    step: step.step_id,
    type: step.type,
    status: step.status,
    attempts: step.attempts,
    reason: step.reason,
    offset_ms: Math.max(0, step.started_at - row.started_at),
    duration_ms: between(step.started_at, step.ended_at),
    started_at: isoOf(step.started_at),
    ended_at: isoOrNull(step.ended_at),
  }));
  return { run, status, started_at, ended_at, duration_ms, items };
}

export function auditView(row: AuditRow): z.output<typeof AuditEntryView> {
  const { seq: entry, what, step, attempt, outcome, reason } = row;
  return { entry, at: isoOf(row.at), what, step, attempt, outcome, reason };
}

/** A run with the undos that failed, of those of several runs. */
export function failedView(
  row: RunRow,
  undos: readonly StepRow[],
): z.output<typeof FailedCompensation> {
  const failed = undos
    .filter(({ run_id }) => run_id === row.id)
    .map(({ key, step_id: undo, attempts, reason, ended_at }) => {
      return { key: key.slice("undo:".length), undo, attempts, reason, at: isoOrNull(ended_at) };
    });
  return { ...rowView(row), failed };
}
