/**
 * The objects of workflow runs and what they answer. A run's object is its memory: it keeps the log, lets
 * `domain/workflows/run` decide, and has timers of its own; the Workflows instance of the same run is its hands.
 */
import type { Result } from "../domain/result.ts";
import type { Command } from "../domain/workflows/run/commands.ts";
import type { LogEntry } from "../domain/workflows/run/decide.ts";
import type { Refusal, RunEvent } from "../domain/workflows/run/events.ts";
import type { Json, RunState, Task, TaskEnd } from "../domain/workflows/run/state.ts";
import type { WorkflowDefinition } from "../schema/workflow.ts";
import type { TaskDetails } from "./workflow-log.ts";

/** Names one run. */
export interface RunName {
  readonly tenant: string;
  readonly run: string;
}

/** What a Workflows instance is started with. `generation` counts the instances of one run, from 1. */
export interface HandsOf extends RunName {
  readonly generation: number;
}

/** What the hands can be told to do; everything else the object sees to by itself. */
export type HandCommand = Extract<
  Command,
  {
    is:
      | "run_action"
      | "compensate"
      | "start_child"
      | "cancel_child"
      | "open_task"
      | "remind_task"
      | "escalate_task"
      | "reassign_task"
      | "close_task";
  }
>;

/** A command without what it holds: the whole of it is taken right before it is carried out. */
export interface HandTask {
  readonly key: string;
  /** How long carrying it out may take, ms. */
  readonly timeoutMs: number;
}

export interface HandWork {
  /** What must be done now and has not been reported; what was taken before is named again. */
  readonly tasks: readonly HandTask[];
  readonly over: boolean;
}

/** A task as its run knows it: `details` while it is open, `end` afterwards. */
export interface TaskNow {
  readonly id: string;
  readonly state: "open" | "answered" | "expired";
  readonly choices: Task["choices"];
  readonly details?: TaskDetails;
  readonly end?: TaskEnd;
}

/** A command on its way to be carried out. */
export interface TakenCommand {
  readonly command: HandCommand;
  /** The `with` of its step, that says where secrets go. */
  readonly mapping?: Json;
  /** The `output` of its step, where it needs nothing but the answer: to be made before the run hears of that. */
  readonly output?: Json;
  /** When the execution, or undo, began with its first attempt, ms. */
  readonly startedAtMs?: number;
  /** The workflow of the child to be cancelled. */
  readonly workflow?: string;
  readonly correlationId?: string;
  /** Of the run, in its chain of events. */
  readonly depth?: number;
}

export interface StartRun extends RunName {
  readonly definition: WorkflowDefinition;
  readonly event: Extract<RunEvent, { is: "started" }>;
}

/** `version`: what the run runs by, since its first start. */
export interface BegunRun {
  readonly duplicate: boolean;
  readonly version: string;
}

/** `durable-objects/workflow-run.ts` implements it. Every call may be made again. */
export interface WorkflowRunRpc {
  /** Starts the run once, whatever is said later under the same id. */
  start(request: StartRun): Promise<Result<BegunRun, Refusal>>;
  /** Something has happened: durable when it answers, unless it is refused. */
  send(event: RunEvent): Promise<Result<{ readonly status: string }, Refusal>>;
  /** For the hands: everything they must be doing now. `accepted`: keys of what they have and have not reported. */
  work(generation: number, accepted: readonly string[]): Promise<HandWork>;
  /** For the hands: the command, or undefined where nobody waits for it any more. */
  take(generation: number, key: string): Promise<TakenCommand | undefined>;
  /** For the hands: a command was carried out, with this event where there is one. */
  report(generation: number, key: string, event?: RunEvent): Promise<HandWork>;
  /** For the hands: they stop here, others go on. */
  handOver(generation: number): Promise<void>;
  /** The state after the first `entries` of the log; absent: now. Undefined where it knows no such run. */
  state(entries?: number): Promise<RunState | undefined>;
  log(): Promise<readonly LogEntry[]>;
  /** A task as it is now, by its id or tag (`domain/workflows/tasks/tag.ts`); undefined where it knows none such. */
  task(id: string): Promise<TaskNow | undefined>;
  /** The definition it runs by. */
  definition(): Promise<WorkflowDefinition | undefined>;
  /** Forgets everything: its log is archived, or its tenant gone. */
  destroy(): Promise<void>;
}

/** The one object of a run. A stub that has failed is not used again: ask for a new one. */
export function workflowRun(
  env: Pick<Env, "WORKFLOW_RUN">,
  { tenant, run }: RunName,
): WorkflowRunRpc {
  return env.WORKFLOW_RUN.getByName(`${tenant}:${run}`) as unknown as WorkflowRunRpc;
}
