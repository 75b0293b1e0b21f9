/**
 * Answers of people to tasks, wherever they come from: who may, which choices there are, what becomes of one that comes
 * twice or too late. The run's object decides; the first valid answer counts, and the same one again is the same one.
 */
import { fail, ok, type Result } from "../../domain/result.ts";
import type { Refusal } from "../../domain/workflows/run/events.ts";
import type { Json, Task, TaskEnd } from "../../domain/workflows/run/state.ts";
import { answerDigest } from "../../domain/workflows/run/task-notes.ts";
import { askedName } from "../../domain/workflows/tasks/people.ts";
import { insist } from "../../platform/conversations.ts";
import { schemaValidator } from "../../platform/json-schema.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { type RunName, type TaskNow, workflowRun } from "../../platform/workflow-runs.ts";

export interface TaskAnswer extends RunName {
  /** Id within the run. */
  readonly task: string;
  readonly choice: string;
  /** Every name of who answers, the one to be kept first. */
  readonly names: readonly string[];
  /** The key or message it came by. */
  readonly via: string;
  readonly way: "api" | "press" | "reply";
  readonly comment?: string;
  readonly form?: Json;
}

export interface AnswerTaken {
  /** It had been given before, word for word, by the same person. */
  readonly duplicate: boolean;
  readonly end: TaskEnd;
  readonly choices: Task["choices"];
}

export interface AnswerFault {
  /** JSON Pointer into the answer: `/choice`, `/form/…`. */
  readonly pointer: string;
  readonly message: string;
}

export type AnswerFailure =
  /** The run does not know it, or knows it no longer. */
  | { readonly reason: "unknown_task" }
  | { readonly reason: "not_asked" }
  /** Everything that is wrong with it. */
  | { readonly reason: "invalid"; readonly faults: readonly AnswerFault[] }
  | { readonly reason: "too_large"; readonly max: number }
  | {
      readonly reason: "late";
      readonly choices: Task["choices"];
      readonly end: TaskEnd | undefined;
    };

/** Rejects where the run's object cannot be reached: the same answer may be given again. */
export async function answerTask(
  env: Env,
  answer: TaskAnswer,
): Promise<Result<AnswerTaken, AnswerFailure>> {
  const { tenant, run, task, way } = answer;
  const now = await taskOf(env, answer, task);
  const taken = now ? await decide(env, answer, now) : fail({ reason: "unknown_task" } as const);
  const outcome = taken.ok ? (taken.value.duplicate ? "duplicate" : "taken") : taken.failure.reason;
  count("workflow_task_answers_total", { tenant, way, outcome });
  logLine("task.answered", { tenant, job: run, operation: way, outcome });
  return taken;
}

/** A task by its id or tag, as its run knows it. Rejects as the object does. */
export function taskOf(env: Env, of: RunName, name: string): Promise<TaskNow | undefined> {
  return insist(() => workflowRun(env, of).task(name));
}

async function decide(
  env: Env,
  answer: TaskAnswer,
  now: TaskNow,
): Promise<Result<AnswerTaken, AnswerFailure>> {
  if (!now.details) return judgeEnd(answer, now);
  const by = askedName(now.details, answer.names);
  const fault = faultOf(answer, now, by);
  if (fault) return fail(fault);
  const { choice, via, comment, form } = answer;
  const sent = await insist(() =>
    workflowRun(env, answer).send({
      ...{ is: "task_answered", task: now.id, choice, via },
      ...(by === undefined ? {} : { by }),
      ...(comment === undefined ? {} : { comment }),
      ...(form === undefined ? {} : { form }),
    }),
  );
  if (!sent.ok && !isOver(sent.failure)) return fail(refusedBy(sent.failure));
  const after = await taskOf(env, answer, now.id);
  return judgeEnd(answer, after ?? { choices: now.choices });
}

function faultOf(
  { choice, form }: TaskAnswer,
  { details, choices }: TaskNow,
  by: string | undefined,
): AnswerFailure | undefined {
  if (by === undefined) return { reason: "not_asked" };
  const known = choices.map(({ id }) => id);
  const wrong = known.includes(choice) ? [] : [choiceFault(known)];
  const misfits = details?.form ? schemaValidator()(details.form, form ?? {}) : [];
  const faults = [...wrong, ...misfits.map(formFault)];
  return faults.length > 0 ? { reason: "invalid", faults } : undefined;
}

function choiceFault(choices: readonly string[]): AnswerFault {
  return { pointer: "/choice", message: `must be one of ${choices.join(", ")}` };
}

function formFault({ pointer, message }: AnswerFault): AnswerFault {
  return { pointer: `/form${pointer}`, message };
}

/** Whose answer counted: this very one, or another. A lost answer to a call is told from a second person by it. */
export function judgeEnd(
  answer: TaskAnswer,
  { choices, end }: Pick<TaskNow, "choices" | "end">,
): Result<AnswerTaken, AnswerFailure> {
  const isSame =
    end?.how === "answered" &&
    end.choice === answer.choice &&
    end.digest === answerDigest(answer) &&
    askedName({ assignees: [end.by ?? ""] }, answer.names) !== undefined;
  if (!end || !isSame) return fail({ reason: "late", choices, end });
  return ok({ duplicate: end.via !== answer.via, end, choices });
}

function isOver({ reason }: Refusal): boolean {
  return reason === "task_closed" || reason === "run_finished" || reason === "unknown_task";
}

function refusedBy(refusal: Refusal): AnswerFailure {
  switch (refusal.reason) {
    case "too_large":
      return { reason: "too_large", max: refusal.max };
    case "unknown_choice":
      return { reason: "invalid", faults: [choiceFault(refusal.choices)] };
    case "form_mismatch":
      return {
        reason: "invalid",
        faults: refusal.faults.map((message) => ({ pointer: "/form", message })),
      };
    default:
      return { reason: "unknown_task" };
  }
}
