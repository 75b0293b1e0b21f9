/** Writes the end of a send to D1, once, with the platform's id: the only row an outbound message ever gets. */
import { count } from "../../platform/metrics.ts";
import { type MessageRow, recordOutbound } from "../../platform/repositories/messages.ts";
import type { OutboxItem, SendEnd, SendReport } from "../../schema/conversation.ts";
import type { MessageContent } from "../../schema/message.ts";
import type { OutboundContent } from "../../schema/outbound.ts";
import type { Leased } from "./drain.ts";

/** Where D1 fails the end stays with the conversation and is recorded later; nothing is sent again for it. */
export async function recordEnd(
  db: D1Database,
  leased: Leased,
  item: OutboxItem,
  end: SendEnd,
): Promise<SendReport> {
  const base = { seq: item.seq, attempt: item.attempt, steps: item.steps } as const;
  if (item.content.type === "typing")
    return { ...base, result: { is: "ended", end, recorded: true } };
  try {
    await db.batch([...recordOutbound(db, rowOf(leased, item, end))]);
  } catch {
    count("record_failures_total", { tenant: leased.of.tenant });
    if (item.state.is === "recording") return { ...base, result: { is: "unrecorded" } };
    return { ...base, result: { is: "ended", end, recorded: false } };
  }
  const { channel } = leased.located.connection;
  count("sends_total", { tenant: leased.of.tenant, channel, outcome: end.status });
  return { ...base, result: { is: "ended", end, recorded: true } };
}

function rowOf({ of, located, work }: Leased, item: OutboxItem, end: SendEnd): MessageRow {
  const { connection } = located;
  const platformId =
    end.status === "sent"
      ? (end.platformId ?? item.steps.findLast((step) => step.platformId)?.platformId)
      : undefined;
  const target = "target" in item.content ? item.content.target : undefined;
  const traits = item.traits ?? {};
  return {
    tenantId: of.tenant,
    id: item.id,
    conversationId: of.conversation,
    connectionId: connection.id,
    source: connection.channel,
    direction: "outbound",
    kind: KINDS[item.content.type],
    ...(platformId === undefined ? {} : { platformId }),
    ...(target === undefined ? {} : { targetId: target }),
    content: contentOf(item.content),
    metadata: {
      event_key: item.id,
      timestamp: new Date(end.atMs).toISOString(),
      sender: { id: connection.id, aliases: [] },
      group: item.group,
      mentions: [],
      ...(item.replyTo ? { reply_to: item.replyTo } : {}),
      ...(item.thread ? { thread: item.thread } : {}),
      ...(item.turnId ? { turn: item.turnId } : {}),
      ...(work.turn ? { session: work.turn.session } : {}),
      ...(item.traceparent ? { traceparent: item.traceparent } : {}),
      ...(traits.route ? { route: traits.route } : {}),
      ...("reason" in end ? { reason: end.reason } : {}),
      answers: item.answers,
      attempts: item.attempt,
      hops: {
        ...(traits.routedAtMs ? { routed: traits.routedAtMs } : {}),
        ...(traits.agentStartMs ? { agent_start: traits.agentStartMs } : {}),
        ...(traits.agentEndMs ? { agent_end: traits.agentEndMs } : {}),
        committed: item.createdAtMs,
        [end.status]: end.atMs,
      },
    },
    createdAt: item.createdAtMs,
    processedAt: end.atMs,
    status: end.status,
  };
}

const KINDS: Readonly<Record<OutboundContent["type"], string>> = {
  text: "message",
  media: "message",
  card: "message",
  typing: "message",
  reaction: "reaction",
  edit: "edit",
  delete: "delete",
};

function contentOf(content: OutboundContent): MessageContent {
  switch (content.type) {
    case "text":
    case "edit":
      return { text: content.text, media: [], metadata: {} };
    case "media":
      return { text: content.text ?? "", media: content.media, metadata: {} };
    case "card":
      return { text: content.text, media: [], metadata: { buttons: content.buttons } };
    case "reaction":
      return {
        text: "",
        media: [],
        metadata: {
          reaction: { emoji: content.emoji, action: content.remove ? "removed" : "added" },
        },
      };
    case "delete":
    case "typing":
      return { text: "", media: [], metadata: {} };
  }
}
