/** The tables of workflows: definitions, where new runs go, the projection of runs, steps, trail and tasks, schedules, secrets and data. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Versions of definitions; never changed once they are there. Keyed (tenant_id, id, version). */
export const workflows = sqliteTable("workflows", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  version: text("version").notNull(),
  name: text("name").notNull(),
  /** As it was uploaded, JSON or YAML. */
  source: text("source").notNull(),
  /** The checked definition (`schema/workflow.ts`) as JSON. */
  definition: text("definition").notNull(),
  /** SHA-256 of the canonical definition, hexadecimal. */
  digest: text("digest").notNull(),
  createdAt: integer("created_at").notNull(),
});

/** Which version new runs get. Keyed (tenant_id, id). */
export const workflowRoutes = sqliteTable("workflow_routes", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  /** The version of runs that name none. */
  active: text("active").notNull(),
  /** The version before, for a roll-back. */
  previous: text("previous"),
  /** `{version, percent, keys}`: the next version, and who gets it already; null where there is none. */
  rollout: text("rollout"),
  /** 1: no run starts. */
  paused: integer("paused").notNull().default(0),
  /** Rises with every change. */
  revision: integer("revision").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** One row per run. Keyed (tenant_id, id); indexes (tenant_id, started_at), by correlation id, and of failed undos. */
export const workflowRuns = sqliteTable("workflow_runs", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  workflowId: text("workflow_id").notNull(),
  version: text("version").notNull(),
  /** As people are told it (`shownStatus`). */
  status: text("status").notNull(),
  trigger: text("trigger").notNull(),
  correlationId: text("correlation_id"),
  parentRun: text("parent_run"),
  /** Code of the failure. */
  reason: text("reason"),
  /** Undos that failed and wait for people. */
  undosFailed: integer("undos_failed").notNull().default(0),
  startedAt: integer("started_at").notNull(),
  endedAt: integer("ended_at"),
  updatedAt: integer("updated_at").notNull(),
  /** Of the run's log; a projection never goes back. */
  seq: integer("seq").notNull(),
  /** Where the log is once the run's object has forgotten it; null before. */
  archivedAt: integer("archived_at"),
});

/** One row per execution of a step or undo. Keyed (tenant_id, run_id, key). */
export const workflowSteps = sqliteTable("workflow_steps", {
  tenantId: text("tenant_id").notNull(),
  runId: text("run_id").notNull(),
  /** `<id>`, `<id>[i]`, `#n`; an undo's begins with `undo:`. */
  key: text("key").notNull(),
  stepId: text("step_id").notNull(),
  workflowId: text("workflow_id").notNull(),
  version: text("version").notNull(),
  type: text("type").notNull(),
  status: text("status").notNull(),
  attempts: integer("attempts").notNull(),
  reason: text("reason"),
  startedAt: integer("started_at").notNull(),
  endedAt: integer("ended_at"),
});

/** The trail of a run: ids and codes, no data. Keyed (tenant_id, run_id, seq, part). */
export const workflowAudit = sqliteTable("workflow_audit", {
  tenantId: text("tenant_id").notNull(),
  runId: text("run_id").notNull(),
  seq: integer("seq").notNull(),
  part: integer("part").notNull(),
  at: integer("at").notNull(),
  what: text("what").notNull(),
  step: text("step"),
  attempt: integer("attempt"),
  outcome: text("outcome"),
  reason: text("reason"),
});

/** Questions to people. Keyed (tenant_id, id); indexes (tenant_id, opened_at, id), (tenant_id, run_id). */
export const workflowTasks = sqliteTable("workflow_tasks", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  runId: text("run_id").notNull(),
  /** Key of the step that asks. */
  stepKey: text("step_key").notNull(),
  workflowId: text("workflow_id").notNull(),
  /** `open`, `answered`, `expired`, `closed` (nobody waits for an answer any more). */
  state: text("state").notNull(),
  /** The task as the run keeps it, with its form, as JSON. */
  details: text("details").notNull(),
  choice: text("choice"),
  answeredBy: text("answered_by"),
  openedAt: integer("opened_at").notNull(),
  dueAt: integer("due_at"),
  updatedAt: integer("updated_at").notNull(),
});

/** Schedules that are not part of a definition, and how far each is. Keyed (tenant_id, id). */
export const schedules = sqliteTable("schedules", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  config: text("config").notNull(),
  /** Rises with every change. */
  revision: integer("revision").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** What every slot of a schedule came to: fired, or left out and why. Keyed (tenant_id, schedule_id, slot). */
export const scheduleSlots = sqliteTable("schedule_slots", {
  tenantId: text("tenant_id").notNull(),
  scheduleId: text("schedule_id").notNull(),
  /** ms since the epoch. */
  slot: integer("slot").notNull(),
  /** `fired`, or the reason why not. */
  outcome: text("outcome").notNull(),
  /** Slots this row stands for. */
  count: integer("count").notNull().default(1),
  runId: text("run_id"),
  at: integer("at").notNull(),
});

/** A tenant's secrets for actions, sealed. Keyed (tenant_id, name). */
export const tenantSecrets = sqliteTable("tenant_secrets", {
  tenantId: text("tenant_id").notNull(),
  name: text("name").notNull(),
  sealed: text("sealed").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** A tenant's own data, for workflows and the API. Keyed (tenant_id, key). */
export const tenantData = sqliteTable("tenant_data", {
  tenantId: text("tenant_id").notNull(),
  key: text("key").notNull(),
  value: text("value").notNull(),
  /** Rises with every change; an expected one makes a write conditional. */
  revision: integer("revision").notNull(),
  /** Idempotency key of the last write. */
  writtenBy: text("written_by"),
  updatedAt: integer("updated_at").notNull(),
});
