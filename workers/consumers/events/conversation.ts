/**
 * Subscriptions that talk to a conversation: an event becomes a message as if it had come in on the connection, by
 * the same way in as `POST /messages/unified`. Its id is made of the event and the subscription, so that a repeated
 * attempt is the same message.
 */
import { conversationKeyOf } from "../../../channels/address.ts";
import { HubError, isHubError } from "../../../domain/errors.ts";
import { chainDepth, depthBehind } from "../../../domain/events/chain.ts";
import { eventText } from "../../../domain/events/event-text.ts";
import type { LeasedDelivery } from "../../../domain/events/shard/lease.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import { renderTemplate } from "../../../domain/messaging/template.ts";
import { toHex } from "../../../domain/security/base64url.ts";
import type { Located } from "../../../platform/directory.ts";
import { callOnce } from "../../../platform/http.ts";
import { logLine } from "../../../platform/log.ts";
import { count } from "../../../platform/metrics.ts";
import type { UnifiedInput } from "../../../schema/api/messages.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import type { SubscriptionTarget } from "../../../schema/subscription.ts";
import type { ApiDeps } from "../../http/deps.ts";
import { isolateOf } from "../../isolate.ts";
import { takeUnified } from "../../operations/take-unified.ts";
import { expiredInHand, tryAgain } from "./again.ts";
import type { DeliveryHandler, HandlerContext } from "./targets.ts";

/** Messages of one lease, taken in one after the other. */
const DELIVERIES_MAX = 10;

type ConversationTarget = Extract<SubscriptionTarget, { kind: "conversation" }>;

export function conversationHandler(
  context: HandlerContext,
  target: ConversationTarget,
): DeliveryHandler {
  const { vars, vault, directory } = isolateOf(context.env);
  const { env } = context;
  const deps: ApiDeps = { env, vars, vault, directory, callOnce, now: Date.now, log: logLine };
  return {
    max: DELIVERIES_MAX,
    async deliver({ deliveries }) {
      const settled: Settlement[] = [];
      for (const delivery of deliveries) {
        const late = expiredInHand(delivery, Date.now());
        settled.push(late ?? (await takeOne(deps, context, target, delivery)));
      }
      return settled;
    },
  };
}

async function takeOne(
  deps: ApiDeps,
  { stored }: HandlerContext,
  target: ConversationTarget,
  delivery: LeasedDelivery,
): Promise<Settlement> {
  const { tenant, subscription } = stored;
  const { seq, event } = delivery;
  const nowMs = deps.now();
  try {
    const located = await deps.directory.byId(target.connection, nowMs);
    if (!located) throw new HubError("not_found");
    if (await isOwnMessage(deps.env, located, target, event)) {
      count("event_echoes_total", { tenant });
      return { seq, is: "ack" };
    }
    const behind = depthBehind(chainDepth(event));
    if (!behind.ok) {
      count("event_chains_ended_total", { tenant, at: "conversation" });
      return { seq, is: "dead", ...behind.failure };
    }
    const id = await messageId(subscription.id, event);
    const body = messageOf(target, { id, tenant, source: located.connection.channel, event });
    const { traceparent } = event.metadata;
    const taken = await takeUnified(deps, {
      ...{ tenant, body, nowMs, traceparent },
      depth: behind.value,
    });
    await taken.after();
    return { seq, is: "ack" };
  } catch (error) {
    const code = isHubError(error) ? error.code : "internal";
    // Nothing will be different at the next attempt: a person has to mend the subscription or the connection.
    const final = code === "not_found" || code === "unprocessable";
    return final ? { seq, is: "dead", reason: code } : tryAgain(subscription, delivery, code);
  }
}

/** A message of this very conversation. Told to it, it would be a message again, and be answered, for ever. */
async function isOwnMessage(
  env: Env,
  { connection, tenant }: Located,
  target: ConversationTarget,
  { event_type, metadata }: EventEnvelope,
): Promise<boolean> {
  if (!event_type.startsWith("message.")) return false;
  const address = conversationKeyOf(connection, target.conversation_key);
  if (address === undefined) return false;
  const own = await isolateOf(env).ids.of(tenant.id, connection.id, address);
  return metadata.partition_key === own;
}

function messageOf(
  { connection, conversation_key, text }: ConversationTarget,
  from: Pick<UnifiedInput, "id" | "tenant" | "source"> & { readonly event: EventEnvelope },
): UnifiedInput {
  const { id, tenant, source, event } = from;
  const { event_id, event_type, source: publisher } = event;
  return {
    id,
    source,
    tenant,
    connection,
    conversation_key,
    content: {
      text: renderTemplate(text, (name) => eventText(event, name)),
      media: [],
      metadata: { event: { id: event_id, type: event_type, source: publisher } },
    },
    timestamp: event.timestamp,
    kind: "message",
    sender: { id: conversation_key, aliases: [] },
    group: false,
    mentions: [],
  };
}

/** An event is named by its source and id; a replay of it is a message of its own. */
async function messageId(subscription: string, event: EventEnvelope): Promise<string> {
  const { event_id, source, metadata } = event;
  const name = JSON.stringify([subscription, source, event_id, metadata.replay_id ?? null]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name));
  return `event:${toHex(new Uint8Array(digest))}`;
}
