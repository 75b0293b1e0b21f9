/** A tenant's API keys: made and shown once, listed without their text, revoked for good. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { mayGrant } from "../../domain/security/scopes.ts";
import {
  createApiKey,
  listApiKeys,
  revokeApiKey,
  viewApiKey,
} from "../../platform/repositories/api-keys.ts";
import { ApiKeyView, CreateApiKey, CreatedApiKey } from "../../schema/api/keys.ts";
import { Id } from "../../schema/connection.ts";
import type { Vars } from "../../schema/vars.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json, noContent } from "../http/route.ts";

const TenantParams = z.strictObject({ tenant: Id });
const Params = z.strictObject({ tenant: Id, key: z.string().max(64) });
const KeyPage = pageOf(ApiKeyView);

/** The word in a generated key that tells where it belongs. */
const KEY_ENVIRONMENTS: Readonly<Record<Vars["ENVIRONMENT"], string>> = {
  production: "live",
  development: "dev",
  test: "test",
};

export function registerApiKeys(api: Api, deps: ApiDeps): void {
  const db = deps.env.DB;
  const secret = deps.vars.ID_SECRET;
  registerCreate(api, deps);
  api.route({
    id: "listApiKeys",
    method: "get",
    path: "/tenants/:tenant/api-keys",
    tag: "api-keys",
    summary: "List a tenant's keys, revoked ones included",
    access: { scope: "api-keys:read", tenant: "path" },
    params: TenantParams,
    query: PageQuery,
    responses: { 200: { description: "A page of keys", schema: KeyPage } },
    handle: async ({ tenant, query }) => {
      const list = `api-keys ${tenant}`;
      const after = await openCursor(secret, list, query.cursor);
      const rows = await listApiKeys(db, tenant, after, query.limit + 1);
      const page = await cutPage(secret, list, rows, query.limit, (row) => row.id);
      return json(200, { ...page, items: page.items.map(viewApiKey) });
    },
  });
  api.route({
    id: "revokeApiKey",
    method: "delete",
    path: "/tenants/:tenant/api-keys/:key",
    tag: "api-keys",
    summary: "Revoke a key",
    description: "It stops working within 30 seconds everywhere.",
    access: { scope: "api-keys:write", tenant: "path" },
    params: Params,
    responses: { 204: { description: "Revoked" } },
    handle: async ({ tenant, params, nowMs }) => {
      if (!(await revokeApiKey(db, tenant, params.key, nowMs))) throw new HubError("not_found");
      deps.forgetKeys?.(tenant);
      return noContent();
    },
  });
}

function registerCreate(api: Api, deps: ApiDeps): void {
  api.route({
    id: "createApiKey",
    method: "post",
    path: "/tenants/:tenant/api-keys",
    tag: "api-keys",
    summary: "Make a key; its text is in this answer and nowhere else",
    description: "A tenant's key can grant no scope it does not have.",
    access: { scope: "api-keys:write", tenant: "path" },
    params: TenantParams,
    body: CreateApiKey,
    responses: { 201: { description: "The key", schema: CreatedApiKey } },
    handle: async ({ tenant, body, nowMs, caller }) => {
      if (caller?.kind === "tenant" && !mayGrant(caller.scopes, body.scopes)) {
        throw new HubError("insufficient_scope", "a key cannot grant more than it has");
      }
      const environment = KEY_ENVIRONMENTS[deps.vars.ENVIRONMENT];
      const expiresAtMs = body.expiresAt === undefined ? null : Date.parse(body.expiresAt);
      const { name, scopes } = body;
      const made = await createApiKey(
        deps.env.DB,
        tenant,
        environment,
        { name, scopes, expiresAtMs },
        nowMs,
      );
      return json(201, { ...viewApiKey(made.row), key: made.key });
    },
  });
}
