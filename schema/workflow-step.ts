/**
 * The steps of a workflow, one strict schema per type. What each type means, in full: the head of `workflow.ts`.
 * Checks that need more than one step, or more than one field, are in `domain/workflows/definition`.
 */
import * as z from "zod";
import { BINDING_KEY_CHARS_MAX } from "./subscription.ts";
import {
  ActionName,
  Description,
  Duration,
  ErrorCode,
  EXPRESSION_CHARS_MAX,
  Expression,
  Mapping,
  ObjectSchema,
  RetryRule,
  StepId,
  Title,
  WorkflowId,
  WorkflowVersion,
} from "./workflow-value.ts";

/** Branches of one parallel step. */
export const BRANCHES_MAX = 50;
/** Cases of one switch. */
export const CASES_MAX = 50;
/** Items one map step works on. */
export const MAP_ITEMS_MAX = 1000;
/** Items of one map step that are worked on at once. */
export const MAP_CONCURRENCY_MAX = 50;
/** Items at once where the definition says nothing. */
export const MAP_CONCURRENCY_DEFAULT = 10;
/** Rounds of one loop. */
export const LOOP_ROUNDS_MAX = 1000;
/** Rounds where the definition says nothing. */
export const LOOP_ROUNDS_DEFAULT = 100;
/** Choices of one approval. */
export const CHOICES_MAX = 10;
/** People asked for one approval. */
export const ASSIGNEES_MAX = 50;
/** Reminders, and escalations, of one approval. */
export const REMINDERS_MAX = 10;
/** Values that one `set` step writes. */
export const SET_VALUES_MAX = 100;

const base = {
  id: StepId,
  name: z.optional(Title),
  description: z.optional(Description),
};

/** What most steps have besides: `condition` false skips the step and goes on at `next`. */
const common = {
  ...base,
  condition: z.optional(Expression),
  next: z.optional(StepId),
  onError: z.optional(StepId),
  /** Replaces the step's output; sees the raw one as `output`. */
  output: z.optional(Mapping),
};

export const ActionStep = z.strictObject({
  ...common,
  type: z.literal("action"),
  action: ActionName,
  /** The action's input; absent: the run's input. */
  with: z.optional(Mapping),
  retry: z.optional(RetryRule),
  /** Of one attempt. */
  timeout: z.optional(Duration),
});

export const DecisionStep = z.strictObject({
  ...base,
  type: z.literal("decision"),
  condition: Expression,
  /** A list: where to go on if true, and if false. A text: only if true, else the branch ends. */
  next: z.union([StepId, z.array(StepId).min(1).max(2)], {
    error: "must be one step, or a list of one or two",
  }),
  onError: z.optional(StepId),
});

export const SwitchStep = z.strictObject({
  ...base,
  type: z.literal("switch"),
  /** Tried in order; the first that is true says where to go on. */
  cases: z
    .array(z.strictObject({ when: Expression, next: StepId, name: z.optional(Title) }))
    .min(1)
    .max(CASES_MAX),
  /** Where no case is true; absent: the branch ends. */
  default: z.optional(StepId),
  onError: z.optional(StepId),
});

export const ParallelStep = z.strictObject({
  ...common,
  type: z.literal("parallel"),
  /** First step of each branch. */
  next: z.array(StepId).min(1).max(BRANCHES_MAX),
  /** Where to go on when the branches have settled; absent: this branch ends. */
  join: z.optional(StepId),
  /** `all` (default): every branch must succeed. `any`: the first success decides, the others are cancelled. */
  require: z.optional(z.enum(["all", "any"])),
  /** Of all branches together. */
  timeout: z.optional(Duration),
});

export const MapStep = z.strictObject({
  ...common,
  type: z.literal("map"),
  /** Must give a list of at most `MAP_ITEMS_MAX` items. */
  each: Expression,
  /** First step of the body; the body ends where a step has no `next`. */
  do: StepId,
  maxConcurrency: z.optional(z.int().min(1).max(MAP_CONCURRENCY_MAX)),
  /** `fail` (default): no new item is begun, the step fails. `collect`: the item's output is null, the others go on. */
  itemError: z.optional(z.enum(["fail", "collect"])),
  /** Of all items together. */
  timeout: z.optional(Duration),
});

export const LoopStep = z.strictObject({
  ...common,
  type: z.literal("loop"),
  /** Asked before each round. At least one of `while` and `times` is there. */
  while: z.optional(Expression),
  times: z.optional(z.int().min(1).max(LOOP_ROUNDS_MAX)),
  /** First step of the body; the body ends where a step has no `next`. */
  do: StepId,
  /** A further round fails the step with `loop_limit`. */
  maxRounds: z.optional(z.int().min(1).max(LOOP_ROUNDS_MAX)),
  /** Waited between two rounds. */
  every: z.optional(Duration),
  /** Of all rounds together. */
  timeout: z.optional(Duration),
});

