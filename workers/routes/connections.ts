/** A tenant's connections: what the hub knows of them. What the platform knows is `/instances`. */
import * as z from "zod";
import { patchConnection } from "../../domain/connections/patch.ts";
import { HubError } from "../../domain/errors.ts";
import { viewConnection } from "../../platform/repositories/connection-view.ts";
import {
  createConnection,
  deleteConnection,
  listConnections,
  needConnection,
  type StoredConnection,
  updateConnection,
} from "../../platform/repositories/connections.ts";
import {
  CONNECTION_PATCHES,
  ConnectionPatch,
  ConnectionView,
  CreateConnection,
} from "../../schema/api/connections.ts";
import { ConnectionInput, Id } from "../../schema/connection.ts";
import { checkSettings } from "../http/check-settings.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkIfMatch, etagOf, isUnchanged } from "../http/etag.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { validationError } from "../http/problem.ts";
import { type Api, json, noContent } from "../http/route.ts";
import { renewSocket } from "../operations/renew-socket.ts";

const TenantParams = z.strictObject({ tenant: Id });
const Params = z.strictObject({ tenant: Id, connection: Id });
const ConnectionPage = pageOf(ConnectionView);
const TAG = "connections";

export function registerConnections(api: Api, deps: ApiDeps): void {
  registerCollection(api, deps);
  registerOne(api, deps);
  registerUpdate(api, deps);
}

function registerCollection(api: Api, deps: ApiDeps): void {
  const { vars } = deps;
  api.route({
    id: "listConnections",
    method: "get",
    path: "/tenants/:tenant/connections",
    tag: TAG,
    summary: "List a tenant's connections",
    access: { scope: "connections:read", tenant: "path" },
    params: TenantParams,
    query: PageQuery,
    responses: { 200: { description: "A page of connections", schema: ConnectionPage } },
    handle: async ({ tenant, query }) => {
      const list = `connections ${tenant}`;
      const after = await openCursor(vars.ID_SECRET, list, query.cursor);
      const rows = await listConnections(storeOf(deps), tenant, after, query.limit + 1);
      const page = await cutPage(vars.ID_SECRET, list, rows, query.limit, ({ row }) => row.id);
      const items = page.items.map((stored) => viewConnection(stored, vars.PUBLIC_URL));
      return json(200, { ...page, items });
    },
  });
  api.route({
    id: "createConnection",
    method: "post",
    path: "/tenants/:tenant/connections",
    tag: TAG,
    summary: "Add a connection, without calling the platform",
    access: { scope: "connections:write", tenant: "path" },
    params: TenantParams,
    body: CreateConnection,
    responses: {
      201: { description: "The connection", schema: ConnectionView },
      409: { description: "The id or the Discord application is in use" },
    },
    handle: async ({ tenant, body, nowMs, caller, waitUntil }) => {
      checkSettings(deps.vars, [{ at: "#", ...body }]);
      const byOperator = caller?.kind === "operator";
      const stored = await createConnection(storeOf(deps), tenant, body, nowMs, { byOperator });
      forget(deps, stored);
      waitUntil(renewSocket(deps, tenant, stored.input));
      return answer(deps, 201, stored);
    },
  });
}

function registerOne(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getConnection",
    method: "get",
    path: "/tenants/:tenant/connections/:connection",
    tag: TAG,
    summary: "Read a connection",
    access: { scope: "connections:read", tenant: "path" },
    params: Params,
    responses: {
      200: { description: "The connection", schema: ConnectionView },
      304: { description: "`If-None-Match` names this version" },
    },
    handle: async ({ tenant, params, request }) => {
      const stored = await needConnection(storeOf(deps), tenant, params.connection);
      if (isUnchanged(request.headers, stored.row)) return new Response(null, { status: 304 });
      return answer(deps, 200, stored);
    },
  });
  api.route({
    id: "deleteConnection",
    method: "delete",
    path: "/tenants/:tenant/connections/:connection",
    tag: TAG,
    summary: "Forget a connection; the platform is not told",
    access: { scope: "connections:write", tenant: "path" },
    params: Params,
    responses: { 204: { description: "Gone" } },
    handle: async ({ tenant, params, request, waitUntil }) => {
      const stored = await needConnection(storeOf(deps), tenant, params.connection);
      checkIfMatch(request.headers, stored.row);
      await deleteConnection(storeOf(deps), tenant, params.connection);
      forget(deps, stored);
      waitUntil(renewSocket(deps, tenant, stored.input, true));
      return noContent();
    },
  });
}

function registerUpdate(api: Api, deps: ApiDeps): void {
  api.route({
    id: "updateConnection",
    method: "patch",
    path: "/tenants/:tenant/connections/:connection",
    tag: TAG,
    summary: "Change a connection",
    description:
      "Members and credentials left out stay as they are. A new `baseUrl` needs every credential again.",
    access: { scope: "connections:write", tenant: "path" },
    params: Params,
    body: ConnectionPatch,
    responses: { 200: { description: "The connection", schema: ConnectionView } },
    handle: async ({ tenant, params, body, request, nowMs, caller, waitUntil }) => {
      const stored = await needConnection(storeOf(deps), tenant, params.connection);
      checkIfMatch(request.headers, stored.row);
      checkSettings(deps.vars, [{ at: "#", ...body }]);
      const input = patched(stored.input, body);
      const byOperator = caller?.kind === "operator";
      const next = await updateConnection(storeOf(deps), stored.row, input, nowMs, { byOperator });
      forget(deps, next);
      waitUntil(renewSocket(deps, tenant, next.input));
      return answer(deps, 200, next);
    },
  });
}

/** The connection after the patch, checked by its own channel's schemas. */
function patched(current: ConnectionInput, body: ConnectionPatch): ConnectionInput {
  const patch = CONNECTION_PATCHES[current.channel].safeParse(body);
  if (!patch.success) throw validationError(patch.error);
  const next = patchConnection(current, patch.data);
  if (!next.ok) {
    const errors = next.failure.missing.map((name) => ({
      pointer: `#/credentials/${name}`,
      detail: "needed again, because baseUrl changes",
    }));
    throw new HubError("unprocessable", undefined, { extensions: { errors } });
  }
  return ConnectionInput.parse(next.value);
}

function answer(deps: ApiDeps, status: number, stored: StoredConnection): Response {
  const view = viewConnection(stored, deps.vars.PUBLIC_URL);
  return json(status, view, { etag: etagOf(stored.row) });
}

function storeOf({ env, vault }: ApiDeps) {
  return { db: env.DB, vault };
}

function forget(deps: ApiDeps, { row }: StoredConnection): void {
  deps.directory.forget(row.id);
  deps.directory.forget(row.tenantId);
}
