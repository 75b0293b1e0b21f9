/** One run of a workflow: its log and state, its timers, and the projection of both. */
import { DurableObject } from "cloudflare:workers";

export class WorkflowRun extends DurableObject<Env> {
  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }
}
