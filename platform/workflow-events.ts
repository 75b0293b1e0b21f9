/**
 * What a run's trail tells the tenant's bus: every transition. What becomes of runs and tasks, and steps that failed,
 * were undone or could not be, are told always; every other step only where a subscription wants it, and without a
 * copy in the log of events: the trail has it. Every event has an id of its own, made of its place in the run's log,
 * so that telling twice is once.
 */
import { carried } from "../domain/events/chain.ts";
import { hubEnvelope } from "../domain/events/hub-event.ts";
import type { AuditEntry, Transition } from "../domain/workflows/run/audit.ts";
import type { RunState } from "../domain/workflows/run/state.ts";
import type { ShardEvent } from "./event-shards.ts";
import { audienceOf, shardEventOf, type TellingDeps } from "./message-events.ts";
import { publishInOrder } from "./publish-in-order.ts";
import { taskRowId } from "./repositories/workflow-projection.ts";
import type { LogRow, TaskChange } from "./workflow-log.ts";

type Told = Parameters<typeof hubEnvelope>[1];

/** Publishes what these rows tell. False where something was not taken yet. Rejects as D1 does. */
export async function tellRows(
  deps: TellingDeps,
  state: RunState,
  rows: readonly LogRow[],
): Promise<boolean> {
  const { tenant, run, correlationId, depth } = state;
  const own = {
    ...(correlationId === undefined ? {} : { correlation: correlationId }),
    ...carried(depth),
  };
  const told = rows.flatMap((row) =>
    toldBy(state, row).map(({ event, part }) => {
      const { seq, atMs } = row.entry;
      return hubEnvelope(tenant, { ...event, ...own }, `${run}.${seq}.${part}`, atMs);
    }),
  );
  if (told.length === 0) return true;
  const audience = await audienceOf(deps, tenant, Date.now());
  const events = told.flatMap((event): ShardEvent[] => {
    const always = !VIEWS.has(event.event_type);
    return always || audience.wants(event) ? [shardEventOf(event, always)] : [];
  });
  const outcomes = await publishInOrder(deps, tenant, events);
  // What the bus refuses (no room, too large) is counted there and not tried for ever.
  return outcomes.every((outcome) => outcome.is !== "unavailable");
}

const VIEWS: ReadonlySet<string> = new Set([
  "workflow.step.started",
  "workflow.step.waiting",
  "workflow.step.received",
  "workflow.step.retrying",
  "workflow.step.completed",
  "workflow.step.skipped",
  "workflow.step.cancelled",
  "workflow.step.compensating",
  "workflow.step.compensation_retrying",
  "workflow.step.compensation_skipped",
]);

const RUNS: Readonly<Partial<Record<Transition, Told["type"]>>> = {
  run_started: "workflow.run.started",
  run_paused: "workflow.run.paused",
  run_resumed: "workflow.run.resumed",
  run_cancelling: "workflow.run.cancelling",
  run_retried: "workflow.run.retried",
};

/** What becomes of tasks is told by the tasks themselves. */
const STEPS: Readonly<Partial<Record<Transition, Told["type"]>>> = {
  step_started: "workflow.step.started",
  step_waiting: "workflow.step.waiting",
  event_received: "workflow.step.received",
  step_retrying: "workflow.step.retrying",
  step_completed: "workflow.step.completed",
  step_skipped: "workflow.step.skipped",
  step_cancelled: "workflow.step.cancelled",
  step_failed: "workflow.step.failed",
  compensation_started: "workflow.step.compensating",
  compensation_retrying: "workflow.step.compensation_retrying",
  compensation_skipped: "workflow.step.compensation_skipped",
  compensation_failed: "workflow.step.compensation_failed",
  compensation_completed: "workflow.step.compensated",
};

const ENDS: Readonly<Record<string, Told["type"]>> = {
  completed: "workflow.run.completed",
  failed: "workflow.run.failed",
  compensation_failed: "workflow.run.failed",
  compensated: "workflow.run.compensated",
  cancelled: "workflow.run.cancelled",
};

/** Steps and runs by the trail, tasks by what became of them; each with a name that no other event of the row has. */
function toldBy(state: RunState, { audit, tasks }: LogRow) {
  const steps = audit.map((entry, part) => ({ event: eventOf(state, entry), part: String(part) }));
  const asked = tasks.map((change, part) => ({
    event: taskEvent(state, change),
    part: `task${part}`,
  }));
  return [...steps, ...asked].flatMap(({ event, part }) => (event ? [{ event, part }] : []));
}

function eventOf(state: RunState, entry: AuditEntry): Told | undefined {
  if (entry.what === "saga_completed" || entry.what === "saga_failed")
    return runEvent(state, ENDS[entry.outcome ?? "completed"] ?? "workflow.run.failed", entry);
  const run = RUNS[entry.what];
  if (run) return runEvent(state, run, {});
  const step = STEPS[entry.what];
  return step && stepEvent(step, entry);
}

function stepEvent(
  type: Told["type"],
  { run, workflow, version, step = "", attempt, reason }: AuditEntry,
): Told {
  const data = {
    ...{ run, workflow, version, step },
    ...(attempt === undefined ? {} : { attempt }),
    ...(reason === undefined ? {} : { error: { code: reason } }),
  };
  return { type, data, subject: run };
}

function runEvent(
  { run, workflow, version, trigger, parent }: RunState,
  type: Told["type"],
  { reason }: { readonly reason?: string },
): Told {
  const why =
    type === "workflow.run.cancelled" ? { reason } : { error: { code: reason ?? "unclassified" } };
  const data = {
    ...{ run, workflow, version },
    ...(trigger === undefined ? {} : { trigger }),
    ...(parent === undefined ? {} : { parent: parent.run }),
    ...(reason === undefined ? {} : why),
  };
  return { type, data, subject: run };
}

/** Undefined for what nobody needs to hear: a comment, a task that was called off with its run. */
function taskEvent({ run, workflow }: RunState, change: TaskChange): Told | undefined {
  if (change.is === "close" ? change.how === "closed" : change.why === "commented")
    return undefined;
  const { id, step, dueAtMs, reminders, escalations, end } = change.details;
  const data = { task: taskRowId(run, id), run, workflow, step };
  const choice = end?.choice === undefined ? {} : { choice: end.choice };
  const told = (type: Told["type"], more: Told["data"] = {}): Told => {
    return { type, data: { ...data, ...more }, subject: run };
  };
  if (change.is === "close")
    return told(change.how === "answered" ? "task.answered" : "task.expired", choice);
  switch (change.why) {
    case "opened":
      return told("task.opened", dueAtMs ? { due_at: new Date(dueAtMs).toISOString() } : {});
    case "reminded":
      return told("task.reminded", { reminders });
    case "escalated":
      return told("task.escalated", { escalations });
    default:
      return told("task.reassigned");
  }
}
