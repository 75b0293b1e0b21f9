/** Answers to tasks, and what happens to a task that nobody answers. */
import type { StepOf } from "../../../schema/workflow-step.ts";
import { failStep, succeed, taskText } from "./advance.ts";
import { charsOf, type Draft, patchStep, release, take, tellStep } from "./draft.ts";
import type { Refusal, RunEvent } from "./events.ts";
import { STEP_OUTPUT_CHARS_MAX } from "./limits.ts";
import { stepOf } from "./plan.ts";
import type { Json, StepRecord, TaskEnd, Timer } from "./state.ts";
import { answerDigest } from "./task-notes.ts";
import { choicesOf, peopleOf } from "./waiting.ts";

type Answer = Extract<RunEvent, { is: "task_answered" }>;

/** The first valid answer decides. */
export function answerTask(d: Draft, event: Answer): Refusal | undefined {
  const { task } = event;
  const record = d.state.steps[task.slice(0, Math.max(task.lastIndexOf("@"), 0))];
  if (record?.type !== "approval") return { reason: "unknown_task", task };
  const step = stepOf(d.plan, record.id);
  if (record.task?.id !== task || step?.type !== "approval") return { reason: "task_closed", task };
  const choices = choicesOf(step).map(({ id }) => id);
  if (!choices.includes(event.choice)) return { reason: "unknown_choice", choices };
  if (charsOf(event.form) > STEP_OUTPUT_CHARS_MAX)
    return { reason: "too_large", max: STEP_OUTPUT_CHARS_MAX };
  const faults = step.form ? (d.evaluator.formFaults?.(step.form, event.form ?? {}) ?? []) : [];
  if (faults.length > 0) return { reason: "form_mismatch", faults };
  decided(d, record, step, "answered", event);
  return undefined;
}

function decided(
  d: Draft,
  record: StepRecord,
  step: StepOf<"approval">,
  how: TaskEnd["how"],
  answer: Pick<Answer, "choice" | "by" | "via" | "comment" | "form">,
): undefined {
  const { choice, by, comment, form } = answer;
  end(d, record, how, answer);
  tellStep(d, "task_answered", record, { outcome: choice });
  const next = nextOfChoice(step, choice);
  if (next === "rejected") return failStep(d, record.key, { reason: "rejected" });
  succeed(d, record.key, answerOf(d, choice, by, comment, form), next);
}

function end(
  d: Draft,
  { key, task }: StepRecord,
  how: TaskEnd["how"],
  answer: Partial<Answer> = {},
): undefined {
  const { choice, by, via } = answer;
  const known = { ...(by === undefined ? {} : { by }), ...(via === undefined ? {} : { via }) };
  const chosen = choice === undefined ? {} : { choice };
  const said = how === "answered" ? { digest: answerDigest(answer) } : {};
  const answered = { task: task?.id ?? "", how, atMs: d.nowMs, ...chosen, ...known, ...said };
  patchStep(d, key, { answered });
}

function answerOf(
  d: Draft,
  choice: string | null,
  by?: string,
  comment?: string,
  form?: Json,
): Json {
  const at = new Date(d.nowMs).toISOString();
  return { choice, by: by ?? null, at, comment: comment ?? null, form: form ?? null };
}

function nextOfChoice(step: StepOf<"approval">, choice: string): string | undefined {
  const own = step.choices?.find(({ id }) => id === choice);
  if (own) return own.next ?? step.next;
  return choice === "reject" ? (step.onReject ?? "rejected") : step.next;
}

/** Its time is over: a choice is made for the people, flow goes on elsewhere, or the step fails with `timeout`. */
export function timeOutTask(d: Draft, record: StepRecord, step: StepOf<"approval">): undefined {
  const { onTimeout } = step;
  if (onTimeout && "choose" in onTimeout)
    return decided(d, record, step, "expired", { choice: onTimeout.choose });
  end(d, record, "expired");
  if (!onTimeout)
    return failStep(d, record.key, { reason: "timeout", message: "nobody answered in time" });
  tellStep(d, "task_answered", record, { reason: "timeout" });
  succeed(d, record.key, answerOf(d, null), onTimeout.next);
}

export function remind(d: Draft, record: StepRecord): undefined {
  if (!record.task) return;
  patchStep(d, record.key, { task: { ...record.task, reminders: record.task.reminders + 1 } });
  tellStep(d, "task_reminded", record);
}

/** From now on more people are asked. Names that cannot be found out leave the task with those it has. */
export function escalate(
  d: Draft,
  record: StepRecord,
  step: StepOf<"approval">,
  timer: Timer,
): undefined {
  const frame = d.state.frames[record.frame];
  const rule = step.escalations?.[Number(timer.id.split(" ").at(-1)) - 1];
  if (!record.task || !frame || !rule) return;
  const people = peopleOf(d, frame, rule.assignees);
  if (!people.ok) return tellStep(d, "task_escalated", record, { reason: people.failure.reason });
  const escalatedTo = [...new Set([...(record.task.escalatedTo ?? []), ...people.value])];
  const task = { ...record.task, escalatedTo, escalations: record.task.escalations + 1 };
  release(d, taskText(record));
  if (!take(d, taskText({ ...record, task }))) return void take(d, taskText(record));
  patchStep(d, record.key, { task });
  tellStep(d, "task_escalated", record);
}
