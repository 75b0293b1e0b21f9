/**
 * Deliveries for consumers that come by themselves. A lease is of one shard, and its token says which; it is signed
 * for its tenant and subscription, so that nobody settles what was leased to somebody else.
 */
import { HubError } from "../../domain/errors.ts";
import type { LeaseReply } from "../../domain/events/shard/lease.ts";
import type { Settled, Settlement } from "../../domain/events/shard/settle.ts";
import { openSigned, signText } from "../../domain/security/signed-text.ts";
import { insist } from "../../platform/conversations.ts";
import { eventShard, type ShardName } from "../../platform/event-shards.ts";
import type { LeaseView, SettleInput } from "../../schema/api/subscription-pull.ts";
import type { ApiDeps } from "../http/deps.ts";
import { knownShards } from "./subscription-shards.ts";
import { needSubscription } from "./subscription-store.ts";

/** A shard that did not answer is worth asking again after this, in seconds. */
const RETRY_AFTER_SECONDS = 1;

export interface PullRequest {
  readonly tenant: string;
  readonly subscription: string;
}

type Leased = Extract<LeaseReply, { is: "leased" }>;

/**
 * Asks one shard after the other, from one at random, until one has something. Throws not_found, conflict where it is
 * no pull subscription, unavailable where nobody has anything and a shard did not answer.
 */
export async function leasePull(
  deps: ApiDeps,
  request: PullRequest & { readonly max: number; readonly consumer?: string | undefined },
): Promise<LeaseView> {
  const { tenant, subscription, max } = request;
  if ((await needPull(deps, request)) !== "active") return none("paused");
  const asked = { subscription, max, consumer: consumerOf(request.consumer) };
  const shards = await knownShards(deps, tenant);
  const from = Math.floor(Math.random() * shards.length);
  let why: LeaseView["why"] = "empty";
  let failed = false;
  for (const of of [...shards.slice(from), ...shards.slice(0, from)]) {
    // Not made again where it is lost: a lease that nobody knows of would cost its deliveries an attempt.
    const reply = await eventShard(deps.env, of)
      .lease(asked)
      .catch(() => undefined);
    if (reply?.is === "leased") return viewOf(deps, request, of, reply);
    if (reply?.why === "full") why = "full";
    failed ||= reply === undefined;
  }
  if (!failed) return none(why);
  throw unavailable();
}

/** Throws not_found, conflict where it is no pull subscription or the lease has ended, bad_request for another's token. */
export async function settlePull(
  deps: ApiDeps,
  request: PullRequest,
  { token, results }: SettleInput,
): Promise<readonly Settled[]> {
  const { tenant } = request;
  await needPull(deps, request);
  const opened = await openSigned(deps.vars.ID_SECRET, purposeOf(request), token);
  const [shard, inner] = opened?.split(" ") ?? [];
  if (shard === undefined || inner === undefined)
    throw new HubError("bad_request", "the token is not of a lease of this subscription");
  const settlements = results.map(settlementOf);
  const settled = await insist(() =>
    eventShard(deps.env, { tenant, shard }).settle(inner, settlements),
  ).catch(() => {
    throw unavailable();
  });
  if (settled.some(({ is }) => is === "stale"))
    throw new HubError("conflict", "the lease has ended: these go to somebody else", {
      extensions: { results: settled },
    });
  return settled;
}

/** Answers the state. */
async function needPull(deps: ApiDeps, { tenant, subscription }: PullRequest) {
  const stored = await needSubscription(deps, tenant, subscription);
  const { kind } = stored.subscription.target;
  if (kind !== "pull") throw new HubError("conflict", `its deliveries go to a ${kind}`);
  return stored.state;
}

/** Names that callers choose never meet those made here. */
function consumerOf(name: string | undefined): string {
  return name === undefined ? `~${crypto.randomUUID()}` : `n:${name}`;
}

async function viewOf(
  { vars }: ApiDeps,
  request: PullRequest,
  { shard }: ShardName,
  leased: Leased,
): Promise<LeaseView> {
  return {
    deliveries: leased.deliveries.map(({ seq, attempt, priority, expiresMs, event }) => ({
      seq,
      attempt,
      priority,
      expires_at: expiresMs === undefined ? null : instant(expiresMs),
      event,
    })),
    token: await signText(vars.ID_SECRET, purposeOf(request), `${shard} ${leased.token}`),
    until: instant(leased.untilMs),
    more: leased.more,
  };
}

function purposeOf({ tenant, subscription }: PullRequest): string {
  return `lease ${tenant} ${subscription}`;
}

function settlementOf(result: SettleInput["results"][number]): Settlement {
  const { seq } = result;
  switch (result.is) {
    case "ack":
      return { seq, is: "ack" };
    case "retry":
      return { seq, is: "retry", afterMs: result.after_ms, reason: result.reason };
    case "dead":
      return { seq, is: "dead", reason: result.reason };
  }
}

function none(why: LeaseView["why"]): LeaseView {
  return { deliveries: [], more: false, why };
}

function unavailable(): HubError {
  return new HubError("unavailable", "a shard does not answer", {
    extensions: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
