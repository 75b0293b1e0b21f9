/** What a run's decisions add to the metrics: every transition, and how long steps and runs took. */
import type { AuditEntry } from "../domain/workflows/run/audit.ts";
import type { Refusal, RunEvent } from "../domain/workflows/run/events.ts";
import type { RunState } from "../domain/workflows/run/state.ts";
import { count, observe } from "./metrics.ts";

export function countDecision(state: RunState, audit: readonly AuditEntry[]): void {
  const { tenant, workflow } = state;
  for (const entry of audit) {
    const { what, reason } = entry;
    count("workflow_transitions_total", { tenant, what });
    if (what === "step_failed" || what === "step_retrying" || what === "compensation_failed")
      count("workflow_failures_total", { tenant, what, reason: reason ?? "unclassified" });
    if (what === "step_completed" || what === "step_failed") observeStep(state, entry);
    if (what !== "saga_completed" && what !== "saga_failed") continue;
    const outcome = entry.outcome ?? state.status;
    count("workflow_runs_total", { tenant, workflow, outcome });
    observe("workflow_run_seconds", { tenant, outcome }, (entry.atMs - state.startedAtMs) / 1000);
  }
}

function observeStep({ tenant, steps }: RunState, { step = "", what, atMs }: AuditEntry): void {
  const record = steps[step];
  if (!record) return;
  const outcome = what === "step_completed" ? "succeeded" : "failed";
  const seconds = (atMs - record.startedAtMs) / 1000;
  observe("workflow_step_seconds", { tenant, type: record.type, outcome }, seconds);
}

/** Something came to a run that it does not take. */
export function countRefusal(event: RunEvent["is"], { reason }: Refusal): void {
  count("workflow_refusals_total", { event, reason });
}
