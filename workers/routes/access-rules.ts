/** A tenant's allow and block rules. A change counts at once here and within the cache time elsewhere. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import {
  createAccessRule,
  deleteAccessRule,
  listAccessRules,
  needAccessRule,
  updateAccessRule,
  viewAccessRule,
} from "../../platform/repositories/access-rules.ts";
import { AccessRulePatch, AccessRuleView, CreateAccessRule } from "../../schema/api/keys.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json, noContent } from "../http/route.ts";

const TenantParams = z.strictObject({ tenant: Id });
const Params = z.strictObject({ tenant: Id, rule: z.string().max(64) });
const RulePage = pageOf(AccessRuleView);
const READ = { scope: "access-rules:read", tenant: "path" } as const;
const WRITE = { scope: "access-rules:write", tenant: "path" } as const;
const TAG = "access-rules";

export function registerAccessRules(api: Api, deps: ApiDeps): void {
  registerCollection(api, deps);
  registerOne(api, deps);
}

function registerCollection(api: Api, { env, vars, directory }: ApiDeps): void {
  api.route({
    id: "listAccessRules",
    method: "get",
    path: "/tenants/:tenant/access-rules",
    tag: TAG,
    summary: "List a tenant's access rules",
    access: READ,
    params: TenantParams,
    query: PageQuery,
    responses: { 200: { description: "A page of rules", schema: RulePage } },
    handle: async ({ tenant, query }) => {
      const list = `access-rules ${tenant}`;
      const after = await openCursor(vars.ID_SECRET, list, query.cursor);
      const rows = await listAccessRules(env.DB, tenant, after, query.limit + 1);
      const page = await cutPage(vars.ID_SECRET, list, rows, query.limit, (row) => row.id);
      return json(200, { ...page, items: page.items.map(viewAccessRule) });
    },
  });
  api.route({
    id: "createAccessRule",
    method: "post",
    path: "/tenants/:tenant/access-rules",
    tag: TAG,
    summary: "Allow or block a sender",
    description:
      "The longest match wins, a block at equal length. A connection with allow rules of its own is an allow list: who is not on it is refused.",
    access: WRITE,
    params: TenantParams,
    body: CreateAccessRule,
    responses: { 201: { description: "The rule", schema: AccessRuleView } },
    handle: async ({ tenant, body, nowMs }) => {
      const row = await createAccessRule(env.DB, tenant, body, nowMs);
      directory.forget(tenant);
      return json(201, viewAccessRule(row));
    },
  });
}

function registerOne(api: Api, { env, directory }: ApiDeps): void {
  const path = "/tenants/:tenant/access-rules/:rule";
  api.route({
    id: "getAccessRule",
    method: "get",
    path,
    tag: TAG,
    summary: "Read a rule",
    access: READ,
    params: Params,
    responses: { 200: { description: "The rule", schema: AccessRuleView } },
    handle: async ({ tenant, params }) =>
      json(200, viewAccessRule(await needAccessRule(env.DB, tenant, params.rule))),
  });
  api.route({
    id: "updateAccessRule",
    method: "patch",
    path,
    tag: TAG,
    summary: "Change a rule",
    access: WRITE,
    params: Params,
    body: AccessRulePatch,
    responses: { 200: { description: "The rule", schema: AccessRuleView } },
    handle: async ({ tenant, params, body, nowMs }) => {
      const before = await needAccessRule(env.DB, tenant, params.rule);
      const row = await updateAccessRule(env.DB, before, body, nowMs);
      directory.forget(tenant);
      return json(200, viewAccessRule(row));
    },
  });
  api.route({
    id: "deleteAccessRule",
    method: "delete",
    path,
    tag: TAG,
    summary: "Remove a rule",
    access: WRITE,
    params: Params,
    responses: { 204: { description: "Gone" } },
    handle: async ({ tenant, params, nowMs }) => {
      const deleted = await deleteAccessRule(env.DB, tenant, params.rule, nowMs);
      if (!deleted) throw new HubError("not_found");
      directory.forget(tenant);
      return noContent();
    },
  });
}
