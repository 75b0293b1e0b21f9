/**
 * Workflow definitions: `{id, name, version, steps, compensation}` and its extensions, in JSON or YAML. This is the
 * contract between what is uploaded and what runs.
 *
 * Flow. The first step of the list starts; the order of the list means nothing else. A step without `next` ends its
 * branch; the run ends when no branch is left. A step whose `condition` is false is `skipped` (no output) and flow
 * goes on at `next` (of a parallel step: at `join`). A region is what is reachable from one start (the run, a branch,
 * a body) without leaving it; a step belongs to one region only.
 *
 * Failure. After the last attempt `steps.<id>.error` is `{code, message}`. With `onError` flow goes on at that step; if
 * that step has a `next` (or is a decision, switch or parallel step) the error counts as handled, if it ends there the
 * branch has failed with the first error. Without `onError` the branch fails. A failed branch fails its parallel, map
 * or loop step (which may have an `onError` of its own), at last the run; siblings settle first. A step fails with its
 * action's code, `timeout`, `rejected`, `expression`, `loop_limit`, `branch_failed`, `item_failed`, `child_failed`, or the
 * code of a `fail` step.
 *
 * Compensation. When the run has failed, completed steps that `compensation` names are undone in reverse order of
 * completion, each by running its undo step alone (that step's `next` is not followed), with its own `retry`. An
 * undo that fails is recorded and the older ones go on; then the run is `compensation_failed`, else `compensated`
 * (`failed` where there was nothing to undo). A step that ran as an `onError` target is not run again as an undo. An undo
 * step without `with` gets `{step, input, output, error}` of the step it undoes; expressions see the same as
 * `undo`. A step may be reachable through `compensation` or `onFailure` alone. Last, `onFailure` is run; it changes
 * no outcome.
 *
 * Steps:
 * - action: calls `action` of the catalogue with `with` (absent: the run's input); the output is its result.
 * - decision: `condition` true goes on at next[0], false at next[1] (missing: ends). `next: "x"` is a guard. Output: the
 *   truth. A condition that gives no bool fails the step.
 * - switch: the first true case, else `default`, else the branch ends. Output: the index of the case, or null.
 * - parallel: runs all branches of `next`, waits until all have settled, then `join`. Output: by head's id, the output
 *   of the last step of its branch. `require: any`: the first success goes on, the others are cancelled at their next
 *   step.
 * - map: runs the body from `do` once for each item (`item`, `index`), at most `maxConcurrency` at once. Output: the list
 *   of the last outputs of the bodies, in order of the items.
 * - loop: runs the body while `while` is true and at most `times` rounds (`index` counts from 0; `vars` carries state).
 *   Output: the last round's last output.
 * - workflow: runs another workflow; its output, or `child_failed`. `detached`: output `{run}` at once.
 * - wait: for a duration, or until a moment.
 * - event: waits for a signal or a published event; output: the event's data. What arrived before the step began and
 *   after the run did counts.
 * - approval: a task for people. Output: `{choice, by, at, comment, form}`. `approve` goes on at `next`, `reject` at
 *   `onReject` or fails with `rejected`; own `choices` at theirs.
 * - set: writes `vars`; output: what was written.
 * - fail: fails the branch with `code`.
 *
 * Expressions see `input`, `steps.<id>.{status, output, error}` (an id with `-`: `steps["a-b"]`), `run.{id, workflow,
 * version, tenant, correlationId, startedAt, trigger}`, `vars`, `now` (a timestamp); in a body `item` and `index`; in
 * `match`, triggers and an event step's `output` `event`; in an `output` mapping `output`; in an undo `undo`; in an `onError` or `onFailure` chain `error` `{step, code, message}`. Within a body `steps` shows this round's results over the outer ones. Unrolled step names are `<stepId>` and
 * `<stepId>[i]`; the idempotency key of an action is `<run>/<stepId>/<round>`, the same in every attempt.
 */
import * as z from "zod";
import { WorkflowStepDefinition } from "./workflow-step.ts";
import { WorkflowTrigger } from "./workflow-trigger.ts";
import {
  Description,
  Duration,
  Mapping,
  ObjectSchema,
  StepId,
  Title,
  WorkflowId,
  WorkflowVersion,
} from "./workflow-value.ts";

/** Steps of one definition. */
export const STEPS_MAX = 200;
/** Triggers of one definition. */
export const TRIGGERS_MAX = 20;
/** Labels of one definition. */
export const LABELS_MAX = 20;

export const WorkflowDefinition = z.strictObject({
  /** Where the document's schema is published; ignored. */
  $schema: z.optional(z.string().max(2048)),
  id: WorkflowId,
  name: Title,
  version: WorkflowVersion,
  description: z.optional(Description),
  labels: z.optional(
    z
      .record(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/), z.string().max(200))
      .refine((labels) => Object.keys(labels).length <= LABELS_MAX),
  ),
  /** JSON Schema that a run's input must fit. */
  input: z.optional(ObjectSchema),
  /** The run's output; absent: the last output of the run's main branch. */
  output: z.optional(Mapping),
  /** First values of `vars`; see `input` and `run`. */
  vars: z.optional(z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), Mapping)),
  /** Of the whole run, waits included; then it fails with `timeout` and is compensated. */
  timeout: z.optional(Duration),
  triggers: z.optional(z.array(WorkflowTrigger).max(TRIGGERS_MAX)),
  steps: z.array(WorkflowStepDefinition).min(1).max(STEPS_MAX),
  /** Which step undoes which. */
  compensation: z.optional(z.record(StepId, StepId)),
  /** First step of what is run once the run has failed and been compensated. Sees the failure as `error`. */
  onFailure: z.optional(StepId),
});
export type WorkflowDefinition = z.infer<typeof WorkflowDefinition>;
