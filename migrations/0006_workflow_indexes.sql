CREATE INDEX workflow_tasks_opened ON workflow_tasks (tenant_id, opened_at, id);
--> statement-breakpoint
CREATE INDEX workflow_tasks_run ON workflow_tasks (tenant_id, run_id);
--> statement-breakpoint
CREATE INDEX workflow_runs_correlated ON workflow_runs (tenant_id, correlation_id, started_at, id) WHERE correlation_id IS NOT NULL;
--> statement-breakpoint
CREATE INDEX workflow_runs_undone ON workflow_runs (tenant_id, started_at, id) WHERE undos_failed > 0;
