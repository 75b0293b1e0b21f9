/**
 * One idempotency key of one tenant (the object's name is a hash of both): who came first, with which body,
 * and what was promised. Lives a day, then deletes itself.
 */
import { DurableObject } from "cloudflare:workers";

/** How long a key is remembered, in ms (guarantee G2). */
const TTL_MS = 24 * 3_600_000;

export type Claim =
  /** First: carry on with this id. A repetition before the first was finished gets the same id. */
  | { readonly is: "first" | "again"; readonly id: string }
  /** The key was used with another body. */
  | { readonly is: "mismatch" };

interface Kept {
  readonly bodyHash: string;
  readonly id: string;
}

export class Idempotency extends DurableObject<Env> {
  /** Binds the key to a body and to the id proposed first. */
  async claim(bodyHash: string, proposedId: string, nowMs: number): Promise<Claim> {
    const kept = this.ctx.storage.kv.get<Kept>("claim");
    if (kept) return kept.bodyHash === bodyHash ? { is: "again", id: kept.id } : { is: "mismatch" };
    this.ctx.storage.kv.put("claim", { bodyHash, id: proposedId } satisfies Kept);
    await this.ctx.storage.setAlarm(nowMs + TTL_MS);
    return { is: "first", id: proposedId };
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }
}
