/** Answers, reassignments and comments that come by the API: checked against the task as its run has it, and told as problems. */
import type * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import type { Refusal, RunEvent } from "../../domain/workflows/run/events.ts";
import type { Json, TaskEnd } from "../../domain/workflows/run/state.ts";
import { insist } from "../../platform/conversations.ts";
import type { TaskRow } from "../../platform/repositories/tasks.ts";
import { workflowRun } from "../../platform/workflow-runs.ts";
import type { AnswerTask } from "../../schema/api/tasks.ts";
import type { Caller } from "../http/authenticate.ts";
import {
  type AnswerFailure,
  answerTask,
  judgeEnd,
  type TaskAnswer,
  taskOf,
} from "./task-answer.ts";
import { type Shown, shownTask } from "./task-view.ts";

/** What a caller without a person is called: `key:<id>`, or `operator`. */
export function callerName(caller: Caller | undefined): string {
  return caller?.kind === "tenant" ? `key:${caller.keyId}` : "operator";
}

/** Throws `forbidden`, `conflict`, `unprocessable` or `payload_too_large`. */
export async function answerStored(
  env: Env,
  row: TaskRow,
  body: z.output<typeof AnswerTask>,
  caller: string,
): Promise<Shown> {
  const { choice, by, comment } = body;
  const form = body.form as Json | undefined;
  const answer: TaskAnswer = {
    ...{ tenant: row.tenant_id, run: row.run_id, task: taskIdOf(row), choice, via: caller },
    ...{ names: [by ?? caller], way: "api" },
    ...(comment === undefined ? {} : { comment }),
    ...(form === undefined ? {} : { form }),
  };
  const given = await answerTask(env, answer);
  const taken =
    !given.ok && given.failure.reason === "unknown_task" ? byTables(row, answer) : given;
  if (!taken.ok) throw problemOf(taken.failure);
  const shown = shownTask(row);
  const said = {
    ...(comment === undefined ? {} : { comment }),
    ...(form === undefined ? {} : { form }),
  };
  return {
    ...{ row, status: "answered" },
    details: { ...shown.details, end: { ...taken.value.end, ...said } },
  };
}

/** Of a run whose object has forgotten it, or has called the task off. */
function byTables(row: TaskRow, answer: TaskAnswer) {
  const { choices, end } = shownTask(row).details;
  return judgeEnd(answer, { choices, ...(end ? { end } : {}) });
}

type Note =
  | { readonly is: "task_reassigned"; readonly assignees: readonly string[] }
  | { readonly is: "task_commented"; readonly text: string };

/** Throws `conflict` or `payload_too_large`. */
export async function noteStored(
  env: Env,
  row: TaskRow,
  note: Note,
  by: string | undefined,
  caller: string,
): Promise<Shown> {
  const of = { tenant: row.tenant_id, run: row.run_id };
  const task = taskIdOf(row);
  const event: RunEvent = { ...note, task, by: by ?? caller, via: caller };
  const sent = await insist(() => workflowRun(env, of).send(event));
  const now = await taskOf(env, of, task);
  if (!sent.ok) throw noteProblem(sent.failure, now?.end ?? shownTask(row).details.end);
  return shownTask(row, now);
}

function taskIdOf(row: TaskRow): string {
  return row.id.slice(row.run_id.length + 1);
}

function noteProblem(refusal: Refusal, end: TaskEnd | undefined): HubError {
  switch (refusal.reason) {
    case "too_large":
      return new HubError("payload_too_large", `at most ${refusal.max} characters in one run`);
    case "too_many_notes":
      return new HubError("conflict", `at most ${refusal.max} notes on one task`);
    default:
      return lateProblem(end);
  }
}

function problemOf(failure: AnswerFailure): HubError {
  switch (failure.reason) {
    case "not_asked":
      return new HubError("forbidden", "somebody else is asked");
    case "invalid": {
      const errors = failure.faults.map(({ pointer, message }) => {
        return { pointer: `#${pointer}`, detail: message };
      });
      return new HubError("unprocessable", "the answer does not fit", { extensions: { errors } });
    }
    case "too_large":
      return new HubError("payload_too_large", `at most ${failure.max} characters`);
    case "late":
      return lateProblem(failure.end);
    case "unknown_task":
      return lateProblem(undefined);
  }
}

function lateProblem(end: TaskEnd | undefined): HubError {
  if (!end)
    return new HubError("conflict", "nobody waits for an answer any more", {
      extensions: { reason: "closed" },
    });
  const { how: reason, choice = null, by = null, atMs } = end;
  const answered_at = new Date(atMs).toISOString();
  const detail = reason === "expired" ? "its time has run out" : "it has been answered";
  const extensions = { reason, choice, answered_by: by, answered_at };
  return new HubError("conflict", detail, { extensions });
}