export const WorkflowStep = z.strictObject({
  ...common,
  type: z.literal("workflow"),
  workflow: WorkflowId,
  /** Absent: the version that a new run of that workflow would get now. */
  version: z.optional(WorkflowVersion),
  /** The child's input; absent: this run's input. */
  with: z.optional(Mapping),
  /** True: the child is started and not waited for. */
  detached: z.optional(z.boolean()),
  retry: z.optional(RetryRule),
  /** Of one attempt. */
  timeout: z.optional(Duration),
});

export const WaitStep = z.strictObject({
  ...common,
  type: z.literal("wait"),
  /** A duration, or an expression in `{{ }}` that gives one. Exactly one of `for` and `until` is there. */
  for: z.optional(z.union([z.int().min(0), Expression], { error: "must be a duration" })),
  /** ISO 8601 with zone, or an expression in `{{ }}` that gives it; a moment that is past waits for nothing. */
  until: z.optional(Expression),
});

export const EventStep = z.strictObject({
  ...common,
  type: z.literal("event"),
  /** A signal sent to this run by name. Exactly one of `signal` and `event` is there. */
  signal: z.optional(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/)),
  /** A published event. */
  event: z.optional(
    z.strictObject({
      /** Event type; `*` stands for one word, `#` for any number. */
      type: z.string().min(1).max(BINDING_KEY_CHARS_MAX),
      /** Gives what the event's correlation id must be; absent: the run's correlation id. */
      correlation: z.optional(Expression),
    }),
  ),
  /** Sees the arrival as `event`; false leaves it and waits on. */
  match: z.optional(Expression),
  timeout: z.optional(Duration),
  /** Where to go on after `timeout`; absent: the step fails with `timeout`. */
  onTimeout: z.optional(StepId),
});

const assignees = z.union(
  [z.array(z.string().min(1).max(200)).min(1).max(ASSIGNEES_MAX), Expression],
  { error: `must be 1 to ${ASSIGNEES_MAX} names, or an expression that gives them` },
);

/** Where people are asked besides the inbox: a conversation of one of the tenant's connections, or everybody asked. */
const TaskChannel = z.strictObject({
  connection: z.string().min(1).max(200),
  /** Address as in a sent message; may hold `{{ }}`. Absent: every assignee is written to, by name as the address. */
  to: z.optional(z.string().min(1).max(EXPRESSION_CHARS_MAX)),
});

export const ApprovalStep = z.strictObject({
  ...common,
  type: z.literal("approval"),
  /** May hold `{{ }}`. */
  title: Title,
  /** Shown with the title; may hold `{{ }}`. */
  text: z.optional(Description),
  /** Names, or an expression that gives a list of them; absent: any operator. */
  assignees: z.optional(assignees),
  /** Absent: `approve` (goes on at `next`) and `reject` (goes on at `onReject`, or fails with `rejected`). */
  choices: z.optional(
    z
      .array(
        z.strictObject({
          id: StepId,
          label: z.optional(Title),
          /** Absent: the step's own `next`. */
          next: z.optional(StepId),
        }),
      )
      .min(2)
      .max(CHOICES_MAX),
  ),
  onReject: z.optional(StepId),
  /** JSON Schema of what is asked for with the answer. */
  form: z.optional(ObjectSchema),
  channel: z.optional(TaskChannel),
  timeout: z.optional(Duration),
  /** After `timeout`: answer with this choice, or fail with `timeout` (default). */
  onTimeout: z.optional(
    z.union([z.strictObject({ choose: StepId }), z.strictObject({ next: StepId })], {
      error: 'must be {"choose": choice} or {"next": step}',
    }),
  ),
  /** Since the task was opened. */
  reminders: z.optional(z.array(Duration).max(REMINDERS_MAX)),
  /** Since the task was opened: from then on these people are asked as well. */
  escalations: z.optional(
    z.array(z.strictObject({ after: Duration, assignees })).max(REMINDERS_MAX),
  ),
});

export const SetStep = z.strictObject({
  ...common,
  type: z.literal("set"),
  /** Written to `vars`, all at once. */
  values: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), Mapping)
    .refine((values) => Object.keys(values).length <= SET_VALUES_MAX),
});

export const FailStep = z.strictObject({
  ...base,
  type: z.literal("fail"),
  condition: z.optional(Expression),
  next: z.optional(StepId),
  onError: z.optional(StepId),
  code: ErrorCode,
  /** May hold `{{ }}`. */
  message: z.optional(Description),
});

export const WorkflowStepDefinition = z.discriminatedUnion("type", [
  ActionStep,
  DecisionStep,
  SwitchStep,
  ParallelStep,
  MapStep,
  LoopStep,
  WorkflowStep,
  WaitStep,
  EventStep,
  ApprovalStep,
  SetStep,
  FailStep,
]);
export type WorkflowStepDefinition = z.infer<typeof WorkflowStepDefinition>;

/** The steps of one type: `StepOf<"approval">`. */
export type StepOf<T extends WorkflowStepDefinition["type"]> = Extract<
  WorkflowStepDefinition,
  { type: T }
>;
