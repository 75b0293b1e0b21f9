/**
 * A key that a publisher gives stands for one event of the tenant, whatever its partition key. A shard knows only its
 * own keys, so that where a tenant has several the first event of a key decides which of them all others go to.
 */
import { OWN_KEY_PREFIX } from "../../domain/events/publishing.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { insist } from "../../platform/conversations.ts";
import { countShards } from "../../platform/event-shard-count.ts";
import { type ShardEvent, shardOf } from "../../platform/event-shards.ts";
import { claimKey } from "../../platform/idempotency.ts";
import { type PublishRefusal, unavailable } from "./publish-refusal.ts";

type Made = Result<ShardEvent, PublishRefusal>;

/** What a claim is asked for. */
interface Claiming {
  readonly env: Env;
  readonly tenant: string;
  /** Of the tenant. */
  readonly shards: number;
  readonly nowMs: number;
}

/** In their order, each with the shard that its key belongs to. Never rejects. `shards`: `EVENT_SHARDS`. */
export async function homed(
  { env, shards, tenant, nowMs }: Claiming,
  made: readonly Made[],
): Promise<readonly Made[]> {
  // Where the number is not known, publishing says so.
  const own = await countShards({ env, shards }, tenant).catch(() => 1);
  if (own === 1) return made;
  const claiming = { env, tenant, shards: own, nowMs };
  return Promise.all(
    made.map((one) => (one.ok && isGiven(one.value) ? home(claiming, one.value) : one)),
  );
}

/** By its publisher: nobody else comes with a key that the hub made. */
function isGiven({ key }: ShardEvent): boolean {
  return !key.startsWith(OWN_KEY_PREFIX);
}

async function home({ env, tenant, shards, nowMs }: Claiming, event: ShardEvent): Promise<Made> {
  const { shard } = shardOf(tenant, event, shards);
  try {
    const key = `event:${await digestOf(event.key)}`;
    const claim = { tenant, key, body: null, proposedId: shard, nowMs };
    const { id } = await insist(() => claimKey(env, claim));
    return ok(id === shard ? event : { ...event, home: id });
  } catch {
    return fail(unavailable("its key could not be looked up"));
  }
}

async function digestOf(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return new Uint8Array(digest).toHex();
}
