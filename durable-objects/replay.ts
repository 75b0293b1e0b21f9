/** One replay of events: goes through them page by page and hands them to one subscription. */
import { DurableObject } from "cloudflare:workers";

export class Replay extends DurableObject<Env> {
  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }
}
