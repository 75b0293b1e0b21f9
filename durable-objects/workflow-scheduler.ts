/** The schedules of one tenant: which slots fire, by alarm. */
import { DurableObject } from "cloudflare:workers";

export class WorkflowScheduler extends DurableObject<Env> {
  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }
}
