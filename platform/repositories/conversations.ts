/** The register of conversations in D1: what lists show and what the sweeper walks. Every query of a list binds a tenant. */

export interface ConversationRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly connection_id: string;
  readonly conversation_key: string;
  readonly created_at: number;
  readonly sweep_at: number;
}

export async function findConversation(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<ConversationRow | undefined> {
  const statement = db.prepare("SELECT * FROM conversations WHERE tenant_id = ? AND id = ?");
  return (await statement.bind(tenant, id).first<ConversationRow>()) ?? undefined;
}

/** By id, after `afterId`. */
export async function listConversations(
  db: D1Database,
  query: {
    readonly tenant: string;
    readonly connection?: string;
    readonly afterId?: string;
    readonly limit: number;
  },
): Promise<readonly ConversationRow[]> {
  const rows = await db
    .prepare(
      "SELECT * FROM conversations WHERE tenant_id = ?1 AND id > ?2 AND (?3 IS NULL OR connection_id = ?3) ORDER BY id LIMIT ?4",
    )
    .bind(query.tenant, query.afterId ?? "", query.connection ?? null, query.limit)
    .all<ConversationRow>();
  return rows.results;
}

/** Conversations the sweeper should look at, over all tenants of one shard, longest overdue first. */
export async function dueForSweep(
  db: D1Database,
  nowMs: number,
  limit: number,
): Promise<readonly ConversationRow[]> {
  const statement = db.prepare(
    "SELECT * FROM conversations WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?",
  );
  return (await statement.bind(nowMs, limit).all<ConversationRow>()).results;
}

/** When to look again, for many at once. */
export function rescheduleSweeps(
  db: D1Database,
  next: readonly { readonly tenant: string; readonly id: string; readonly atMs: number }[],
): D1PreparedStatement {
  const rows = JSON.stringify(next.map((one) => [one.tenant, one.id, one.atMs]));
  return db
    .prepare(
      `UPDATE conversations SET sweep_at = j.value ->> 2 FROM json_each(?) AS j
       WHERE tenant_id = j.value ->> 0 AND id = j.value ->> 1`,
    )
    .bind(rows);
}
