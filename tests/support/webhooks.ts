/** Events and webhook endpoints for end-to-end tests: publishing into the bus, and subscriptions over the API. */
import { shardOf } from "../../platform/event-shards.ts";
import type { DeliveryView } from "../../schema/api/deliveries.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import type { SubscriptionTarget } from "../../schema/subscription.ts";
import { startReceiver, type WebhookReceiver } from "../../simulators/receiver.ts";
import type { Json } from "./channels/api.ts";
import { type ChannelWorld, until } from "./channels/world.ts";

type WebhookTarget = Extract<SubscriptionTarget, { kind: "webhook" }>;

/** One endpoint with its subscription, which takes events of the type of its own id. */
export interface Endpoint {
  readonly id: string;
  readonly receiver: WebhookReceiver;
  /** What it got, verification left out. */
  got(): ReturnType<WebhookReceiver["received"]>;
  /** Its log, oldest first. */
  attempts(): Promise<readonly DeliveryView[]>;
  stored(): Promise<Json>;
}

/** An event of a type named `type`. Delivered to whoever binds it. */
export function anEvent(
  type: string,
  id: string,
  metadata: EventEnvelope["metadata"] = {},
): EventEnvelope {
  return {
    event_id: id,
    event_type: type,
    event_version: "1.0",
    timestamp: new Date().toISOString(),
    source: "/shop",
    data: { id, word: "olá" },
    metadata,
  };
}

/** Hands events to their shard, as the hub does. Throws where they are not taken. */
export async function publish(
  world: ChannelWorld,
  tenant: string,
  events: readonly EventEnvelope[],
  over: { readonly ttlMs?: number } = {},
): Promise<void> {
  const namespace = await world.hub.mf.getDurableObjectNamespace("EVENT_SHARD");
  const sent = events.map((event) => {
    return { key: event.event_id, event, bytes: 300, logged: true, ...over };
  });
  const [first] = sent;
  if (!first) return;
  const of = shardOf(tenant, first, 1);
  const stub = namespace.get(namespace.idFromName(`${tenant}:${of.shard}`)) as unknown as {
    publish(to: typeof of, some: typeof sent): Promise<{ readonly ok: boolean }>;
  };
  const reply = await stub.publish(of, sent);
  if (!reply.ok) throw new Error(JSON.stringify(reply));
}

/** A receiver of its own behind a subscription of the tenant, verified by its challenge. */
export async function endpoint(
  world: ChannelWorld,
  tenant: string,
  id: string,
  over: {
    readonly target?: Partial<WebhookTarget>;
    readonly receiver?: Parameters<typeof startReceiver>[0];
    readonly [member: string]: unknown;
  } = {},
): Promise<Endpoint> {
  const { target, receiver: options, ...members } = over;
  const receiver = await startReceiver(options);
  const api = world.api(tenant);
  const made = await api.post("/subscriptions", {
    id,
    name: id,
    bindings: [{ kind: "direct", key: id }],
    target: { kind: "webhook", url: `${receiver.url}/${id}`, ...target },
    ...members,
  });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  const isEvent = ({ raw, headers }: { raw: string; headers: Readonly<Json> }) =>
    !raw.includes("endpoint.verification") && headers["ce-type"] !== "endpoint.verification";
  return {
    id,
    receiver,
    got: () => receiver.received().filter(isEvent),
    attempts: async () =>
      (await api.items<DeliveryView>(`/subscriptions/${id}/deliveries`)).toReversed(),
    stored: async () => (await api.get(`/subscriptions/${id}`)).body,
  };
}

/** Waits until an endpoint has got so many events. */
export function gets(one: Endpoint, count: number, timeoutMs?: number) {
  const enough = () => (one.got().length >= count ? one.got() : undefined);
  return until(`${count} events at ${one.id}`, enough, timeoutMs);
}

/** Waits until the log of an endpoint has so many attempts. */
export function logs(one: Endpoint, count: number, timeoutMs?: number) {
  const enough = async () => {
    const attempts = await one.attempts();
    return attempts.length >= count ? attempts : undefined;
  };
  return until(`${count} attempts at ${one.id}`, enough, timeoutMs);
}
