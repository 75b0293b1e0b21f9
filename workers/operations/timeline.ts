/** One message's whole story: its own hops and those of every reply to it, in order of time. */
import { seqOfId } from "../../domain/messaging/message-id.ts";
import {
  findMessage,
  listMessages,
  type RowMetadata,
  type StoredMessage,
} from "../../platform/repositories/messages.ts";

/** Replies are looked for among this many messages of the conversation that came after it. */
const LOOKED_AT_MAX = 200;

export async function timelineOf(db: D1Database, tenant: string, id: string) {
  const row = await findMessage(db, tenant, id);
  if (!row) return undefined;
  const replies = row.direction === "inbound" ? await repliesTo(db, row) : [];
  const own = metadataOf(row);
  const last = replies.at(-1);
  return {
    message: row.id,
    conversation: row.conversation_id,
    direction: row.direction,
    status: row.status,
    route: own.route ?? (last ? (metadataOf(last).route ?? null) : null),
    turn: own.turn ?? (last ? (metadataOf(last).turn ?? null) : null),
    replies: replies.map((reply) => {
      const { attempts, reason } = metadataOf(reply);
      return {
        id: reply.id,
        status: reply.status,
        attempts: attempts ?? 0,
        reason: reason ?? null,
      };
    }),
    hops: hopsOf([row, ...replies]),
  };
}

async function repliesTo(db: D1Database, row: StoredMessage): Promise<readonly StoredMessage[]> {
  const after = await listMessages(db, {
    tenant: row.tenant_id,
    conversation: row.conversation_id,
    direction: "outbound",
    afterId: row.id,
    limit: LOOKED_AT_MAX,
  });
  return after.filter((other) => metadataOf(other).answers?.includes(row.id));
}

function hopsOf(rows: readonly StoredMessage[]) {
  const firstMs = rows[0] ? (metadataOf(rows[0]).hops.received ?? rows[0].created_at) : 0;
  return rows
    .flatMap((row) =>
      Object.entries(metadataOf(row).hops).map(([hop, atMs]) => ({
        hop,
        atMs: atMs ?? 0,
        message: row.id,
      })),
    )
    .sort((a, b) => a.atMs - b.atMs || (seqOfId(a.message) ?? 0) - (seqOfId(b.message) ?? 0))
    .map(({ hop, atMs, message }) => ({
      hop,
      at: new Date(atMs).toISOString(),
      after_ms: atMs - firstMs,
      message,
    }));
}

function metadataOf(row: StoredMessage): RowMetadata {
  return JSON.parse(row.metadata) as RowMetadata;
}
