-- The keyed tables of schema/tables/keyed: natural keys, WITHOUT ROWID. A slot is re-created with exactly this SQL when its time is over.
CREATE TABLE messages_0 (
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
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX messages_0_conversation ON messages_0 (tenant_id, conversation_id, id);
--> statement-breakpoint
CREATE INDEX messages_0_platform ON messages_0 (tenant_id, connection_id, platform_id) WHERE direction = 'outbound' AND platform_id IS NOT NULL;
--> statement-breakpoint
CREATE TABLE messages_1 (
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
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX messages_1_conversation ON messages_1 (tenant_id, conversation_id, id);
--> statement-breakpoint
CREATE INDEX messages_1_platform ON messages_1 (tenant_id, connection_id, platform_id) WHERE direction = 'outbound' AND platform_id IS NOT NULL;
--> statement-breakpoint
CREATE TABLE messages_2 (
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
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX messages_2_conversation ON messages_2 (tenant_id, conversation_id, id);
--> statement-breakpoint
CREATE INDEX messages_2_platform ON messages_2 (tenant_id, connection_id, platform_id) WHERE direction = 'outbound' AND platform_id IS NOT NULL;
--> statement-breakpoint
CREATE VIEW messages AS
  SELECT * FROM messages_0 UNION ALL SELECT * FROM messages_1 UNION ALL SELECT * FROM messages_2;
--> statement-breakpoint
CREATE TABLE pending_statuses (
  tenant_id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  platform_id TEXT NOT NULL,
  status TEXT NOT NULL,
  status_rank INTEGER NOT NULL,
  detail TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, platform_id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE conversations (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  conversation_key TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  sweep_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX conversations_sweep ON conversations (sweep_at);
--> statement-breakpoint
CREATE TABLE aliases (
  tenant_id TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  alias TEXT NOT NULL,
  person_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, alias)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE dead_letters (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  stage TEXT NOT NULL,
  reason TEXT NOT NULL,
  connection_id TEXT,
  conversation_id TEXT,
  message_id TEXT,
  fingerprint TEXT NOT NULL,
  payload TEXT NOT NULL,
  history TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'dead',
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
