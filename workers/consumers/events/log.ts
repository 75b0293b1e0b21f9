/** The tenant's log of published events: what the shards have accepted, written to the database in one statement. */

import { LOG_PREFETCH } from "../../../domain/events/shard/limits.ts";
import { databaseFor } from "../../../platform/database.ts";
import type { EventToken } from "../../../platform/queue-tokens.ts";
import { insertEvents } from "../../../platform/repositories/events.ts";
import type { DeliveryHandler, Leased } from "./targets.ts";

/** The database did not take them: tried again after this, in ms. */
const AGAIN_MS = 5000;

export function logHandler(env: Env, token: EventToken): DeliveryHandler {
  return { max: LOG_PREFETCH, deliver: (leased) => write(env, token, leased) };
}

async function write(env: Env, { tenant, shard }: EventToken, { deliveries }: Leased) {
  const db = databaseFor(env, tenant);
  try {
    await db.batch([
      ...insertEvents(
        db,
        deliveries.map(({ seq, event }) => ({ tenant, shard, seq, event })),
      ),
    ]);
    return deliveries.map(({ seq }) => ({ seq, is: "ack" }) as const);
  } catch {
    const reason = "database";
    return deliveries.map(({ seq }) => ({ seq, is: "retry", afterMs: AGAIN_MS, reason }) as const);
  }
}
