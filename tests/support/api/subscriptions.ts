/** One request per operation on subscriptions: each has a subscription of its own, with deliveries in the state it asks for. */

import { randomBytes } from "node:crypto";
import type { Planted } from "./plant.ts";
import type { PlantedWorld } from "./world.ts";

/** Parameters of a path, and the body with them. */
interface Ready {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

type Made = { readonly id: string; readonly type: string };

type Maker = (world: PlantedWorld, mine: Planted) => Ready | Promise<Ready>;

const nothing: Maker = () => ({});

/** By operationId; every one has a subscription of its own. */
export const SUBSCRIPTION_REQUESTS: Readonly<Record<string, Maker>> = {
  listSubscriptions: nothing,
  createSubscription: () => ({
    body: { name: "to all", bindings: [{ kind: "fanout" }], target: { kind: "pull" } },
  }),
  getSubscription: ofPull,
  updateSubscription: async (world, mine) => ({
    ...(await ofPull(world, mine)),
    body: { name: "renamed" },
  }),
  deleteSubscription: ofPull,
  pauseSubscription: ofPull,
  resumeSubscription: ofPull,
  enableSubscription: ofPull,
  verifySubscription: freshWebhook,
  rotateSubscriptionSecret: freshWebhook,
  dropOldSubscriptionSecrets: freshWebhook,
  getAllSubscriptionStats: nothing,
  getSubscriptionStats: ofPull,
  dryRunEvent: () => ({ body: { event_type: "order.created" } }),
  listBlockedDeliveries: ofPull,
  decideBlockedDelivery: blockedDelivery,
  leaseDeliveries: async (world, mine) => ({ ...(await ofPull(world, mine)), body: {} }),
  settleDeliveries: leasedDelivery,
};

async function ofPull(world: PlantedWorld, mine: Planted): Promise<Ready> {
  return { params: { subscription: (await freshPull(world, mine)).id } };
}

/** One that is pulled from, to a type of its own. */
export async function freshPull(
  world: PlantedWorld,
  { tenant, word }: Planted,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Made> {
  const type = `type-${randomBytes(5).toString("hex")}`;
  const bindings = [{ kind: "direct", key: type }];
  const body = { name: word, bindings, target: { kind: "pull" }, ...more };
  const made = await world.must("POST", `/subscriptions?tenant=${tenant}`, body);
  return { id: made.body.id, type };
}

/** One whose endpoint nobody asks. */
async function freshWebhook(world: PlantedWorld, mine: Planted): Promise<Ready> {
  const target = { kind: "webhook", url: "https://hooks.example.com/in" };
  const { id } = await freshPull(world, mine, { target, ownership: "assumed" });
  return { params: { subscription: id } };
}

/** A delivery in the caller's hands. */
async function leasedDelivery(world: PlantedWorld, mine: Planted): Promise<Ready> {
  const { id, type } = await freshPull(world, mine);
  return settlement(world, mine, id, type, "ack");
}

/** A partition that stands still. */
async function blockedDelivery(world: PlantedWorld, mine: Planted): Promise<Ready> {
  const { id, type } = await freshPull(world, mine, { head_policy: { is: "block" } });
  const path = `/subscriptions/${id}`;
  const { body } = await settlement(world, mine, id, type, "dead");
  await world.must("POST", `${path}/settle?tenant=${mine.tenant}`, body);
  const list = await world.must("GET", `${path}/blocked?tenant=${mine.tenant}`);
  const blocked = list.body.items[0].id as string;
  return { params: { subscription: id, blocked }, body: { decision: "retry" } };
}

async function settlement(
  world: PlantedWorld,
  { tenant, word }: Planted,
  id: string,
  type: string,
  is: string,
): Promise<Ready> {
  const declared = { name: type, version: "1.0", schema: true };
  await world.must("POST", `/event-types?tenant=${tenant}`, declared);
  const event = { event_type: type, partition_key: word, data: { word } };
  await world.must("POST", `/events?tenant=${tenant}`, event);
  const path = `/subscriptions/${id}/lease?tenant=${tenant}`;
  const { body } = await world.must("POST", path, {});
  const results = [{ seq: body.deliveries[0].seq, is }];
  return { params: { subscription: id }, body: { token: body.token, results } };
}
