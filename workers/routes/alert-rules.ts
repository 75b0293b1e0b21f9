/** Alert rules: what is watched in the tenant's event queues. Transitions are published as `alert.raised` and `alert.cleared`. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { QUIET } from "../../domain/events/alerts.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  ALERT_RULES_MAX,
  deleteRule,
  findRule,
  insertRule,
  readRules,
  replaceRule,
  type StoredRule,
} from "../../platform/repositories/alert-rules.ts";
import { findSubscription } from "../../platform/repositories/subscriptions.ts";
import { AlertRuleId, AlertRuleInput, AlertRuleView } from "../../schema/api/alert-rules.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json, noContent } from "../http/route.ts";

const TAG = "alert rules";
const READ = { scope: "alert-rules:read", tenant: "key" } as const;
const WRITE = { scope: "alert-rules:write", tenant: "key" } as const;
const Params = z.strictObject({ rule: AlertRuleId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });

export function registerAlertRules(api: Api, deps: ApiDeps): void {
  registerCollection(api, deps);
  registerOne(api, deps);
}

function registerCollection(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "listAlertRules",
    method: "get",
    path: "/alert-rules",
    tag: TAG,
    summary: "List alert rules with how they stand",
    access: READ,
    query: TenantQuery,
    responses: {
      200: { description: "All rules", schema: z.object({ items: z.array(AlertRuleView) }) },
    },
    handle: async ({ tenant }) => {
      const rules = await readRules(databaseFor(env, tenant), tenant);
      return json(200, { items: rules.map(viewOf) });
    },
  });
  api.route({
    id: "createAlertRule",
    method: "post",
    path: "/alert-rules",
    tag: TAG,
    summary: "Watch a metric of the event queues",
    description:
      "Evaluated once a minute. `alert.raised` and `alert.cleared` are published once per transition: subscribe a webhook to `alert.#`.",
    access: WRITE,
    query: TenantQuery,
    body: AlertRuleInput,
    responses: {
      201: { description: "The rule", schema: AlertRuleView },
      409: { description: "The tenant has its fill" },
    },
    handle: async ({ tenant, body, nowMs }) => {
      await needSubscription(env, tenant, body);
      const id = mintId("alr", nowMs, Math.random);
      const made = { tenant, id, rule: body, createdAtMs: nowMs };
      if (!(await insertRule(databaseFor(env, tenant), made)))
        throw new HubError("conflict", `a tenant may have ${ALERT_RULES_MAX} alert rules`);
      return json(201, viewOf({ ...made, state: QUIET }));
    },
  });
}

function registerOne(api: Api, { env }: ApiDeps): void {
  const path = "/alert-rules/:rule";
  api.route({
    id: "getAlertRule",
    method: "get",
    path,
    tag: TAG,
    summary: "Read an alert rule",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The rule", schema: AlertRuleView } },
    handle: async ({ tenant, params }) => json(200, viewOf(await need(env, tenant, params.rule))),
  });
  api.route({
    id: "replaceAlertRule",
    method: "put",
    path,
    tag: TAG,
    summary: "Change an alert rule; it begins quiet",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: AlertRuleInput,
    responses: { 200: { description: "The rule", schema: AlertRuleView } },
    handle: async ({ tenant, params, body, nowMs }) => {
      await needSubscription(env, tenant, body);
      const before = await need(env, tenant, params.rule);
      const { changes } = before.state;
      const after = { ...before, rule: body, state: { ...QUIET, changes } };
      if (!(await replaceRule(databaseFor(env, tenant), after, nowMs)))
        throw new HubError("not_found");
      return json(200, viewOf(after));
    },
  });
  api.route({
    id: "deleteAlertRule",
    method: "delete",
    path,
    tag: TAG,
    summary: "Remove an alert rule",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 204: { description: "Gone" } },
    handle: async ({ tenant, params }) => {
      const gone = await deleteRule(databaseFor(env, tenant), tenant, params.rule);
      if (!gone) throw new HubError("not_found");
      return noContent();
    },
  });
}

async function need(env: Env, tenant: string, id: string): Promise<StoredRule> {
  const rule = await findRule(databaseFor(env, tenant), tenant, id);
  if (!rule) throw new HubError("not_found");
  return rule;
}

async function needSubscription(
  env: Env,
  tenant: string,
  { subscription }: AlertRuleInput,
): Promise<void> {
  if (subscription === undefined) return;
  if (await findSubscription(databaseFor(env, tenant), tenant, subscription)) return;
  const errors = [{ pointer: "#/subscription", detail: "no such subscription" }];
  throw new HubError("unprocessable", undefined, { extensions: { errors } });
}

function viewOf({ id, rule, state, createdAtMs }: StoredRule): z.output<typeof AlertRuleView> {
  return {
    id,
    ...rule,
    clear_at: rule.clear_at ?? rule.threshold,
    state: state.raised ? "raised" : "quiet",
    changed_at: state.changedAtMs === undefined ? null : new Date(state.changedAtMs).toISOString(),
    value: state.value ?? null,
    created_at: new Date(createdAtMs).toISOString(),
  };
}
