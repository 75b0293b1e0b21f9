/** Who takes the deliveries of a subscription: one handler per kind of target, and those of the shard itself. */

import { DEAD_LETTERS } from "../../../domain/events/shard/due.ts";
import type { LeaseReply } from "../../../domain/events/shard/lease.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import { LOG_SUBSCRIPTION } from "../../../domain/events/subscribing.ts";
import { databaseFor } from "../../../platform/database.ts";
import type { EventToken } from "../../../platform/queue-tokens.ts";
import {
  findSubscription,
  type StoredSubscription,
} from "../../../platform/repositories/subscriptions.ts";
import { type Connections, openConnections } from "../connections.ts";
import { conversationHandler } from "./conversation.ts";
import { logHandler } from "./log.ts";
import { queueHandler } from "./queue.ts";
import { webhookHandler } from "./webhook.ts";
import { workflowHandler } from "./workflow.ts";

export type Leased = Extract<LeaseReply, { is: "leased" }>;

/** Hands leased deliveries over and says of each how it went. What it leaves out is given back when the lease ends. */
export interface DeliveryHandler {
  /** Deliveries leased at once. */
  readonly max: number;
  deliver(leased: Leased): Promise<readonly Settlement[]>;
}

/** What a handler is made for. */
export interface HandlerContext {
  readonly env: Env;
  readonly token: EventToken;
  readonly stored: StoredSubscription;
  readonly connections: Connections;
}

/** Undefined where nobody has to be handed anything (any more). */
export async function handlerOf(
  env: Env,
  token: EventToken,
  connections: Connections = openConnections(),
): Promise<DeliveryHandler | undefined> {
  if (token.subscription === LOG_SUBSCRIPTION.id) return logHandler(env, token);
  if (token.subscription === DEAD_LETTERS) return undefined;
  const stored = await findSubscription(
    databaseFor(env, token.tenant),
    token.tenant,
    token.subscription,
  );
  if (stored?.state !== "active") return undefined;
  return targetHandler({ env, token, stored, connections });
}

function targetHandler(context: HandlerContext): DeliveryHandler | undefined {
  const { target } = context.stored.subscription;
  switch (target.kind) {
    case "webhook":
      return webhookHandler(context, target);
    case "queue":
      return queueHandler(context, target);
    case "conversation":
      return conversationHandler(context, target);
    case "workflow":
      return workflowHandler(context, target);
    case "pull":
      return undefined;
  }
}
