/** How subscriptions fare: how far behind they are, what stands still, and what would become of an event. */
import * as z from "zod";
import { LOG_SUBSCRIPTION } from "../../domain/events/subscribing.ts";
import { databaseFor } from "../../platform/database.ts";
import { readSubscriptions } from "../../platform/repositories/subscriptions.ts";
import {
  AllStats,
  BlockedDecision,
  BlockedList,
  DryRun,
  SubscriptionId,
  SubscriptionStats,
} from "../../schema/api/subscriptions.ts";
import { Id } from "../../schema/connection.ts";
import { PublishInput } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";
import { PageQuery } from "../http/page.ts";
import { type Api, json, noContent } from "../http/route.ts";
import { decideBlocked, listBlocked } from "../operations/subscription-blocked.ts";
import { dryRun } from "../operations/subscription-dry-run.ts";
import { gaugesOf, noStats } from "../operations/subscription-shards.ts";
import { needSubscription } from "../operations/subscription-store.ts";

/** Characters of the id of a blocked delivery: a partition key of 512 characters, UTF-8, twice encoded. */
const BLOCKED_ID_CHARS_MAX = 5000;

const Params = z.strictObject({ subscription: SubscriptionId });
const BlockedParams = z.strictObject({
  subscription: SubscriptionId,
  blocked: z.string().min(1).max(BLOCKED_ID_CHARS_MAX),
});
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const LimitQuery = z.strictObject({ tenant: Id.optional(), limit: PageQuery.shape.limit });
const READ = { scope: "subscriptions:read", tenant: "key" } as const;
const WRITE = { scope: "subscriptions:write", tenant: "key" } as const;
const TAG = "subscriptions";

export function registerSubscriptionInsight(api: Api, deps: ApiDeps): void {
  registerStats(api, deps);
  registerDryRun(api, deps);
  registerBlocked(api, deps);
}

function registerStats(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getAllSubscriptionStats",
    method: "get",
    path: "/subscriptions/stats",
    tag: TAG,
    summary: "How far behind every subscription is",
    access: READ,
    query: TenantQuery,
    responses: { 200: { description: "One item per subscription", schema: AllStats } },
    handle: async ({ tenant }) => {
      const [rows, stats] = await Promise.all([
        readSubscriptions(databaseFor(deps.env, tenant), tenant),
        gaugesOf(deps, tenant),
      ]);
      const of = (id: string) => stats.get(id) ?? noStats(id);
      const items = rows.map(({ subscription }) => of(subscription.id));
      return json(200, { items, log: of(LOG_SUBSCRIPTION.id) });
    },
  });
  api.route({
    id: "getSubscriptionStats",
    method: "get",
    path: "/subscriptions/:subscription/stats",
    tag: TAG,
    summary: "How far behind a subscription is",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "Over all shards", schema: SubscriptionStats } },
    handle: async ({ tenant, params }) => {
      await needSubscription(deps, tenant, params.subscription);
      const stats = await gaugesOf(deps, tenant);
      return json(200, stats.get(params.subscription) ?? noStats(params.subscription));
    },
  });
}

function registerDryRun(api: Api, deps: ApiDeps): void {
  api.route({
    id: "dryRunEvent",
    method: "post",
    path: "/subscriptions/dry-run",
    tag: TAG,
    summary: "Which subscriptions would get this event, and why",
    description:
      "Nothing is published. `refused` says whether it could be at all; the items answer for the subscriptions anyway.",
    access: READ,
    query: TenantQuery,
    body: PublishInput,
    responses: { 200: { description: "One item per subscription", schema: DryRun } },
    handle: async ({ tenant, body, nowMs }) => json(200, await dryRun(deps, tenant, body, nowMs)),
  });
}

function registerBlocked(api: Api, deps: ApiDeps): void {
  api.route({
    id: "listBlockedDeliveries",
    method: "get",
    path: "/subscriptions/:subscription/blocked",
    tag: TAG,
    summary: "Partitions that stand still until somebody decides",
    access: READ,
    params: Params,
    query: LimitQuery,
    responses: { 200: { description: "Oldest first", schema: BlockedList } },
    handle: async ({ tenant, params, query }) => {
      await needSubscription(deps, tenant, params.subscription);
      return json(200, await listBlocked(deps, tenant, params.subscription, query.limit));
    },
  });
  api.route({
    id: "decideBlockedDelivery",
    method: "post",
    path: "/subscriptions/:subscription/blocked/:blocked",
    tag: TAG,
    summary: "Try a blocked delivery again, or give it up and let the others go on",
    access: WRITE,
    params: BlockedParams,
    query: TenantQuery,
    body: BlockedDecision,
    responses: { 204: { description: "Decided" } },
    handle: async ({ tenant, params, body }) => {
      const { subscription, blocked: id } = params;
      await needSubscription(deps, tenant, subscription);
      await decideBlocked(deps, { tenant, subscription, id }, body);
      return noContent();
    },
  });
}
