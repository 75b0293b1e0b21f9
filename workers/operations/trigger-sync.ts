/** Tells the tenant's scheduler that another version of a workflow is in force, or none. */
import { insist } from "../../platform/conversations.ts";
import { workflowScheduler } from "../../platform/workflow-triggers.ts";
import type { ApiDeps } from "../http/deps.ts";

/**
 * What the triggers stand for is in step when it resolves. Never rejects: a scheduler that could not be told sees the
 * change by itself within five minutes.
 */
export async function followRoute(
  { env, log }: Pick<ApiDeps, "env" | "log">,
  { tenant, workflow }: { readonly tenant: string; readonly workflow: string },
  nowMs: number,
): Promise<void> {
  try {
    await insist(() => workflowScheduler(env, tenant).sync(tenant, workflow, nowMs));
  } catch (error) {
    const code = error instanceof Error ? error.name : "unknown";
    log("trigger.unfollowed", { tenant, kind: workflow, code });
  }
}
