/** What happens to a run: the only input of `decide` besides the clock and a random number. Plain JSON. */
import type { Json, RunState, StepError } from "./state.ts";

/** An action's failure. `retryable: false` ends the attempts; `retryAfterMs` is a downstream's wish. */
export interface ReportedError extends StepError {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

export type RunEvent =
  | {
      readonly is: "started";
      readonly run: string;
      readonly tenant: string;
      readonly input: Json;
      readonly correlationId?: string;
      /** What started it: `api`, `event`, `schedule` … */
      readonly trigger?: string;
      readonly parent?: NonNullable<RunState["parent"]>;
      readonly depth?: number;
    }
  | {
      readonly is: "step_succeeded";
      readonly step: string;
      readonly attempt: number;
      readonly output: Json;
      /** `output` is what the step's own mapping has made of the answer already. */
      readonly mapped?: true;
      /** The effect was made, but what came of it cannot be kept: the step has failed with this. */
      readonly lost?: StepError;
    }
  | {
      readonly is: "step_failed";
      readonly step: string;
      readonly attempt: number;
      readonly error: ReportedError;
    }
  /** A detached child runs: its step is done. */
  | {
      readonly is: "child_started";
      readonly step: string;
      readonly attempt: number;
      readonly child: string;
    }
  | {
      readonly is: "child_ended";
      readonly step: string;
      readonly attempt: number;
      readonly outcome: "completed" | "failed";
      readonly output?: Json;
      readonly error?: ReportedError;
    }
  | { readonly is: "timer"; readonly id: string }
  | { readonly is: "signal"; readonly id: string; readonly name: string; readonly payload: Json }
  | {
      readonly is: "event";
      readonly id: string;
      readonly type: string;
      readonly correlationId?: string;
      readonly payload: Json;
    }
  | {
      readonly is: "task_answered";
      /** The id of the task. */
      readonly task: string;
      readonly choice: string;
      readonly by?: string;
      /** The key or message that it came by. */
      readonly via?: string;
      readonly comment?: string;
      readonly form?: Json;
    }
  | {
      readonly is: "task_commented";
      readonly task: string;
      readonly by: string;
      readonly via: string;
      readonly text: string;
    }
  /** From now on these people are asked, and nobody else. */
  | {
      readonly is: "task_reassigned";
      readonly task: string;
      readonly by: string;
      readonly via: string;
      readonly assignees: readonly string[];
    }
  | {
      readonly is: "compensation_succeeded";
      readonly step: string;
      readonly attempt: number;
    }
  | {
      readonly is: "compensation_failed";
      readonly step: string;
      readonly attempt: number;
      readonly error: ReportedError;
    }
  | { readonly is: "pause" }
  | { readonly is: "resume" }
  /** `compensate: false` leaves completed steps as they are. */
  | { readonly is: "cancel"; readonly reason?: string; readonly compensate?: boolean }
  /** With `output` the step counts as done with it, and the run goes on behind it. */
  | { readonly is: "retry_from"; readonly step: string; readonly output?: Json }
  /** Runs the undos that failed once more. */
  | { readonly is: "retry_compensation" };

/** Why an event changes nothing. None of these is an error of the engine. */
export type Refusal =
  /** 409: the run has ended. */
  | { readonly reason: "run_finished"; readonly status: RunState["status"] }
  | { readonly reason: "run_not_finished"; readonly status: RunState["status"] }
  | { readonly reason: "already_ending" }
  | { readonly reason: "already_started" }
  | { readonly reason: "not_started" }
  /** The state belongs to another definition, or was written by another interpreter. */
  | { readonly reason: "wrong_definition"; readonly workflow: string; readonly version: string }
  | { readonly reason: "unknown_step"; readonly step: string }
  /** A repeated or late report: the step has been decided, or is at another attempt. */
  | { readonly reason: "stale_step"; readonly step: string; readonly attempt: number }
  | { readonly reason: "wrong_kind"; readonly step: string }
  | { readonly reason: "stale_timer"; readonly id: string }
  | { readonly reason: "too_early"; readonly id: string; readonly atMs: number }
  | { readonly reason: "duplicate_arrival"; readonly id: string }
  /** No step of the definition ever takes it. */
  | { readonly reason: "not_awaited" }
  | { readonly reason: "too_many_arrivals"; readonly max: number }
  | { readonly reason: "too_large"; readonly max: number }
  /** 409: somebody else answered, or the time was over. */
  | { readonly reason: "task_closed"; readonly task: string }
  | { readonly reason: "unknown_task"; readonly task: string }
  | { readonly reason: "too_many_notes"; readonly max: number }
  | { readonly reason: "unknown_choice"; readonly choices: readonly string[] }
  | { readonly reason: "form_mismatch"; readonly faults: readonly string[] }
  | { readonly reason: "already_paused" }
  | { readonly reason: "not_paused" }
  /** These steps before it were undone: retry from one of them, or from before. */
  | { readonly reason: "steps_undone"; readonly steps: readonly string[] }
  | { readonly reason: "nothing_to_retry" };
