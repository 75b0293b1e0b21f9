/**
 * Logs of runs that have ended, in R2 under `runs/<tenant>/<run>.json`, and a run's state at any entry of its log,
 * wherever that is kept.
 */
import type { LogEntry } from "../domain/workflows/run/decide.ts";
import { foldLog } from "../domain/workflows/run/fold.ts";
import { planOf } from "../domain/workflows/run/plan.ts";
import type { RunState } from "../domain/workflows/run/state.ts";
import type { WorkflowDefinition } from "../schema/workflow.ts";
import { runEvaluator } from "./workflow-evaluator.ts";
import { type RunName, workflowRun } from "./workflow-runs.ts";

export interface ArchivedRun extends RunName {
  readonly v: 1;
  readonly definition: WorkflowDefinition;
  readonly log: readonly LogEntry[];
}

/** Rejects as R2 does. The same run again replaces what was there. */
export async function archiveRun(
  env: Pick<Env, "STORE">,
  { tenant, run }: RunName,
  definition: WorkflowDefinition,
  log: readonly LogEntry[],
): Promise<void> {
  const body: ArchivedRun = { v: 1, tenant, run, definition, log };
  await env.STORE.put(keyOf({ tenant, run }), JSON.stringify(body));
}

export async function readArchivedRun(
  env: Pick<Env, "STORE">,
  name: RunName,
): Promise<ArchivedRun | undefined> {
  const stored = await env.STORE.get(keyOf(name));
  if (!stored) return undefined;
  const archived = JSON.parse(await stored.text()) as ArchivedRun;
  return archived.v === 1 ? archived : undefined;
}

/**
 * The state after the first `entries` of the log; absent: the latest. Undefined where there is no such run. Throws
 * where the log does not belong to its definition.
 */
export async function readRunState(
  env: Pick<Env, "STORE" | "WORKFLOW_RUN">,
  name: RunName,
  entries?: number,
): Promise<RunState | undefined> {
  const live = await workflowRun(env, name).state(entries);
  if (live) return live;
  const archived = await readArchivedRun(env, name);
  return archived && foldPrefix(archived.definition, archived.log, entries);
}

/** Throws where the log does not belong to the definition. */
export function foldPrefix(
  definition: WorkflowDefinition,
  log: readonly LogEntry[],
  entries = log.length,
): RunState | undefined {
  const folded = foldLog(planOf(definition), log.slice(0, entries), runEvaluator);
  if (!folded.ok) throw new Error(`entry ${folded.failure.seq} does not follow`);
  return folded.value;
}

function keyOf({ tenant, run }: RunName): string {
  return `runs/${tenant}/${run}.json`;
}
