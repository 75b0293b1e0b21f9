/**
 * The trail of a run: one entry for each transition. It holds ids, step keys, outcomes and codes of reasons, never what
 * people wrote or services answered, so that it can be kept and shown where health data must not be.
 */
import type { RunState } from "./state.ts";

export type Transition =
  | "run_started"
  | "run_paused"
  | "run_resumed"
  | "run_cancelling"
  | "run_retried"
  | "step_started"
  | "step_waiting"
  | "step_completed"
  | "step_skipped"
  | "step_retrying"
  | "step_failed"
  | "step_cancelled"
  | "task_opened"
  | "task_reminded"
  | "task_escalated"
  | "task_reassigned"
  | "task_commented"
  | "task_answered"
  | "event_received"
  | "compensation_started"
  | "compensation_retrying"
  | "compensation_completed"
  | "compensation_failed"
  | "compensation_skipped"
  | "saga_completed"
  | "saga_failed";

export interface AuditEntry {
  readonly run: string;
  readonly tenant: string;
  readonly workflow: string;
  readonly version: string;
  /** Place of the event in the run's log. */
  readonly seq: number;
  readonly atMs: number;
  readonly what: Transition;
  /** Key of the execution. */
  readonly step?: string;
  readonly attempt?: number;
  /** The run's end, or the id of the choice made. */
  readonly outcome?: string;
  /** A code; one that does not read like a code is `unclassified`. */
  readonly reason?: string;
}

export interface AuditFacts {
  readonly step?: string;
  readonly attempt?: number;
  readonly outcome?: string;
  readonly reason?: string | undefined;
}

const CODE = /^[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*$/;
const CODE_CHARS_MAX = 64;
/** Seven digits in a row are somebody's number sooner than a code. */
const NUMBER_OF_SOMEBODY = /\d{7}/;

export function auditEntry(
  state: RunState,
  atMs: number,
  what: Transition,
  { reason, ...facts }: AuditFacts = {},
): AuditEntry {
  const { run, tenant, workflow, version, seq } = state;
  const why = reason === undefined ? {} : { reason: codeOf(reason) };
  return { run, tenant, workflow, version, seq, atMs, what, ...facts, ...why };
}

/** A code that is fit for trails, metrics and logs. */
export function codeOf(reason: string): string {
  if (reason.length > CODE_CHARS_MAX || !CODE.test(reason)) return "unclassified";
  return NUMBER_OF_SOMEBODY.test(reason) ? "unclassified" : reason;
}
