/**
 * The objects of workflow runs and what they answer. A run's object is its memory: it keeps the log, lets
 * `domain/workflows/run` decide, and has timers of its own; the Workflows instance of the same run is its hands.
 */

import type { Result } from "../domain/result.ts";
import type { Command } from "../domain/workflows/run/commands.ts";
import type { LogEntry } from "../domain/workflows/run/decide.ts";
import type { Refusal, RunEvent } from "../domain/workflows/run/events.ts";
import type { RunState } from "../domain/workflows/run/state.ts";
import type { WorkflowDefinition } from "../schema/workflow.ts";

/** Names one run. */
export interface RunName {
  readonly tenant: string;
  readonly run: string;
}

/** What the hands have to do now: actions and undos only; everything else the object sees to by itself. */
export type HandCommand = Extract<Command, { is: "run_action" | "compensate" }>;

export interface HandWork {
  readonly commands: readonly HandCommand[];
  readonly over: boolean;
}

export interface StartRun extends RunName {
  readonly definition: WorkflowDefinition;
  readonly event: Extract<RunEvent, { is: "started" }>;
}

/** `durable-objects/workflow-run.ts` implements it. Every call may be made again. */
export interface WorkflowRunRpc {
  /** Starts the run once, whatever is said later under the same id. */
  start(request: StartRun): Promise<{ readonly duplicate: boolean }>;
  /** Something has happened. What it gives the hands to do comes back with it. */
  send(event: RunEvent): Promise<Result<HandWork, Refusal>>;
  /** Everything the hands must be doing now. */
  work(): Promise<HandWork>;
  /** The state after the first `entries` of the log; absent: now. */
  state(entries?: number): Promise<RunState | undefined>;
  log(): Promise<readonly LogEntry[]>;
  /** Forgets everything: its log is archived, or its tenant gone. */
  destroy(): Promise<void>;
}

export function workflowRun(
  env: Pick<Env, "WORKFLOW_RUN">,
  { tenant, run }: RunName,
): WorkflowRunRpc {
  return env.WORKFLOW_RUN.getByName(`${tenant}:${run}`) as unknown as WorkflowRunRpc;
}
