/** Partitions that stand still until a person decides: listed, and let go on. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { partitionGroup } from "../../domain/events/shard/rows.ts";
import { fromBase64Url, toBase64Url } from "../../domain/security/base64url.ts";
import { insist } from "../../platform/conversations.ts";
import { eventShard } from "../../platform/event-shards.ts";
import type { BlockedDecision, BlockedList, BlockedView } from "../../schema/api/subscriptions.ts";
import type { ApiDeps } from "../http/deps.ts";
import { blockedIn, knownShards } from "./subscription-shards.ts";

/** Shard, partition key and number of the event. */
const Place = z.tuple([z.string().max(16), z.string().max(512), z.int().min(0)]);
const PREFIX = partitionGroup("");

/** At most `limit`, oldest first. */
export async function listBlocked(
  deps: ApiDeps,
  tenant: string,
  subscription: string,
  limit: number,
): Promise<z.output<typeof BlockedList>> {
  const rows = await blockedIn(deps, tenant, subscription, limit + 1);
  const items = rows.toSorted((a, b) => a.seq - b.seq).slice(0, limit);
  return { items: items.map(viewOf), more: rows.length > limit };
}

/** Throws not_found where nothing is blocked there (any more), unavailable where its shard does not answer. */
export async function decideBlocked(
  deps: ApiDeps,
  at: { readonly tenant: string; readonly subscription: string; readonly id: string },
  { decision }: z.output<typeof BlockedDecision>,
): Promise<void> {
  const [shard, partition, seq] = placeOf(at.id);
  const of = (await knownShards(deps, at.tenant)).find((one) => one.shard === shard);
  if (!of) throw new HubError("not_found");
  const { subscription } = at;
  const request = { subscription, group: partitionGroup(partition), seq, decision };
  const done = await insist(() => eventShard(deps.env, of).unblock(request)).catch(
    (cause: unknown) => {
      throw new HubError("unavailable", "a shard does not answer", { cause });
    },
  );
  if (!done) throw new HubError("not_found");
}

function viewOf(row: Awaited<ReturnType<typeof blockedIn>>[number]): z.output<typeof BlockedView> {
  const partition = row.group.slice(PREFIX.length);
  return {
    id: idOf(row.shard, partition, row.seq),
    seq: row.seq,
    partition_key: partition,
    event_id: row.eventId,
    attempts: row.attempts,
    notes: row.notes.map(({ atMs, reason }) => ({ at: instant(atMs), reason })),
    accepted_at: instant(row.atMs),
  };
}

function idOf(shard: string, partition: string, seq: number): string {
  return toBase64Url(new TextEncoder().encode(JSON.stringify([shard, partition, seq])));
}

/** An id that names no place names nothing. */
function placeOf(id: string): z.output<typeof Place> {
  try {
    return Place.parse(JSON.parse(new TextDecoder().decode(fromBase64Url(id))));
  } catch {
    throw new HubError("not_found");
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
