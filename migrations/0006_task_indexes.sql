CREATE INDEX workflow_tasks_opened ON workflow_tasks (tenant_id, opened_at, id);
--> statement-breakpoint
CREATE INDEX workflow_tasks_run ON workflow_tasks (tenant_id, run_id);
