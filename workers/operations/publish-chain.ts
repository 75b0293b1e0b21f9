/**
 * How deep published events are in their chains. A run's are as deep as the run. Somebody else's are as deep as they
 * say, and behind every event that `causation_id` names and the log has, so that a circle over somebody's own system
 * ends as well; an event that would be too deep is refused.
 */
import { carried, chainDepth, deepened } from "../../domain/events/chain.ts";
import { fail, ok } from "../../domain/result.ts";
import { databaseFor } from "../../platform/database.ts";
import { count } from "../../platform/metrics.ts";
import { findEvents } from "../../platform/repositories/events.ts";
import type { EventEnvelope, PublishInput } from "../../schema/event.ts";
import { EVENT_DEPTH_MAX } from "../../schema/event-depth.ts";
import type { PublishOperation } from "./publish.ts";
import type { Candidate } from "./publish-input.ts";
import { type PublishRefusal, unavailable } from "./publish-refusal.ts";

/** In the order of the candidates, each with its depth. Never rejects: where the log does not answer, it is refused. */
export async function chained(
  env: Env,
  { tenant, candidates, depth }: PublishOperation,
): Promise<readonly Candidate[]> {
  if (depth !== undefined)
    return candidates.map((one) => (one.ok ? ok(atDepth(one.value, depth)) : one));
  const ids = new Set(candidates.flatMap((one) => (one.ok ? causeOf(one.value) : [])));
  const causes = ids.size === 0 ? [] : await known(env, tenant, [...ids]);
  return candidates.map((one) => (one.ok ? behind(tenant, one.value, causes) : one));
}

function atDepth(input: PublishInput, depth: number): PublishInput {
  const { depth: _, ...metadata } = input.metadata ?? {};
  return { ...input, metadata: { ...metadata, ...carried(depth) } };
}

function causeOf({ metadata }: PublishInput): readonly string[] {
  return metadata?.causation_id === undefined ? [] : [metadata.causation_id];
}

async function known(
  env: Env,
  tenant: string,
  ids: readonly string[],
): Promise<readonly EventEnvelope[] | undefined> {
  const found = await findEvents(databaseFor(env, tenant), tenant, ids).catch(() => undefined);
  return found?.map(({ event }) => event);
}

function behind(
  tenant: string,
  input: PublishInput,
  known: readonly EventEnvelope[] | undefined,
): Candidate {
  const { metadata } = input;
  if (metadata === undefined) return ok(input);
  const cause = metadata.causation_id;
  if (cause !== undefined && !known) return fail(unavailable("the log of events did not answer"));
  const causes = (known ?? []).filter(({ event_id }) => event_id === cause);
  const deep = deepened(metadata, causes);
  if (deep.ok) return ok({ ...input, metadata: deep.value });
  count("event_chains_ended_total", { tenant, at: "publish" });
  return fail(refusal(Math.max(...causes.map(chainDepth))));
}

function refusal(depth: number): PublishRefusal {
  const detail = `the event that caused it is ${depth} deep, and a chain may have ${EVENT_DEPTH_MAX}`;
  return { code: "unprocessable", reason: "chain_too_long", detail };
}
