/** Visits conversations whose time has come: lets idle ones forget, and wakes any that gave up with work left. */
import { conversationOf } from "../../platform/conversations.ts";
import { allDatabases } from "../../platform/database.ts";
import { count } from "../../platform/metrics.ts";
import {
  type ConversationRow,
  dueForSweep,
  rescheduleSweeps,
} from "../../platform/repositories/conversations.ts";
import { mapBounded } from "../consumers/bounded.ts";

/** Conversations visited per run and shard; the rest come five minutes later. */
const SWEEP_MAX = 500;
const CONCURRENCY_MAX = 6;
/** A forgotten conversation is looked at again only when it speaks again; until then, monthly, in ms. */
const FORGOTTEN_AGAIN_MS = 30 * 24 * 3_600_000;

export async function sweepConversations(env: Env, nowMs: number): Promise<void> {
  for (const db of allDatabases(env)) {
    const due = await dueForSweep(db, nowMs, SWEEP_MAX);
    const swept = await mapBounded(due, CONCURRENCY_MAX, (row) => sweepOne(env, row, nowMs));
    const next = swept.filter((one) => one !== undefined);
    if (next.length > 0) await rescheduleSweeps(db, next).run();
  }
}

async function sweepOne(env: Env, row: ConversationRow, nowMs: number) {
  try {
    const { forgotten, behind, nextMs } = await conversationOf(env, row.tenant_id, row.id).sweep(
      nowMs,
    );
    count("conversations_swept_total", {
      outcome: forgotten ? "forgotten" : behind ? "behind" : "kept",
    });
    return {
      tenant: row.tenant_id,
      id: row.id,
      atMs: forgotten ? nowMs + FORGOTTEN_AGAIN_MS : nextMs,
    };
  } catch {
    count("conversations_swept_total", { outcome: "unreachable" });
    return undefined;
  }
}
