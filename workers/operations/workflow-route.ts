/** Where new runs of a workflow go: found, changed under its revision, and told to those who start runs by themselves. */
import { HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import { deleteRoute } from "../../platform/repositories/workflow-insight.ts";
import {
  findVersion,
  readRoute,
  replaceRoute,
  type StoredVersion,
  type WorkflowRoute,
} from "../../platform/repositories/workflows.ts";
import type { WorkflowView } from "../../schema/api/workflows.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkIfMatch, etagOf } from "../http/etag.ts";
import { json } from "../http/route.ts";
import { followRoute } from "./trigger-sync.ts";

/** Names one workflow. */
export interface WorkflowName {
  readonly tenant: string;
  readonly workflow: string;
}

/** Changes that met another one are made anew this often. */
const TRIES_MAX = 5;

/** Throws not_found. */
export async function needRoute(
  { env }: ApiDeps,
  { tenant, workflow }: WorkflowName,
): Promise<WorkflowRoute> {
  const route = await readRoute(databaseFor(env, tenant), tenant, workflow);
  if (!route) throw new HubError("not_found", "no such workflow");
  return route;
}

/** The version of that number, or of the active one. Throws not_found. */
export async function needVersion(
  deps: ApiDeps,
  name: WorkflowName,
  version?: string,
): Promise<StoredVersion> {
  const { tenant, workflow } = name;
  const { active } = await needRoute(deps, name);
  const wanted = version ?? active;
  const stored = await findVersion(databaseFor(deps.env, tenant), tenant, workflow, wanted);
  if (!stored) throw new HubError("not_found", "no such version");
  return stored;
}

/** The route as it is; where there is none, one to this version. */
export async function ensureRoute(
  deps: ApiDeps,
  { tenant, workflow }: WorkflowName,
  version: string,
  nowMs: number,
): Promise<WorkflowRoute> {
  const db = databaseFor(deps.env, tenant);
  const fresh = { active: version, paused: false, updatedAtMs: nowMs };
  const made = await replaceRoute(db, { tenant, id: workflow }, fresh, 0);
  if (made) await followRoute(deps, { tenant, workflow }, nowMs);
  return needRoute(deps, { tenant, workflow });
}

interface Change {
  readonly headers: Headers;
  readonly nowMs: number;
  /** Of the route as it is. May throw what the caller is to be told; the same route says that nothing changes. */
  readonly to: (route: WorkflowRoute) => Omit<WorkflowRoute, "revision" | "updatedAtMs">;
}

/** Throws not_found, precondition_failed, what `to` throws, and conflict where others changed it all the time. */
export async function changeRoute(
  deps: ApiDeps,
  name: WorkflowName,
  { headers, nowMs, to }: Change,
): Promise<WorkflowRoute> {
  const { tenant, workflow } = name;
  const db = databaseFor(deps.env, tenant);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const route = await needRoute(deps, name);
    checkIfMatch(headers, tagOf(route));
    const next = to(route);
    if (next === route) return route;
    const changed = { ...next, updatedAtMs: Math.max(nowMs, route.updatedAtMs + 1) };
    if (!(await replaceRoute(db, { tenant, id: workflow }, changed, route.revision))) continue;
    deps.log("workflow.routed", { tenant, kind: workflow });
    await followRoute(deps, name, nowMs);
    return { ...changed, revision: route.revision + 1 };
  }
  throw new HubError("conflict", "it was changed at the same time");
}

/** Versions stay, so that a number never means two definitions. Throws not_found, precondition_failed, conflict. */
export async function removeRoute(
  deps: ApiDeps,
  name: WorkflowName,
  headers: Headers,
): Promise<void> {
  const { tenant, workflow } = name;
  const route = await needRoute(deps, name);
  checkIfMatch(headers, tagOf(route));
  const of = { tenant, id: workflow };
  if (!(await deleteRoute(databaseFor(deps.env, tenant), of, route.revision)))
    throw new HubError("conflict", "it was changed at the same time");
  deps.log("workflow.deleted", { tenant, kind: workflow });
  await followRoute(deps, name, deps.now());
}

/** The answer to whatever was asked of or done to a workflow. */
export async function answerWorkflow(
  { env }: ApiDeps,
  { tenant, workflow }: WorkflowName,
  route: WorkflowRoute,
): Promise<Response> {
  const stored = await findVersion(databaseFor(env, tenant), tenant, workflow, route.active);
  const view = workflowView(workflow, stored?.name ?? workflow, route);
  return json(200, view, { etag: etagOf(tagOf(route)) });
}

/** An ETag is a route's revision. */
function tagOf({ revision }: Pick<WorkflowRoute, "revision">): {
  readonly updatedAt: number;
} {
  return { updatedAt: revision };
}

export function workflowView(id: string, name: string, route: WorkflowRoute): WorkflowView {
  const { active, previous = null, rollout, paused, revision, updatedAtMs } = route;
  return {
    ...{ id, name, active, previous, paused, revision },
    rollout: rollout ? { ...rollout, keys: [...rollout.keys] } : null,
    updated_at: new Date(updatedAtMs).toISOString(),
  };
}
