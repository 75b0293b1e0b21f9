/** Makes the unified message out of what an adapter read and the ids the hub gave it. */
import type { ChannelName } from "../../schema/channel-names.ts";
import type { UnifiedMessage } from "../../schema/message.ts";
import type { ParsedMessage } from "../../schema/parsed.ts";

/** What only the hub knows of a message. `receivedAtMs` (ms since the epoch) stands in for a missing event time. */
export interface MessageContext {
  readonly id: string;
  readonly tenant: string;
  readonly connection: string;
  readonly source: ChannelName;
  readonly conversation: string;
  readonly receivedAtMs: number;
}

export function toUnified(parsed: ParsedMessage, context: MessageContext): UnifiedMessage {
  return {
    id: context.id,
    source: context.source,
    tenant: context.tenant,
    content: parsed.content,
    timestamp: new Date(parsed.timestampMs ?? context.receivedAtMs).toISOString(),
    connection: context.connection,
    conversation: context.conversation,
    direction: parsed.origin === "contact" ? "inbound" : "outbound",
    kind: parsed.kind,
    eventKey: parsed.eventKey,
    platform_id: parsed.platformId,
    ...(parsed.targetId === undefined ? {} : { target_id: parsed.targetId }),
    sender: parsed.sender,
    group: parsed.group,
    ...(parsed.replyTo === undefined ? {} : { reply_to: parsed.replyTo }),
    ...(parsed.thread === undefined ? {} : { thread: parsed.thread }),
    mentions: [...parsed.mentions],
  };
}
