/** What steps of definitions may call: the hub's actions, and services of the tenant's own. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { PutService, ServiceList, ServiceView } from "../../schema/api/workflow-stores.ts";
import { ActionList } from "../../schema/api/workflows.ts";
import { Id } from "../../schema/connection.ts";
import { ActionName } from "../../schema/workflow-value.ts";
import { checkSettings } from "../http/check-settings.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json, noContent } from "../http/route.ts";
import { needTenant } from "../operations/need-tenant.ts";
import { changeServices, type Services, serviceView } from "../operations/workflow-services.ts";
import { ACTIONS } from "../workflows/actions/registry.ts";
import { SERVICES_MAX, servicesOf } from "../workflows/actions/service.ts";

const TAG = "workflows";
const READ = { scope: "workflows:read", tenant: "key" } as const;
const WRITE = { scope: "workflows:write", tenant: "key" } as const;
const Params = z.strictObject({ action: ActionName });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const PATH = "/workflow-services/:action";

export function registerWorkflowActions(api: Api, deps: ApiDeps): void {
  registerCatalogue(api, deps);
  registerServices(api, deps);
}

function registerCatalogue(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "listWorkflowActions",
    method: "get",
    path: "/workflow-actions",
    tag: TAG,
    summary: "Actions that steps may call",
    description:
      "With JSON Schemas of what goes in (a step's `with`) and comes out. A service of the tenant's own takes and gives anything.",
    access: READ,
    query: TenantQuery,
    responses: { 200: { description: "The actions, by name", schema: ActionList } },
    handle: async ({ tenant }) => {
      const hub = [...ACTIONS].map(([name, { description, input, output }]) => {
        return { name, owner: "hub", description, input, output } as const;
      });
      const services = [...(await servicesOf(env, tenant)).keys()].filter(
        (name) => !ACTIONS.has(name),
      );
      const own = services.map((name) => {
        const description = "A service of the tenant's own.";
        return { name, owner: "tenant", description, input: true, output: true } as const;
      });
      const items = [...hub, ...own].toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return json(200, { items });
    },
  });
}

function registerServices(api: Api, deps: ApiDeps): void {
  api.route({
    id: "listWorkflowServices",
    method: "get",
    path: "/workflow-services",
    tag: TAG,
    summary: "Services that steps may call",
    description: `At most ${SERVICES_MAX}, by name.`,
    access: READ,
    query: TenantQuery,
    responses: { 200: { description: "The services", schema: ServiceList } },
    handle: async ({ tenant }) => {
      const services = [...(await servicesOf(deps.env, tenant))].map(serviceView);
      return json(200, { items: services.toSorted((a, b) => (a.action < b.action ? -1 : 1)) });
    },
  });
  api.route({
    id: "putWorkflowService",
    method: "put",
    path: PATH,
    tag: TAG,
    summary: "Name a service, so that steps may call it",
    description:
      "Calls are `POST {run, step, action, input}`, signed by Standard Webhooks where `secret` names one of the tenant's secrets; the answer is the step's output, or 4xx with `{error: {code, message, retryable}}`. Names of the hub's own actions are taken: 422.",
    access: WRITE,
    params: Params,
    body: PutService,
    responses: {
      200: { description: "The service", schema: ServiceView },
      409: { description: `There are ${SERVICES_MAX} already` },
      422: { description: "That is an action of the hub's" },
    },
    handle: async ({ tenant, caller, params: { action }, body, nowMs }) => {
      await needTenant(deps, caller, tenant, nowMs);
      if (ACTIONS.has(action)) throw new HubError("unprocessable", "it is an action of the hub's");
      const { url, secret, timeout_ms: timeoutMs } = body;
      checkSettings(deps.vars, [{ at: "#", url }]);
      const service = {
        url,
        ...(secret === undefined ? {} : { secret }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      };
      await changeServices(deps, tenant, nowMs, (services) =>
        withService(services, action, service),
      );
      return json(200, serviceView([action, service]));
    },
  });
  api.route({
    id: "deleteWorkflowService",
    method: "delete",
    path: PATH,
    tag: TAG,
    summary: "Forget a service",
    description: "Steps that call it fail from now on, with `unknown_action`.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 204: { description: "Gone" } },
    handle: async ({ tenant, params: { action }, nowMs }) => {
      await changeServices(deps, tenant, nowMs, (services) => {
        if (!services.has(action)) throw new HubError("not_found", "no such service");
        return new Map([...services].filter(([name]) => name !== action));
      });
      return noContent();
    },
  });
}

function withService(services: Services, action: string, service: ServiceOf): Services {
  if (!services.has(action) && services.size >= SERVICES_MAX)
    throw new HubError("conflict", `a tenant may have ${SERVICES_MAX} services`);
  return new Map([...services, [action, service]]);
}

type ServiceOf = Services extends ReadonlyMap<string, infer S> ? S : never;
