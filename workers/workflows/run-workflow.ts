/** The hands of a run: carries its actions out, each in a step of its own. */
import { WorkflowEntrypoint } from "cloudflare:workers";
import type { RunName } from "../../platform/workflow-runs.ts";

export class RunWorkflow extends WorkflowEntrypoint<Env, RunName> {
  override async run(): Promise<void> {}
}
