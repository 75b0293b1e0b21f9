/** The workflows that come with the product: see them with what they need, and install one. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { actionsOf, READY_WORKFLOWS, secretsOf } from "../../domain/workflows/ready/list.ts";
import { databaseFor } from "../../platform/database.ts";
import { listSecrets } from "../../platform/repositories/tenant-secrets.ts";
import { ReadyWorkflowList } from "../../schema/api/workflow-ready.ts";
import { UploadView } from "../../schema/api/workflows.ts";
import { Id } from "../../schema/connection.ts";
import { WorkflowId } from "../../schema/workflow-value.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";
import { needTenant } from "../operations/need-tenant.ts";
import { storeUpload } from "../operations/workflow-upload.ts";
import { actionCatalogue } from "../workflows/actions/registry.ts";

const TAG = "workflows";
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const JSON_TEXT = new Headers({ "content-type": "application/json" });

/** Before `registerWorkflows`, whose paths would take `ready` for a workflow's id. */
export function registerReadyWorkflows(api: Api, deps: ApiDeps): void {
  registerList(api, deps);
  registerInstall(api, deps);
}

function registerList(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "listReadyWorkflows",
    method: "get",
    path: "/workflows/ready",
    tag: TAG,
    summary: "Workflows that come with the hub",
    description:
      "With everything each of them needs, and whether the tenant has it: services under `PUT /workflow-services/{action}`, secrets under `PUT /secrets/{name}`.",
    access: { scope: "workflows:read", tenant: "key" },
    query: TenantQuery,
    responses: { 200: { description: "The ready workflows", schema: ReadyWorkflowList } },
    handle: async ({ tenant }) => json(200, await readyFor(env, tenant)),
  });
}

async function readyFor(env: Env, tenant: string): Promise<ReadyWorkflowList> {
  const [{ actions }, secrets] = await Promise.all([
    actionCatalogue(env, tenant),
    listSecrets(databaseFor(env, tenant), tenant),
  ]);
  const present = new Set(secrets.map(({ name }) => name));
  const items = READY_WORKFLOWS.map((definition) => {
    const { id, version, name, description = "" } = definition;
    return {
      ...{ id, version, name, description, definition: { ...definition } },
      actions: actionsOf(definition).map((one) => ({ name: one, bound: actions.has(one) })),
      secrets: secretsOf(definition).map((one) => ({ name: one, present: present.has(one) })),
    };
  });
  return { items };
}

function registerInstall(api: Api, deps: ApiDeps): void {
  api.route({
    id: "installReadyWorkflow",
    method: "post",
    path: "/workflows/ready/:ready/install",
    tag: TAG,
    summary: "Install a workflow that comes with the hub",
    description:
      "Stores its definition as an upload would, under its own id and version; from then on it is the tenant's. 422 with `faults` names each service that is missing.",
    access: { scope: "workflows:write", tenant: "key" },
    params: z.strictObject({ ready: WorkflowId }),
    query: TenantQuery,
    responses: {
      200: { description: "Installed, now or before", schema: UploadView },
      409: { description: "The tenant has another definition under that id and version" },
      422: { description: "Services that its steps call are missing: `faults`" },
    },
    handle: async ({ tenant, caller, params: { ready }, nowMs }) => {
      const definition = READY_WORKFLOWS.find(({ id }) => id === ready);
      if (!definition) throw new HubError("not_found");
      await needTenant(deps, caller, tenant, nowMs);
      const bytes = new TextEncoder().encode(JSON.stringify(definition, undefined, 2));
      const call = { tenant, headers: JSON_TEXT, bytes, nowMs };
      const { view } = await storeUpload(deps, call);
      return json(200, view);
    },
  });
}
