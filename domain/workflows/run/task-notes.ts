/** Comments and reassignments of open tasks, and the digest that tells a repeated answer from another one. */
import { textDigest } from "../tasks/digest.ts";
import { askedPeople } from "../tasks/people.ts";
import { taskText } from "./advance.ts";
import { type Draft, patchStep, release, take, tellStep } from "./draft.ts";
import type { Refusal, RunEvent } from "./events.ts";
import { RUN_DATA_CHARS_MAX, TASK_NOTES_MAX } from "./limits.ts";
import type { Json, Task, TaskNote } from "./state.ts";

type Note = Extract<RunEvent, { is: "task_commented" | "task_reassigned" }>;

/** Only an open task takes them. */
export function noteTask(d: Draft, event: Note): Refusal | undefined {
  const { task } = event;
  const record = d.state.steps[task.slice(0, Math.max(task.lastIndexOf("@"), 0))];
  if (record?.type !== "approval") return { reason: "unknown_task", task };
  if (record.task?.id !== task) return { reason: "task_closed", task };
  const before = record.task;
  if ((before.notes ?? []).length >= TASK_NOTES_MAX)
    return { reason: "too_many_notes", max: TASK_NOTES_MAX };
  const after = noted(before, event, d.nowMs);
  release(d, taskText(record));
  if (!take(d, taskText({ ...record, task: after })))
    return { reason: "too_large", max: RUN_DATA_CHARS_MAX };
  patchStep(d, record.key, { task: after });
  tellStep(d, event.is, record);
  return undefined;
}

function noted(task: Task, event: Note, atMs: number): Task {
  const { by, via } = event;
  const notes = task.notes ?? [];
  if (event.is === "task_commented") {
    const note: TaskNote = { is: "comment", atMs, by, via, text: event.text };
    return { ...task, notes: [...notes, note] };
  }
  const { assignees } = event;
  const { escalatedTo: _, ...rest } = task;
  const before = askedPeople(task);
  const from = before ? { from: before } : {};
  const note: TaskNote = { is: "reassigned", atMs, by, via, assignees, ...from };
  return { ...rest, assignees, notes: [...notes, note] };
}

/** A fingerprint of what an answer says besides its choice. */
export function answerDigest({
  comment,
  form,
}: {
  readonly comment?: string;
  readonly form?: Json;
}): string {
  return textDigest(JSON.stringify([comment ?? null, sorted(form ?? null)]));
}

/** The same object in another order of members is the same object. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value as Readonly<Record<string, Json>>);
  members.sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, one]) => [name, sorted(one)]));
}
