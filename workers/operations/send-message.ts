/** `POST /messages/send`: into the conversation's outbox, behind everything already to be sent. */
import { conversationKeyOf } from "../../channels/address.ts";
import { HubError } from "../../domain/errors.ts";
import { carried } from "../../domain/events/chain.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { conversationOf } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { claimKey } from "../../platform/idempotency.ts";
import { ringInbound } from "../../platform/queues.ts";
import { findConversation } from "../../platform/repositories/conversations.ts";
import type { SendMessage } from "../../schema/api/messages.ts";
import { conversationConfig } from "../door/take-in.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkOwnFiles } from "./own-files.ts";

export interface SendOperation {
  readonly tenant: string;
  readonly body: SendMessage;
  readonly nowMs: number;
  readonly key: string | undefined;
  readonly traceparent: string | undefined;
  /** Of the chain of events that it is sent in; absent: it begins one. */
  readonly depth?: number;
}

export interface SendResult {
  readonly view: {
    readonly id: string;
    readonly conversation: string;
    readonly status: "pending";
    readonly duplicate: boolean;
  };
  /** Rings; run it after the answer. */
  readonly after: () => Promise<void>;
}

/** Throws `not_found` for a foreign or unknown connection or conversation, `unprocessable` for an address the channel does not have. */
export async function sendMessage(
  deps: ApiDeps,
  { tenant, body, nowMs, key, traceparent, depth }: SendOperation,
): Promise<SendResult> {
  const { env } = deps;
  const located = await ownConnection(deps, tenant, body.connection, nowMs);
  const conversationKey = await targetKey(deps, tenant, body, located);
  const config = await conversationConfig(env, located, conversationKey);
  if (body.content?.type === "media") checkOwnFiles(tenant, body.content.media);
  const proposedId = mintId("msg", nowMs, Math.random);
  const claim =
    key === undefined
      ? { id: proposedId }
      : await claimKey(env, { tenant, key, body, proposedId, nowMs });
  const { ring, duplicate } = await conversationOf(env, tenant, config.conversation).enqueue({
    v: 1,
    config,
    nowMs,
    id: claim.id,
    group: false,
    draft: {
      content: body.content ?? { type: "text", text: body.text ?? "" },
      ...(body.reply_to ? { replyTo: body.reply_to } : {}),
      ...(body.thread ? { thread: body.thread } : {}),
    },
    ...(traceparent ? { traceparent } : {}),
    ...carried(depth),
  });
  const after = async () => {
    if (ring) await ringInbound(env, tenant, config.conversation).catch(() => undefined);
  };
  return {
    view: { id: claim.id, conversation: config.conversation, status: "pending", duplicate },
    after,
  };
}

/** The tenant's own active connection; anything else is "not found". */
export async function ownConnection(
  deps: ApiDeps,
  tenant: string,
  connection: string,
  nowMs: number,
): Promise<Located> {
  const located = await deps.directory.byId(connection, nowMs);
  if (!located || located.tenant.id !== tenant)
    throw new HubError("not_found", "no such connection");
  if (located.connection.active === false)
    throw new HubError("unprocessable", "the connection is switched off");
  return located;
}

async function targetKey(
  { env }: ApiDeps,
  tenant: string,
  body: SendMessage,
  { connection }: Located,
): Promise<string> {
  if (body.to !== undefined) {
    const address = conversationKeyOf(connection, body.to, body.thread);
    if (address === undefined)
      throw new HubError("unprocessable", `"to" is not an address on ${connection.channel}`);
    return address;
  }
  const known = await findConversation(databaseFor(env, tenant), tenant, body.conversation ?? "");
  if (!known || known.connection_id !== connection.id)
    throw new HubError("not_found", "no such conversation");
  return known.conversation_key;
}
