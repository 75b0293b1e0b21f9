/** The SQL of one slot of messages: the same as in the keyed migration, which a test compares it with. */

/** Statements that empty slot `slot` by dropping and making it anew; the view is made anew around it. */
export function messageSlotSql(slot: number, slots: number): readonly string[] {
  const all = Array.from({ length: slots }, (_, n) => `SELECT * FROM messages_${n}`).join(
    " UNION ALL ",
  );
  return [
    "DROP VIEW messages",
    `DROP TABLE messages_${slot}`,
    `CREATE TABLE messages_${slot} (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  source TEXT NOT NULL,
  direction TEXT NOT NULL,
  kind TEXT NOT NULL,
  platform_id TEXT,
  target_id TEXT,
  content TEXT NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  processed_at INTEGER,
  status TEXT NOT NULL DEFAULT 'pending',
  status_rank INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID`,
    `CREATE INDEX messages_${slot}_conversation ON messages_${slot} (tenant_id, conversation_id, id)`,
    `CREATE INDEX messages_${slot}_platform ON messages_${slot} (tenant_id, connection_id, platform_id) WHERE direction = 'outbound' AND platform_id IS NOT NULL`,
    `CREATE VIEW messages AS ${all}`,
  ];
}
