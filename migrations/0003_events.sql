CREATE TABLE events_0 (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  shard TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  partition_key TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant_id, seq, shard)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX events_0_id ON events_0 (tenant_id, id);
--> statement-breakpoint
CREATE TABLE events_1 (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  shard TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  partition_key TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant_id, seq, shard)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX events_1_id ON events_1 (tenant_id, id);
--> statement-breakpoint
CREATE TABLE events_2 (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  shard TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  partition_key TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant_id, seq, shard)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX events_2_id ON events_2 (tenant_id, id);
--> statement-breakpoint
CREATE VIEW events AS
  SELECT * FROM events_0 UNION ALL SELECT * FROM events_1 UNION ALL SELECT * FROM events_2;
--> statement-breakpoint
CREATE TABLE delivery_attempts_0 (
  tenant_id TEXT NOT NULL,
  subscription_id TEXT NOT NULL,
  id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  shard TEXT NOT NULL,
  seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  cause TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  status INTEGER,
  duration_ms INTEGER NOT NULL,
  request_headers TEXT NOT NULL,
  response_body TEXT,
  next_at INTEGER,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, subscription_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX delivery_attempts_0_event ON delivery_attempts_0 (tenant_id, event_id);
--> statement-breakpoint
CREATE TABLE delivery_attempts_1 (
  tenant_id TEXT NOT NULL,
  subscription_id TEXT NOT NULL,
  id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  shard TEXT NOT NULL,
  seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  cause TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  status INTEGER,
  duration_ms INTEGER NOT NULL,
  request_headers TEXT NOT NULL,
  response_body TEXT,
  next_at INTEGER,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, subscription_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX delivery_attempts_1_event ON delivery_attempts_1 (tenant_id, event_id);
--> statement-breakpoint
CREATE TABLE delivery_attempts_2 (
  tenant_id TEXT NOT NULL,
  subscription_id TEXT NOT NULL,
  id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  shard TEXT NOT NULL,
  seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  cause TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  status INTEGER,
  duration_ms INTEGER NOT NULL,
  request_headers TEXT NOT NULL,
  response_body TEXT,
  next_at INTEGER,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, subscription_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX delivery_attempts_2_event ON delivery_attempts_2 (tenant_id, event_id);
--> statement-breakpoint
CREATE VIEW delivery_attempts AS
  SELECT * FROM delivery_attempts_0 UNION ALL SELECT * FROM delivery_attempts_1 UNION ALL SELECT * FROM delivery_attempts_2;
--> statement-breakpoint
CREATE TABLE subscriptions (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  config TEXT NOT NULL,
  secrets TEXT,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  state_reason TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE event_types (
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  compatibility TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE event_type_versions (
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  schema TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name, version)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE outbox (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE segments (
  tenant_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  hour INTEGER NOT NULL,
  part INTEGER NOT NULL,
  key TEXT NOT NULL,
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  first TEXT NOT NULL,
  last TEXT NOT NULL,
  cold INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, kind, hour, part)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE replays (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  spec TEXT NOT NULL,
  state TEXT NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  total INTEGER,
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE alert_rules (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  config TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE dead_letters ADD COLUMN subscription_id TEXT;
--> statement-breakpoint
ALTER TABLE dead_letters ADD COLUMN event_type TEXT;
--> statement-breakpoint
ALTER TABLE dead_letters ADD COLUMN event_id TEXT;
