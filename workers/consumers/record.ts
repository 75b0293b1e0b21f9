/** Writes the end of a send to D1, once, with the platform's id: the only row an outbound message ever gets. */
import { audienceOf } from "../../platform/message-events.ts";
import { count } from "../../platform/metrics.ts";
import { writeTelling } from "../../platform/outbox.ts";
import { tellRecorded } from "../../platform/repositories/message-outbox.ts";
import {
  type MessageRow,
  type RowMetadata,
  recordOutbound,
} from "../../platform/repositories/messages.ts";
import type { OutboxItem, SendEnd, SendReport } from "../../schema/conversation.ts";
import type { MessageContent } from "../../schema/message.ts";
import type { OutboundContent } from "../../schema/outbound.ts";
import { tellingDeps } from "../operations/publish-owed.ts";
import { noteJourney } from "./journey.ts";
import type { Leased } from "./leased.ts";

/** Where D1 fails the end stays with the conversation and is recorded later; nothing is sent again for it. */
export async function recordEnd(
  env: Env,
  db: D1Database,
  leased: Leased,
  item: OutboxItem,
  end: SendEnd,
): Promise<SendReport> {
  const base = { seq: item.seq, attempt: item.attempt, steps: item.steps } as const;
  if (item.content.type === "typing")
    return { ...base, result: { is: "ended", end, recorded: true } };
  try {
    await writeEnd(env, db, rowOf(leased, item, end));
  } catch {
    count("record_failures_total", { tenant: leased.of.tenant });
    if (item.state.is === "recording") return { ...base, result: { is: "unrecorded" } };
    return { ...base, result: { is: "ended", end, recorded: false } };
  }
  const { channel } = leased.located.connection;
  count("sends_total", { tenant: leased.of.tenant, channel, outcome: end.status });
  noteJourney(leased, item, end);
  return { ...base, result: { is: "ended", end, recorded: true } };
}

/** What subscribers hear of it goes into the same batch: a crash right behind it loses neither. */
async function writeEnd(env: Env, db: D1Database, row: MessageRow): Promise<void> {
  const audience = await audienceOf(tellingDeps(env), row.tenantId, Date.now());
  const statements = recordOutbound(db, row);
  if (!audience.hears(ENDS)) {
    await db.batch([...statements]);
    return;
  }
  const telling = tellRecorded(db, row.tenantId, row.id);
  await writeTelling(db, row.tenantId, [...statements, telling]);
}

/** A status that overtook the send's own answer is merged with it, and told with it. */
const ENDS = ["sent", "uncertain", "failed", "delivered", "read"] as const;

function rowOf({ of, located, work }: Leased, item: OutboxItem, end: SendEnd): MessageRow {
  const { connection } = located;
  const target = "target" in item.content ? item.content.target : undefined;
  return {
    tenantId: of.tenant,
    id: item.id,
    conversationId: of.conversation,
    connectionId: connection.id,
    source: connection.channel,
    direction: "outbound",
    kind: KINDS[item.content.type],
    ...defined({ platformId: platformIdOf(item, end), targetId: target }),
    content: contentOf(item.content),
    metadata: metadataOf(item, end, connection.id, work.turn?.session),
    createdAt: item.createdAtMs,
    processedAt: end.atMs,
    status: end.status,
  };
}

function platformIdOf(item: OutboxItem, end: SendEnd): string | undefined {
  if (end.status !== "sent") return undefined;
  return end.platformId ?? item.steps.findLast((step) => step.platformId)?.platformId;
}

function metadataOf(
  item: OutboxItem,
  end: SendEnd,
  sender: string,
  session: string | undefined,
): RowMetadata {
  return {
    event_key: item.id,
    timestamp: new Date(end.atMs).toISOString(),
    sender: { id: sender, aliases: [] },
    group: item.group,
    mentions: [],
    ...defined({
      reply_to: item.replyTo,
      thread: item.thread,
      turn: item.turnId,
      session,
      traceparent: item.traceparent,
      depth: item.depth,
      route: item.traits?.route,
      reason: "reason" in end ? end.reason : undefined,
    }),
    answers: item.answers,
    attempts: item.attempt,
    hops: {
      ...defined({
        routed: item.traits?.routedAtMs,
        agent_start: item.traits?.agentStartMs,
        agent_end: item.traits?.agentEndMs,
      }),
      committed: item.createdAtMs,
      [end.status]: end.atMs,
    },
  };
}

/** The members that have a value. */
function defined<T extends object>(members: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
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
