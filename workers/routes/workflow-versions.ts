/** Versions of workflows: what there is, what it says, how two of them differ, and how one looks. */
import * as z from "zod";
import { diffDefinitions } from "../../domain/workflows/definition/diff.ts";
import { databaseFor } from "../../platform/database.ts";
import { WORKFLOW_VERSIONS_MAX } from "../../platform/repositories/workflow-insight.ts";
import {
  type ListedVersion,
  listVersions,
  type WorkflowRoute,
} from "../../platform/repositories/workflows.ts";
import {
  DiffView,
  GraphFormat,
  VersionDetail,
  VersionList,
  type VersionView,
} from "../../schema/api/workflows.ts";
import { Id } from "../../schema/connection.ts";
import { WorkflowId, WorkflowVersion } from "../../schema/workflow-value.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";
import { GRAPH_RESPONSE, graphAnswer } from "../operations/workflow-graph.ts";
import { needRoute, needVersion } from "../operations/workflow-route.ts";
import { YAML_TYPES } from "../operations/workflow-upload.ts";

const TAG = "workflows";
const READ = { scope: "workflows:read", tenant: "key" } as const;
const OfWorkflow = z.strictObject({ workflow: WorkflowId });
const OfVersion = z.strictObject({ workflow: WorkflowId, version: WorkflowVersion });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const YAML = YAML_TYPES[0];
const PATH = "/workflows/:workflow";

export function registerWorkflowVersions(api: Api, deps: ApiDeps): void {
  registerList(api, deps);
  registerDetail(api, deps);
  registerComparison(api, deps);
}

function registerList(api: Api, deps: ApiDeps): void {
  api.route({
    id: "listWorkflowVersions",
    method: "get",
    path: `${PATH}/versions`,
    tag: TAG,
    summary: "Versions of a workflow",
    description: `Latest upload first; all of them, at most ${WORKFLOW_VERSIONS_MAX}.`,
    access: READ,
    params: OfWorkflow,
    query: TenantQuery,
    responses: { 200: { description: "The versions", schema: VersionList } },
    handle: async ({ tenant, params: { workflow } }) => {
      const route = await needRoute(deps, { tenant, workflow });
      const db = databaseFor(deps.env, tenant);
      const rows = await listVersions(db, tenant, workflow, WORKFLOW_VERSIONS_MAX);
      return json(200, { items: rows.map((row) => viewOf(row, route)) });
    },
  });
}

function registerDetail(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getWorkflowVersion",
    method: "get",
    path: `${PATH}/versions/:version`,
    tag: TAG,
    summary: "A version with its definition",
    access: READ,
    params: OfVersion,
    query: TenantQuery,
    responses: { 200: { description: "The version", schema: VersionDetail } },
    handle: async ({ tenant, params: { workflow, version } }) => {
      const stored = await needVersion(deps, { tenant, workflow }, version);
      const route = await needRoute(deps, { tenant, workflow });
      const { definition, source } = stored;
      return json(200, { ...viewOf(stored, route), definition, source });
    },
  });
  api.route({
    id: "getWorkflowSource",
    method: "get",
    path: `${PATH}/versions/:version/source`,
    tag: TAG,
    summary: "A version as it was uploaded",
    description: "Its text, character by character: as YAML, or as JSON where it is that.",
    access: READ,
    params: OfVersion,
    query: TenantQuery,
    responses: {
      200: {
        description: "The text",
        type: YAML,
        schema: z.string(),
        also: { "application/json": z.record(z.string(), z.unknown()) },
      },
    },
    handle: async ({ tenant, params: { workflow, version } }) => {
      const { source } = await needVersion(deps, { tenant, workflow }, version);
      const type = isJson(source) ? "application/json" : YAML;
      return new Response(source, {
        headers: { "content-type": type, "cache-control": "no-store" },
      });
    },
  });
}

function registerComparison(api: Api, deps: ApiDeps): void {
  api.route({
    id: "diffWorkflowVersions",
    method: "get",
    path: `${PATH}/diff`,
    tag: TAG,
    summary: "What changed from one version to another",
    description: "By step and field; the order of steps is no change, but for the first one.",
    access: READ,
    params: OfWorkflow,
    query: z.strictObject({
      tenant: Id.optional(),
      from: WorkflowVersion,
      to: WorkflowVersion,
    }),
    responses: { 200: { description: "The changes", schema: DiffView } },
    handle: async ({ tenant, params: { workflow }, query: { from, to } }) => {
      const name = { tenant, workflow };
      const [before, after] = [
        await needVersion(deps, name, from),
        await needVersion(deps, name, to),
      ];
      const { startMoved, ...changes } = diffDefinitions(before.definition, after.definition);
      const same = before.digest === after.digest;
      return json(200, { workflow, from, to, same, ...changes, start_moved: startMoved });
    },
  });
  api.route({
    id: "getWorkflowGraph",
    method: "get",
    path: `${PATH}/graph`,
    tag: TAG,
    summary: "A workflow as a picture",
    description: "Mermaid or SVG, by `format`, else by `Accept`. Without `version` the active one.",
    access: READ,
    params: OfWorkflow,
    query: z.strictObject({
      tenant: Id.optional(),
      version: WorkflowVersion.optional(),
      format: GraphFormat,
    }),
    responses: { 200: GRAPH_RESPONSE },
    handle: async ({ tenant, params: { workflow }, query: { version, format }, request }) => {
      const { definition } = await needVersion(deps, { tenant, workflow }, version);
      return graphAnswer(definition, { format, headers: request.headers });
    },
  });
}

function viewOf(row: ListedVersion, route: WorkflowRoute): VersionView {
  const { id: workflow, version, name, digest, createdAtMs } = row;
  const created_at = new Date(createdAtMs).toISOString();
  return { workflow, version, name, digest, state: stateOf(version, route), created_at };
}

function stateOf(version: string, { active, previous, rollout }: WorkflowRoute) {
  if (version === active) return "active";
  if (version === rollout?.version) return "rollout";
  return version === previous ? "previous" : "stored";
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
