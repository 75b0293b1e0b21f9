/**
 * Starts runs, whoever asks: the API, a trigger, a schedule, another run. Two starts under one key are one run: its
 * id is made of tenant, workflow and key.
 */

import { carried } from "../../domain/events/chain.ts";
import type { DataError } from "../../domain/events/registry.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import type { Refusal } from "../../domain/workflows/run/events.ts";
import type { Json, RunState } from "../../domain/workflows/run/state.ts";
import { databaseFor } from "../../platform/database.ts";
import { schemaValidator } from "../../platform/json-schema.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { hash32 } from "../../platform/queues.ts";
import { runQuery } from "../../platform/repositories/workflow-runs.ts";
import {
  findVersion,
  type RouteRow,
  routeOf,
  routeQuery,
  type WorkflowRoute,
} from "../../platform/repositories/workflows.ts";
import { runIdOf } from "../../platform/workflow-ids.ts";
import { workflowRun } from "../../platform/workflow-runs.ts";
import type { WorkflowDefinition } from "../../schema/workflow.ts";

export interface RunStart {
  readonly tenant: string;
  readonly workflow: string;
  /** Absent: where the workflow's route leads. */
  readonly version?: string;
  readonly input: Json;
  /** Idempotency key: of one workflow. */
  readonly key: string;
  /** `api`, `event`, `message`, `schedule`, `webhook`, `workflow`. */
  readonly trigger: string;
  readonly correlationId?: string;
  readonly parent?: NonNullable<RunState["parent"]>;
  /** Of the run, in its chain of events; absent: it begins one. */
  readonly depth?: number;
  readonly nowMs: number;
}

export type StartFailure =
  | { readonly reason: "unknown_workflow" | "unknown_version" | "paused" }
  /** What of the input does not fit the definition's schema, with JSON pointers into it. */
  | { readonly reason: "invalid_input"; readonly faults: readonly DataError[] }
  | { readonly reason: "too_large"; readonly max: number }
  /** Database or object could not be reached: the same start may be made again. */
  | { readonly reason: "unavailable" };

export interface StartedRun {
  readonly run: string;
  readonly version: string;
  /** It had been started before; version and input are those of then. */
  readonly duplicate: boolean;
}

/** Never rejects. The run is durable when it answers. */
export async function startRun(
  env: Env,
  start: RunStart,
): Promise<Result<StartedRun, StartFailure>> {
  const run = await runIdOf(start.tenant, start.workflow, start.key);
  const started = await begin(env, run, start).catch(() =>
    fail({ reason: "unavailable" } as const),
  );
  const { tenant, workflow, trigger } = start;
  const outcome = started.ok
    ? started.value.duplicate
      ? "duplicate"
      : "started"
    : started.failure.reason;
  count("workflow_starts_total", { tenant, trigger, outcome });
  logLine("run.started", { tenant, job: run, kind: workflow, operation: trigger, outcome });
  return started;
}

async function begin(
  env: Env,
  run: string,
  start: RunStart,
): Promise<Result<StartedRun, StartFailure>> {
  const { tenant, workflow, input, correlationId, trigger, parent, depth } = start;
  const db = databaseFor(env, tenant);
  const known = await db.batch<Record<string, unknown>>([
    routeQuery(db, tenant, workflow),
    runQuery(db, tenant, run),
  ]);
  const before = known[1]?.results[0];
  if (before) return ok({ run, version: String(before.version), duplicate: true });
  const row = known[0]?.results[0] as RouteRow | undefined;
  const chosen = await choose(db, start, row && routeOf(row));
  if (!chosen.ok) return chosen;
  const definition = chosen.value;
  const faults = definition.input ? schemaValidator()(definition.input, input) : [];
  if (faults.length > 0) return fail({ reason: "invalid_input", faults });
  const reply = await workflowRun(env, { tenant, run }).start({
    ...{ tenant, run, definition },
    event: {
      ...{ is: "started", run, tenant, input, trigger },
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(parent === undefined ? {} : { parent }),
      ...carried(depth),
    },
  });
  if (!reply.ok) return fail(refused(reply.failure));
  return ok({ run, ...reply.value });
}

function refused(refusal: Refusal): StartFailure {
  if (refusal.reason === "too_large") return { reason: "too_large", max: refusal.max };
  return { reason: "unavailable" };
}

async function choose(
  db: D1Database,
  start: RunStart,
  route: WorkflowRoute | undefined,
): Promise<Result<WorkflowDefinition, StartFailure>> {
  const { tenant, workflow } = start;
  if (!route) return fail({ reason: "unknown_workflow" });
  if (route.paused) return fail({ reason: "paused" });
  const version = start.version ?? versionFor(workflow, route, start.correlationId ?? start.key);
  const definition = await definitionOf(db, tenant, workflow, version);
  return definition ? ok(definition) : fail({ reason: "unknown_version" });
}

const SHARES = 10_000;

/** The version of a start: whoever got the next one once keeps getting it while its share does not shrink. */
export function versionFor(
  workflow: string,
  { active, rollout }: Pick<WorkflowRoute, "active" | "rollout">,
  who: string,
): string {
  if (!rollout) return active;
  if (rollout.keys.includes(who)) return rollout.version;
  const place = hash32(`${workflow}\n${rollout.version}\n${who}`) % SHARES;
  return place < (rollout.percent / 100) * SHARES ? rollout.version : active;
}

/** Versions never change: what was read once is kept. */
const definitions = new Map<string, WorkflowDefinition>();
const DEFINITIONS_MAX = 200;

async function definitionOf(
  db: D1Database,
  tenant: string,
  workflow: string,
  version: string,
): Promise<WorkflowDefinition | undefined> {
  const key = JSON.stringify([tenant, workflow, version]);
  const kept = definitions.get(key);
  if (kept) return kept;
  const stored = await findVersion(db, tenant, workflow, version);
  if (!stored) return undefined;
  if (definitions.size >= DEFINITIONS_MAX)
    definitions.delete(definitions.keys().next().value ?? "");
  definitions.set(key, stored.definition);
  return stored.definition;
}
