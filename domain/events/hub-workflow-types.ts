/** Types of workflow runs, their steps and the tasks they open for people: ids, codes and names, no payloads. */
import { hubType, instant, objectOf, text, whole } from "./hub-schemas.ts";

const run = { run: text, workflow: text, version: text };
const trigger = { trigger: text, parent: text };
const error = objectOf({ code: text }, { step: text });
const step = objectOf({ ...run, step: text }, { round: whole, attempt: whole, error });
const slot = { schedule: text, workflow: text, slot: instant };
const task = { task: text, run: text, workflow: text, step: text };

export const WORKFLOW_EVENT_TYPES = [
  hubType("workflow.run.started", "A workflow run has begun", objectOf(run, trigger)),
  hubType("workflow.run.completed", "A workflow run has reached its end", objectOf(run, trigger)),
  hubType(
    "workflow.run.failed",
    "A workflow run has failed, or its compensation has",
    objectOf(run, { ...trigger, error }),
  ),
  hubType(
    "workflow.run.cancelled",
    "A workflow run was cancelled",
    objectOf(run, { ...trigger, reason: text }),
  ),
  hubType(
    "workflow.run.compensated",
    "A failed workflow run was undone",
    objectOf(run, { ...trigger, error }),
  ),
  hubType("workflow.run.paused", "A workflow run begins nothing further", objectOf(run, trigger)),
  hubType("workflow.run.resumed", "A paused workflow run goes on", objectOf(run, trigger)),
  hubType(
    "workflow.run.cancelling",
    "A workflow run is called off and ends when everything has settled",
    objectOf(run, trigger),
  ),
  hubType(
    "workflow.run.retried",
    "A workflow run, or its compensation, goes on after its end",
    objectOf(run, trigger),
  ),
  hubType("workflow.step.started", "A step of a run has begun", step),
  hubType("workflow.step.waiting", "A step waits for time, an event or a person", step),
  hubType("workflow.step.received", "A step has got what it waited for", step),
  hubType("workflow.step.retrying", "An attempt of a step has failed; another one follows", step),
  hubType("workflow.step.completed", "A step of a run has succeeded", step),
  hubType("workflow.step.skipped", "A step's condition was false", step),
  hubType("workflow.step.cancelled", "A step was given up with its branch or run", step),
  hubType("workflow.step.failed", "A step of a run has failed after its last attempt", step),
  hubType("workflow.step.compensating", "An attempt to undo a step has begun", step),
  hubType(
    "workflow.step.compensation_retrying",
    "An attempt to undo a step has failed; another one follows",
    step,
  ),
  hubType(
    "workflow.step.compensation_skipped",
    "A step is left as it is; `error.code` says why",
    step,
  ),
  hubType(
    "workflow.step.compensation_failed",
    "A step could not be undone; it waits for people",
    step,
  ),
  hubType("workflow.step.compensated", "A step of a run was undone", step),
  hubType(
    "schedule.fired",
    "A slot of a schedule has started a run",
    objectOf({ ...slot, run: text }),
  ),
  hubType(
    "schedule.skipped",
    "Slots of a schedule started nothing; `slot` is the last of them",
    objectOf({ ...slot, reason: text }, { slots: whole }),
  ),
  hubType("task.opened", "A task waits for a person", objectOf(task, { due_at: instant })),
  hubType(
    "task.reminded",
    "People were reminded of an open task",
    objectOf(task, { reminders: whole }),
  ),
  hubType(
    "task.escalated",
    "More people are asked for an open task",
    objectOf(task, { escalations: whole }),
  ),
  hubType("task.reassigned", "Other people are asked for an open task", objectOf(task)),
  hubType("task.answered", "A person has answered a task", objectOf({ ...task, choice: text })),
  hubType(
    "task.expired",
    "A task's time ran out without an answer",
    objectOf(task, { choice: text }),
  ),
] as const;
