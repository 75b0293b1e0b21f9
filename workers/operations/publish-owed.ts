/** Hands to the bus what committed changes of this isolate have left in outboxes; what fails waits for the minutely job. */
import type { TellingDeps } from "../../platform/message-events.ts";
import { publishOutbox } from "../../platform/outbox-publish.ts";
import { takeOwed } from "../../platform/owed.ts";
import { isolateOf } from "../isolate.ts";

/** What publishing takes in this isolate. */
export function tellingDeps(env: Env): TellingDeps {
  const { vars } = isolateOf(env);
  return { env, shards: vars.EVENT_SHARDS, cacheMs: vars.TENANT_CACHE_MS };
}

/** One tenant's, or everyone's. Never rejects. */
export async function publishOwed(env: Env, tenant?: string): Promise<void> {
  const owed = takeOwed(tenant);
  if (owed.length === 0) return;
  const deps = tellingDeps(env);
  await Promise.all(owed.map((one) => publishOutbox(deps, one, Date.now())));
}
