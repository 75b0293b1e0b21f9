/** Consumers that come by themselves: they lease deliveries and say what became of each. */
import * as z from "zod";
import {
  LeaseInput,
  LeaseView,
  SettleInput,
  SettleView,
} from "../../schema/api/subscription-pull.ts";
import { SubscriptionId } from "../../schema/api/subscriptions.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";
import { leasePull, settlePull } from "../operations/subscription-pull.ts";

const Params = z.strictObject({ subscription: SubscriptionId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const WRITE = { scope: "subscriptions:write", tenant: "key" } as const;
const TAG = "subscriptions";

export function registerPull(api: Api, deps: ApiDeps): void {
  api.route({
    id: "leaseDeliveries",
    method: "post",
    path: "/subscriptions/:subscription/lease",
    tag: TAG,
    summary: "Take deliveries of a pull subscription for 45 seconds",
    description:
      "The most urgent first, one of a partition at a time. What is not settled by `until` goes to somebody else, as a failed attempt.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: LeaseInput,
    responses: {
      200: { description: "Deliveries, or why there are none", schema: LeaseView },
      409: { description: "It is no pull subscription" },
    },
    handle: async ({ tenant, params, body }) =>
      json(200, await leasePull(deps, { tenant, subscription: params.subscription, ...body })),
  });
  api.route({
    id: "settleDeliveries",
    method: "post",
    path: "/subscriptions/:subscription/settle",
    tag: TAG,
    summary: "Say what became of leased deliveries",
    description:
      "`ack`: done. `retry`: not before `after_ms`. `dead`: never again. Made again it changes nothing.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: SettleInput,
    responses: {
      200: { description: "One result per delivery", schema: SettleView },
      409: {
        description: "The lease has ended (`results` says of which), or it is no pull subscription",
      },
    },
    handle: async ({ tenant, params, body }) => {
      const request = { tenant, subscription: params.subscription };
      return json(200, { results: await settlePull(deps, request, body) });
    },
  });
}
