/** Wire shapes of tasks for people on the REST API. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { ASSIGNEES_MAX } from "../workflow-step.ts";
import type { Mapping } from "../workflow-value.ts";
import { Instant } from "./instant.ts";

/** Longest comment, in characters. */
export const TASK_COMMENT_CHARS_MAX = 2000;
/** Longest name of a person, in characters: as in definitions. */
const NAME_CHARS_MAX = 200;

/** `<run>:<step>@<attempt>`. */
export const TaskId = z
  .string()
  .max(400)
  .regex(/^run_[0-9a-z]{26}:[^\s@]{1,360}@\d{1,9}$/, "expected a task id (run_…:step@1)");

const Name = z.string().trim().min(1).max(NAME_CHARS_MAX);
/** In whose name a key acts. `key:…` and `operator` are the hub's own names for callers. */
const Person = Name.refine(
  (name) => !/^(?:key:|operator$)/i.test(name),
  "names a person, not a caller of the API",
);
const Comment = z.string().trim().min(1).max(TASK_COMMENT_CHARS_MAX);
const Status = z.enum(["open", "answered", "expired", "closed"]);

export const TaskQuery = z.strictObject({
  tenant: Id.optional(),
  status: Status.optional(),
  assignee: Name.optional(),
  workflow: z.string().max(200).optional(),
  run: z.string().max(64).optional(),
  /** Only tasks with a time, before this moment. */
  due_before: Instant.optional(),
  due_since: Instant.optional(),
});

/** `by` is the person, where the key acts for one: else the key itself answers. */
export const AnswerTask = z.strictObject({
  choice: z.string().min(1).max(100),
  by: Person.optional(),
  comment: Comment.optional(),
  /** Fits the task's `form`. */
  form: z.record(z.string(), z.unknown() as z.ZodType<Mapping>).optional(),
});

export const ReassignTask = z.strictObject({
  assignees: z.array(Name).min(1).max(ASSIGNEES_MAX),
  by: Person.optional(),
});

export const CommentTask = z.strictObject({ text: Comment, by: Person.optional() });

const Choice = z.object({ id: z.string(), label: z.string().optional() });

/** How it ended. `by` is a person, `key:<id>` or `operator`; null where nobody answered in time. `via`: the key or message. */
const End = z.object({
  choice: z.string().nullable(),
  by: z.string().nullable(),
  via: z.string().nullable(),
  at: z.iso.datetime(),
  comment: z.string().nullable(),
});

export const TaskView = z.object({
  id: TaskId,
  tenant: Id,
  run: z.string(),
  workflow: z.string(),
  /** Key of the step that asks. */
  step: z.string(),
  /** `expired`: its time ran out. `closed`: nobody waits for an answer any more. */
  status: Status,
  title: z.string(),
  text: z.string().nullable(),
  /** Null: anybody may answer. */
  assignees: z.array(z.string()).nullable(),
  escalated_to: z.array(z.string()),
  choices: z.array(Choice),
  channel: z.object({ connection: z.string(), to: z.string().nullable() }).nullable(),
  opened_at: z.iso.datetime(),
  due_at: z.iso.datetime().nullable(),
  reminders: z.int(),
  escalations: z.int(),
  end: End.nullable(),
});

const Note = z.object({
  kind: z.enum(["comment", "reassigned"]),
  at: z.iso.datetime(),
  by: z.string(),
  via: z.string(),
  text: z.string().optional(),
  assignees: z.array(z.string()).optional(),
  from: z.array(z.string()).nullable().optional(),
});

export const TaskDetail = z.object({
  ...TaskView.shape,
  /** JSON Schema of what is asked for with the answer. */
  form: z.record(z.string(), z.unknown()).nullable(),
  answered_form: z.unknown().nullable(),
  /** Comments and reassignments, oldest first. */
  notes: z.array(Note),
  /** From the run's trail: what happened, in order; ids and codes only. */
  history: z.array(
    z.object({
      at: z.iso.datetime(),
      what: z.string(),
      choice: z.string().nullable(),
      reason: z.string().nullable(),
    }),
  ),
});
