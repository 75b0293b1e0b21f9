/**
 * A message that D1 will not take, found by writing its conversation's rows one by one: its row is written
 * without content, and the content becomes a dead letter, so that nothing behind it waits for ever.
 */
import { mintId } from "../../domain/messaging/message-id.ts";
import { count } from "../../platform/metrics.ts";
import { oweEvents } from "../../platform/owed.ts";
import { insertDeadLetter } from "../../platform/repositories/dead-letters.ts";
import { insertMessages, type MessageRow } from "../../platform/repositories/messages.ts";

/** Characters of the content kept in the dead letter: whatever was too much for a row must fit one now. */
const KEPT_CHARS_MAX = 100_000;

/**
 * What D1 says of a value that it will never take. A busy or lost D1 fails too, for a while, and an error nobody
 * knows may be one of those: only a message refused in these words loses its content.
 */
const REFUSED = /too big|D1_TYPE_ERROR|SQLITE_(?:TOOBIG|CONSTRAINT|MISMATCH|RANGE)|malformed JSON/i;

/** True where every row is in D1 now, in full or without its content; false where D1 could not be asked. */
export async function persistOneByOne(
  db: D1Database,
  rows: readonly MessageRow[],
  nowMs: number,
): Promise<boolean> {
  for (const row of rows) {
    const tried = await attempt(db, insertMessages(db, [row]));
    if (tried === "written") continue;
    if (tried === "failed" || !(await bury(db, row, nowMs))) return false;
  }
  return true;
}

async function bury(db: D1Database, row: MessageRow, nowMs: number): Promise<boolean> {
  const kept = JSON.stringify(row.content).toWellFormed().slice(0, KEPT_CHARS_MAX);
  const content = { text: "", media: [], metadata: { unsupported: { type: "unstorable" } } };
  const letter = insertDeadLetter(db, {
    tenant: row.tenantId,
    id: mintId("dl", nowMs, Math.random),
    stage: "turn",
    reason: "unstorable",
    connection: row.connectionId,
    conversation: row.conversationId,
    messageId: row.id,
    payload: JSON.stringify({ content: kept }),
    history: [{ atMs: nowMs, attempt: 1, reason: "unstorable" }],
    createdAtMs: nowMs,
  });
  const written = await attempt(db, [...insertMessages(db, [{ ...row, content }]), ...letter]);
  if (written !== "written") return false;
  oweEvents(row.tenantId);
  count("dead_letters_total", { tenant: row.tenantId, stage: "turn", reason: "unstorable" });
  return true;
}

/** One batch: all of it is written, or none. */
export async function attempt(
  db: D1Database,
  statements: readonly D1PreparedStatement[],
): Promise<"written" | "refused" | "failed"> {
  if (statements.length === 0) return "written";
  try {
    await db.batch([...statements]);
    return "written";
  } catch (error) {
    return REFUSED.test(String(error)) ? "refused" : "failed";
  }
}
