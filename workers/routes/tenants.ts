/** Tenants: create, read, change, delete, and re-wrapping of their data keys. */
import * as z from "zod";
import { patchConfig } from "../../domain/connections/patch.ts";
import { HubError } from "../../domain/errors.ts";
import {
  createTenant,
  deleteTenant,
  listTenants,
  needTenant,
  type StoredTenant,
  updateTenant,
  viewTenant,
} from "../../platform/repositories/tenants.ts";
import { CreateTenant, TenantPatch, TenantView } from "../../schema/api/tenants.ts";
import { Id } from "../../schema/connection.ts";
import { checkSettings, partsOfTenant } from "../http/check-settings.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkIfMatch, etagOf, isUnchanged } from "../http/etag.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json, noContent } from "../http/route.ts";
import { eraseTenant } from "../operations/erase-tenant.ts";
import { renewSocket } from "../operations/renew-socket.ts";

const Params = z.strictObject({ tenant: Id });
const TenantPage = pageOf(TenantView);
const Rotation = z.object({ rewrapped: z.int(), left: z.int() });
const LIST = "tenants";

export function registerTenants(api: Api, deps: ApiDeps): void {
  registerCollection(api, deps);
  registerChanges(api, deps);
  const { vault } = deps;
  api.route({
    id: "rotateTenantKeys",
    method: "post",
    path: "/tenants/:tenant/rotate-keys",
    tag: "tenants",
    summary: "Wrap a tenant's data keys under the newest key-encryption key",
    description: "`left` counts data keys that no configured key-encryption key opens.",
    access: { scope: "tenants:write", tenant: "operator" },
    params: Params,
    responses: { 200: { description: "How many keys were wrapped anew", schema: Rotation } },
    handle: async ({ params }) => {
      await needTenant(storeOf(deps), params.tenant);
      return json(200, await vault.rotate(params.tenant));
    },
  });
}

function registerCollection(api: Api, deps: ApiDeps): void {
  const { vars } = deps;
  api.route({
    id: "listTenants",
    method: "get",
    path: "/tenants",
    tag: "tenants",
    summary: "List tenants",
    description: "A tenant's key sees its own tenant only.",
    access: { scope: "tenants:read", tenant: "resource" },
    query: PageQuery,
    responses: { 200: { description: "A page of tenants", schema: TenantPage } },
    handle: async ({ query, caller }) => {
      if (caller?.kind === "tenant") {
        return json(200, { items: [viewTenant(await needTenant(storeOf(deps), caller.tenant))] });
      }
      const after = await openCursor(vars.ID_SECRET, LIST, query.cursor);
      const rows = await listTenants(storeOf(deps), after, query.limit + 1);
      const page = await cutPage(vars.ID_SECRET, LIST, rows, query.limit, ({ row }) => row.id);
      return json(200, { ...page, items: page.items.map(viewTenant) });
    },
  });
  api.route({
    id: "createTenant",
    method: "post",
    path: "/tenants",
    tag: "tenants",
    summary: "Add a tenant, with its connections and keys in the same call",
    access: { scope: "tenants:write", tenant: "operator" },
    body: CreateTenant,
    responses: {
      201: { description: "The tenant", schema: TenantView },
      409: { description: "An id or key is in use" },
    },
    handle: async ({ body, nowMs, waitUntil }) => {
      checkSettings(deps.vars, partsOfTenant(body));
      const stored = await createTenant(storeOf(deps), body, nowMs);
      forget(deps, body.id);
      for (const input of body.connections) waitUntil(renewSocket(deps, body.id, input));
      return answer(201, stored, { location: `/tenants/${body.id}` });
    },
  });
}

function registerChanges(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getTenant",
    method: "get",
    path: "/tenants/:tenant",
    tag: "tenants",
    summary: "Read a tenant",
    access: { scope: "tenants:read", tenant: "path" },
    params: Params,
    responses: {
      200: { description: "The tenant", schema: TenantView },
      304: { description: "`If-None-Match` names this version" },
    },
    handle: async ({ tenant, request }) => {
      const stored = await needTenant(storeOf(deps), tenant);
      if (isUnchanged(request.headers, stored.row)) return new Response(null, { status: 304 });
      return answer(200, stored);
    },
  });
  api.route({
    id: "updateTenant",
    method: "patch",
    path: "/tenants/:tenant",
    tag: "tenants",
    summary: "Change a tenant",
    description: "Members left out stay as they are. `If-Match` guards against lost changes.",
    access: { scope: "tenants:write", tenant: "path" },
    params: Params,
    body: TenantPatch,
    responses: { 200: { description: "The tenant", schema: TenantView } },
    handle: async ({ tenant, body, request, nowMs, caller }) => {
      const { row, config } = await needTenant(storeOf(deps), tenant);
      checkIfMatch(request.headers, row);
      if (caller?.kind === "tenant") refuseOwnLimits(body);
      checkSettings(deps.vars, partsOfTenant({ config: body.config }));
      const next = {
        name: body.name ?? row.name,
        active: body.active ?? row.active,
        config: body.config ? patchConfig(config, body.config) : config,
      };
      const stored = await updateTenant(storeOf(deps), row, next, nowMs);
      forget(deps, tenant);
      return answer(200, stored);
    },
  });
  api.route({
    id: "deleteTenant",
    method: "delete",
    path: "/tenants/:tenant",
    tag: "tenants",
    summary: "Delete a tenant with everything that is its own",
    access: { scope: "tenants:write", tenant: "operator" },
    params: Params,
    description:
      "Its name is free again when everything it left (rows, objects, files, archive) is erased, at most some minutes later.",
    responses: {
      204: { description: "Gone" },
      409: { description: "A legal hold keeps it" },
    },
    handle: async ({ params, request, nowMs, waitUntil }) => {
      const { row, config } = await needTenant(storeOf(deps), params.tenant);
      checkIfMatch(request.headers, row);
      if (config.retention.legalHold) throw new HubError("conflict", "a legal hold keeps it");
      await deleteTenant(storeOf(deps), params.tenant, nowMs);
      forget(deps, params.tenant);
      waitUntil(eraseTenant(deps.env, params.tenant));
      return noContent();
    },
  });
}

/** A tenant neither raises its own limits nor switches itself off and on. */
function refuseOwnLimits(patch: z.infer<typeof TenantPatch>): void {
  const { active, config } = patch;
  if ([active, config?.limits, config?.retention].every((one) => one === undefined)) return;
  const named = "`active`, `limits` and `retention`";
  throw new HubError("insufficient_scope", `only the operator changes ${named}`);
}

function answer(
  status: number,
  stored: StoredTenant,
  headers: Record<string, string> = {},
): Response {
  return json(status, viewTenant(stored), { etag: etagOf(stored.row), ...headers });
}

function storeOf({ env, vault }: ApiDeps) {
  return { db: env.DB, vault };
}

function forget(deps: ApiDeps, tenant: string): void {
  deps.directory.forget(tenant);
  deps.forgetKeys?.(tenant);
}
