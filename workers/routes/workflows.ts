/** Workflows: upload a definition, see what there is, and say which version new runs get. */
import * as z from "zod";
import { databaseFor } from "../../platform/database.ts";
import { listWorkflows } from "../../platform/repositories/workflows.ts";
import {
  UploadBody,
  UploadView,
  ValidationView,
  WorkflowView,
} from "../../schema/api/workflows.ts";
import { Id } from "../../schema/connection.ts";
import { WorkflowId } from "../../schema/workflow-value.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { needTenant } from "../operations/need-tenant.ts";
import { answerWorkflow, needRoute, workflowView } from "../operations/workflow-route.ts";
import { definitionSchema, SCHEMA_TYPE } from "../operations/workflow-schema.ts";
import { storeUpload, validateUpload, YAML_TYPES } from "../operations/workflow-upload.ts";

const TAG = "workflows";
const READ = { scope: "workflows:read", tenant: "key" } as const;
const WRITE = { scope: "workflows:write", tenant: "key" } as const;
const Params = z.strictObject({ workflow: WorkflowId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const WorkflowPage = pageOf(WorkflowView);
const PATH = "/workflows/:workflow";
const BODIES = {
  "application/json": UploadBody,
  ...Object.fromEntries(YAML_TYPES.map((type) => [type, z.string()])),
};
const FAULTS = { description: "Everything that is wrong with it: `faults` with line and path" };

export function registerWorkflows(api: Api, deps: ApiDeps): void {
  registerUpload(api, deps);
  registerReads(api, deps);
}

function registerUpload(api: Api, deps: ApiDeps): void {
  api.route({
    id: "uploadWorkflow",
    method: "post",
    path: "/workflows",
    tag: TAG,
    summary: "Upload a version of a workflow",
    description:
      "A definition as JSON or YAML, as the body or as the text in `source`; documents of the Serverless Workflow DSL 1.0 are translated, and `notes` say where they will run differently. `notes` also name connections, secrets, event types and workflows that are not there yet. What is wrong is told all at once: 422 with `faults`, each with `line`, `column`, `path`, `reason` and `message`. A version never changes: the same again is 200, another definition under the same number is 409. The first version of a workflow gets its new runs; a later one waits to be promoted.",
    access: WRITE,
    query: TenantQuery,
    bodies: BODIES,
    responses: {
      200: { description: "It is there already, the same", schema: UploadView },
      201: { description: "Stored", schema: UploadView },
      409: { description: "That version is another definition, or there are too many" },
      422: FAULTS,
    },
    handle: async ({ tenant, caller, request: { headers }, bytes, nowMs }) => {
      await needTenant(deps, caller, tenant, nowMs);
      const { created, view } = await storeUpload(deps, { tenant, headers, bytes, nowMs });
      return json(created ? 201 : 200, view);
    },
  });
  api.route({
    id: "validateWorkflow",
    method: "post",
    path: "/workflows/validate",
    tag: TAG,
    summary: "Say what an upload would do",
    description:
      "As `POST /workflows`, and changes nothing. The definition is as it would be stored.",
    access: { scope: "workflows:read", tenant: "key" },
    query: TenantQuery,
    bodies: BODIES,
    responses: {
      200: { description: "It could be uploaded", schema: ValidationView },
      422: FAULTS,
    },
    handle: async ({ tenant, request: { headers }, bytes, nowMs }) =>
      json(200, await validateUpload(deps, { tenant, headers, bytes, nowMs })),
  });
}

function registerReads(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "getWorkflowSchema",
    method: "get",
    path: "/workflows/schema",
    tag: TAG,
    summary: "The JSON Schema of definitions",
    description:
      "2020-12. What needs more than one field, such as steps that are not there, is checked on upload.",
    access: "public",
    responses: {
      200: { description: "The schema", schema: z.unknown(), type: SCHEMA_TYPE },
    },
    handle: async () => definitionSchema(vars.PUBLIC_URL),
  });
  api.route({
    id: "listWorkflows",
    method: "get",
    path: "/workflows",
    tag: TAG,
    summary: "Workflows by id",
    access: READ,
    query: z.strictObject({ ...PageQuery.shape, tenant: Id.optional() }),
    responses: { 200: { description: "A page of workflows", schema: WorkflowPage } },
    handle: async ({ tenant, query: { limit, cursor } }) => {
      const list = `workflows ${tenant}`;
      const after = await openCursor(vars.ID_SECRET, list, cursor);
      const rows = await listWorkflows(databaseFor(env, tenant), tenant, after, limit + 1);
      const page = await cutPage(vars.ID_SECRET, list, rows, limit, ({ id }) => id);
      const items = page.items.map(({ id, name, route }) => workflowView(id, name, route));
      return json(200, { ...page, items });
    },
  });
  api.route({
    id: "getWorkflow",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "A workflow, and where its new runs go",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The workflow", schema: WorkflowView } },
    handle: async ({ tenant, params }) => {
      const name = { tenant, ...params };
      return answerWorkflow(deps, name, await needRoute(deps, name));
    },
  });
}
