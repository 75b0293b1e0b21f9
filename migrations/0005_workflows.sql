CREATE TABLE workflows (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  version TEXT NOT NULL,
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  definition TEXT NOT NULL,
  digest TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id, version)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE workflow_routes (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  active TEXT NOT NULL,
  previous TEXT,
  rollout TEXT,
  paused INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE workflow_runs (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  version TEXT NOT NULL,
  status TEXT NOT NULL,
  trigger TEXT NOT NULL,
  correlation_id TEXT,
  parent_run TEXT,
  reason TEXT,
  undos_failed INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  updated_at INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  archived_at INTEGER,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX workflow_runs_started ON workflow_runs (tenant_id, started_at);
--> statement-breakpoint
CREATE TABLE workflow_steps (
  tenant_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  key TEXT NOT NULL,
  step_id TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  version TEXT NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  PRIMARY KEY (tenant_id, run_id, key)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE workflow_audit (
  tenant_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  part INTEGER NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  step TEXT,
  attempt INTEGER,
  outcome TEXT,
  reason TEXT,
  PRIMARY KEY (tenant_id, run_id, seq, part)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE workflow_tasks (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  step_key TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  state TEXT NOT NULL,
  details TEXT NOT NULL,
  choice TEXT,
  answered_by TEXT,
  opened_at INTEGER NOT NULL,
  due_at INTEGER,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE schedules (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  config TEXT NOT NULL,
  revision INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE schedule_slots (
  tenant_id TEXT NOT NULL,
  schedule_id TEXT NOT NULL,
  slot INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  count INTEGER NOT NULL DEFAULT 1,
  run_id TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, schedule_id, slot)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE tenant_secrets (
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE tenant_data (
  tenant_id TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  revision INTEGER NOT NULL,
  written_by TEXT,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, key)
) WITHOUT ROWID;
