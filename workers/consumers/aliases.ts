/** Every other name a sender is known by: access rules hold for all of them, whichever a message happens to carry. */
import type { UnifiedMessage } from "../../schema/message.ts";

/** Sender id -> further aliases, learned from earlier messages. One query for the whole turn. */
export async function knownAliases(
  db: D1Database,
  tenant: string,
  connection: string,
  messages: readonly UnifiedMessage[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = [...new Set(messages.flatMap(({ sender }) => [sender.id, ...sender.aliases]))];
  const rows = await db
    .prepare(
      `SELECT DISTINCT o.alias AS alias, m.alias AS name FROM aliases m
       JOIN aliases o ON o.tenant_id = m.tenant_id AND o.connection_id = m.connection_id AND o.person_id = m.person_id
       WHERE m.tenant_id = ? AND m.connection_id = ? AND m.alias IN (SELECT value FROM json_each(?)) LIMIT 500`,
    )
    .bind(tenant, connection, JSON.stringify(names))
    .all<{ alias: string; name: string }>();
  return new Map(messages.map(({ sender }) => [sender.id, aliasesOf(sender, rows.results)]));
}

function aliasesOf(
  sender: UnifiedMessage["sender"],
  rows: readonly { alias: string; name: string }[],
): readonly string[] {
  const own = new Set([sender.id, ...sender.aliases]);
  return rows.filter((row) => own.has(row.name)).map((row) => row.alias);
}
