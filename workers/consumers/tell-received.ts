/**
 * Tells subscribers of what has just been persisted, before its conversation hears that it is: what could not be
 * told counts as not persisted, so it comes again, and its key makes what was told already harmless.
 */
import { databaseFor } from "../../platform/database.ts";
import {
  type Audience,
  audienceOf,
  messageEventsOf,
  publishViews,
} from "../../platform/message-events.ts";
import { readMessages } from "../../platform/repositories/message-outbox.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import { tellingDeps } from "../operations/publish-owed.ts";
import type { Leased } from "./leased.ts";

/** By tenant, who listens to its messages; none where that could not be found out. */
export type Audiences = ReadonlyMap<string, Audience>;

/** For the tenants that have something new. Never rejects. */
export async function audiencesOf(env: Env, held: readonly Leased[]): Promise<Audiences> {
  const tenants = new Set(
    held.filter(({ work }) => work.persist.length > 0).map(({ of }) => of.tenant),
  );
  if (tenants.size === 0) return new Map();
  const deps = tellingDeps(env);
  const found = await Promise.allSettled(
    [...tenants].map((tenant) => audienceOf(deps, tenant, Date.now())),
  );
  const known = found.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  return new Map(known.map((audience) => [audience.tenant, audience]));
}

/** Tokens of the leases whose messages could not be told. In order of acceptance per conversation. Never rejects. */
export async function tellReceived(
  env: Env,
  persisted: readonly Leased[],
  audiences: Audiences,
): Promise<readonly string[]> {
  const fresh = persisted.filter(({ work }) => work.persist.length > 0);
  const groups = Map.groupBy(fresh, ({ of }) => of.tenant);
  const untold = await Promise.all(
    [...groups].map(async ([tenant, group]) => {
      const audience = audiences.get(tenant);
      if (audience && !audience.hears(["received"])) return [];
      const tokens = group.map(({ token }) => token);
      if (!audience) return tokens;
      const told = tellGroup(env, group, audience).catch(() => tokens);
      return Promise.race([told, late(tokens)]);
    }),
  );
  return untold.flat();
}

/** A shard that hangs holds up the other tenants of the batch no longer than this, in ms. */
const TELL_MS_MAX = 5000;

function late<T>(value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), TELL_MS_MAX));
}

async function tellGroup(
  env: Env,
  group: readonly Leased[],
  audience: Audience,
): Promise<readonly string[]> {
  const { tenant } = audience;
  const ids = group.flatMap(({ work }) => work.persist.map(({ id }) => id));
  const events = await wantedEvents(env, ids, audience);
  if (events.length === 0) return [];
  const told = await publishViews(tellingDeps(env), tenant, events);
  const untold = new Set(
    events.filter((_, n) => !told[n]).map(({ metadata }) => metadata.partition_key),
  );
  return group.filter(({ work }) => untold.has(work.config.conversation)).map(({ token }) => token);
}

/** Ids sort by acceptance within a conversation. */
async function wantedEvents(
  env: Env,
  ids: readonly string[],
  audience: Audience,
): Promise<readonly EventEnvelope[]> {
  const rows = await readMessages(databaseFor(env, audience.tenant), audience.tenant, ids);
  return rows
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap((row) => messageEventsOf(row).filter(({ hop }) => hop === "received"))
    .map(({ event }) => event)
    .filter((event) => audience.wants(event));
}
