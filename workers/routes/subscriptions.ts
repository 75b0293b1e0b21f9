/** Subscriptions: who wants which events, and where they go. How they fare is in `subscriptions-state.ts`. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import { listSubscriptions } from "../../platform/repositories/subscriptions.ts";
import {
  CreateSubscription,
  SubscriptionChanged,
  SubscriptionId,
  SubscriptionPatch,
  SubscriptionView,
} from "../../schema/api/subscriptions.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkIfMatch, etagOf, isUnchanged } from "../http/etag.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json, noContent } from "../http/route.ts";
import {
  type Changed,
  createSubscription,
  needSubscription,
  removeSubscription,
  updateSubscription,
} from "../operations/subscription-store.ts";
import { viewChanged, viewSubscription } from "../operations/subscription-view.ts";
import { registerSubscriptionInsight } from "./subscriptions-insight.ts";
import { registerSubscriptionState } from "./subscriptions-state.ts";

const Params = z.strictObject({ subscription: SubscriptionId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const ListQuery = z.strictObject({ ...PageQuery.shape, tenant: Id.optional() });
const READ = { scope: "subscriptions:read", tenant: "key" } as const;
const WRITE = { scope: "subscriptions:write", tenant: "key" } as const;
const TAG = "subscriptions";
const UNKNOWN = { description: "A connection or subscription it names is not there" };

export function registerSubscriptions(api: Api, deps: ApiDeps): void {
  // Before the paths with an id: `stats` is none.
  registerSubscriptionInsight(api, deps);
  registerSubscriptionState(api, deps);
  registerCollection(api, deps);
  registerOne(api, deps);
  registerUpdate(api, deps);
}

function registerCollection(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "listSubscriptions",
    method: "get",
    path: "/subscriptions",
    tag: TAG,
    summary: "List subscriptions",
    access: READ,
    query: ListQuery,
    responses: {
      200: { description: "A page of subscriptions", schema: pageOf(SubscriptionView) },
    },
    handle: async ({ tenant, query, nowMs }) => {
      const list = `subscriptions ${tenant}`;
      const after = await openCursor(vars.ID_SECRET, list, query.cursor);
      const db = databaseFor(env, tenant);
      const rows = await listSubscriptions(db, tenant, after, query.limit + 1);
      const key = (row: (typeof rows)[number]) => row.subscription.id;
      const page = await cutPage(vars.ID_SECRET, list, rows, query.limit, key);
      const views = page.items.map((stored) => viewSubscription(deps, stored, nowMs));
      return json(200, { ...page, items: await Promise.all(views) });
    },
  });
  api.route({
    id: "createSubscription",
    method: "post",
    path: "/subscriptions",
    tag: TAG,
    summary: "Subscribe to events",
    description:
      "A webhook is asked at once whether it wants deliveries: a signed `endpoint.verification` event that it has to answer with its `data.challenge`. Until it has, what is for it waits. Without `secrets` one is made and shown in this answer only.",
    access: WRITE,
    query: TenantQuery,
    body: CreateSubscription,
    responses: {
      201: { description: "The subscription", schema: SubscriptionChanged },
      409: { description: "The id is in use, or the tenant has its fill" },
      422: UNKNOWN,
    },
    handle: async ({ tenant, body, nowMs, caller }) => {
      if (body.ownership === "assumed" && caller?.kind !== "operator")
        throw new HubError("insufficient_scope", "only the operator assumes ownership");
      return answer(deps, 201, await createSubscription(deps, tenant, body, nowMs), nowMs);
    },
  });
}

function registerOne(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getSubscription",
    method: "get",
    path: "/subscriptions/:subscription",
    tag: TAG,
    summary: "Read a subscription",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: {
      200: { description: "The subscription", schema: SubscriptionView },
      304: { description: "`If-None-Match` names this version" },
    },
    handle: async ({ tenant, params, request, nowMs }) => {
      const stored = await needSubscription(deps, tenant, params.subscription);
      const row = { updatedAt: stored.updatedAtMs };
      if (isUnchanged(request.headers, row)) return new Response(null, { status: 304 });
      return json(200, await viewSubscription(deps, stored, nowMs), { etag: etagOf(row) });
    },
  });
  api.route({
    id: "deleteSubscription",
    method: "delete",
    path: "/subscriptions/:subscription",
    tag: TAG,
    summary: "End a subscription, with everything that waits for it",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: {
      204: { description: "Gone" },
      409: { description: "Another subscription forwards to it" },
    },
    handle: async ({ tenant, params, request }) => {
      const stored = await needSubscription(deps, tenant, params.subscription);
      checkIfMatch(request.headers, { updatedAt: stored.updatedAtMs });
      await removeSubscription(deps, tenant, params.subscription);
      return noContent();
    },
  });
}

function registerUpdate(api: Api, deps: ApiDeps): void {
  api.route({
    id: "updateSubscription",
    method: "patch",
    path: "/subscriptions/:subscription",
    tag: TAG,
    summary: "Change a subscription",
    description:
      "Members left out stay as they are, `null` takes one away, `target` is replaced as a whole. A webhook's secrets stay with its URL: a new one needs new secrets (else one is made and shown) and has to prove itself again.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: SubscriptionPatch,
    responses: {
      200: { description: "The subscription", schema: SubscriptionChanged },
      412: { description: "It has changed since" },
      422: UNKNOWN,
    },
    handle: async ({ tenant, params, body, request, nowMs }) => {
      const at = { tenant, id: params.subscription, headers: request.headers };
      return answer(deps, 200, await updateSubscription(deps, at, body, nowMs), nowMs);
    },
  });
}

async function answer(
  deps: ApiDeps,
  status: number,
  changed: Changed,
  nowMs: number,
): Promise<Response> {
  const etag = etagOf({ updatedAt: changed.stored.updatedAtMs });
  return json(status, await viewChanged(deps, changed, nowMs), { etag });
}
