/**
 * Subscriptions made, changed and deleted: written by compare-and-set, then told to the shards. The endpoint of a
 * webhook is asked after that; until it has answered, what is for it waits.
 */
import { HubError } from "../../domain/errors.ts";
import { HEALTHY } from "../../domain/events/delivery.ts";
import { databaseFor } from "../../platform/database.ts";
import { writeTelling } from "../../platform/outbox.ts";
import {
  tellChanged,
  tellSubscribed,
  tellUnsubscribed,
} from "../../platform/repositories/subscription-events.ts";
import {
  deleteSubscription,
  findSubscription,
  forwardersTo,
  insertSubscription,
  replaceSubscription,
  type StoredSubscription,
  SUBSCRIPTIONS_MAX,
} from "../../platform/repositories/subscriptions.ts";
import type {
  CreateSubscription,
  SubscriptionChanged,
  SubscriptionPatch,
} from "../../schema/api/subscriptions.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkIfMatch } from "../http/etag.ts";
import { challengeEndpoint } from "./endpoint-check.ts";
import { checkForm, checkTarget } from "./subscription-check.ts";
import { checkSecrets, firstSecrets, type Secrets, secretsAfter } from "./subscription-secrets.ts";
import { announce } from "./subscription-shards.ts";
import { patched, stateAfter, stateOf, subscriptionFrom } from "./subscription-state.ts";

/** Somebody else was first this often: then the caller hears of it. */
const ROUNDS_MAX = 5;

/** A subscription, what the caller may see of a new secret, and how its endpoint answered. */
export interface Changed {
  readonly stored: StoredSubscription;
  readonly secret?: string;
  readonly verification?: SubscriptionChanged["verification"];
}

/** Throws not_found. */
export async function needSubscription(
  { env }: Pick<ApiDeps, "env">,
  tenant: string,
  id: string,
): Promise<StoredSubscription> {
  const stored = await findSubscription(databaseFor(env, tenant), tenant, id);
  if (!stored) throw new HubError("not_found");
  return stored;
}

/** Throws what the checks do, conflict where the id is taken, not_found for an unknown tenant. */
export async function createSubscription(
  deps: ApiDeps,
  tenant: string,
  input: CreateSubscription,
  nowMs: number,
): Promise<Changed> {
  const id = input.id ?? `sub_${crypto.randomUUID().replaceAll("-", "")}`;
  const subscription = subscriptionFrom(input, id);
  if (!(await deps.directory.tenant(tenant, nowMs))) throw new HubError("not_found");
  await checkSecrets(input.target);
  checkForm(deps, subscription);
  await checkTarget(deps, subscription, { tenant, nowMs });
  const secrets = await firstSecrets(deps.vault, { tenant, id }, input.target);
  const verified = input.target.kind !== "webhook" || input.ownership === "assumed";
  const stored: StoredSubscription = {
    tenant,
    subscription,
    // From the clock: one that is deleted and made anew is younger than what a shard may still know of it.
    version: nowMs,
    ...stateOf(subscription, verified),
    health: HEALTHY,
    sealedSecrets: secrets.sealed,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  await insert(deps, stored);
  await announce(deps, tenant);
  return asked(deps, stored, secrets, nowMs);
}

/** Changes what is stored, as often as somebody else was first; `If-Match` ends that. Throws precondition_failed. */
export async function changeSubscription(
  deps: ApiDeps,
  at: { readonly tenant: string; readonly id: string; readonly headers: Headers },
  nowMs: number,
  change: (stored: StoredSubscription) => Promise<StoredSubscription> | StoredSubscription,
): Promise<StoredSubscription> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const before = await needSubscription(deps, at.tenant, at.id);
    checkIfMatch(at.headers, { updatedAt: before.updatedAtMs });
    const wanted = await change(before);
    if (wanted === before) return before;
    const next = {
      ...wanted,
      version: before.version + 1,
      updatedAtMs: Math.max(nowMs, before.updatedAtMs + 1),
    };
    const db = databaseFor(deps.env, at.tenant);
    const statements = [replaceSubscription(db, next), ...tellChanged(db, before, next)];
    const [replaced] = await writeTelling(db, at.tenant, statements);
    if ((replaced?.meta.changes ?? 0) > 0) {
      await announce(deps, at.tenant);
      return next;
    }
  }
  throw new HubError("precondition_failed");
}

/** Throws what the checks do, and precondition_failed. */
export async function updateSubscription(
  deps: ApiDeps,
  at: { readonly tenant: string; readonly id: string; readonly headers: Headers },
  patch: SubscriptionPatch,
  nowMs: number,
): Promise<Changed> {
  await checkSecrets(patch.target);
  let secrets: Secrets = { sealed: undefined };
  const stored = await changeSubscription(deps, at, nowMs, async (before) => {
    const subscription = patched(before.subscription, patch);
    checkForm(deps, subscription);
    if (patch.target) await checkTarget(deps, subscription, { tenant: at.tenant, nowMs });
    secrets = await secretsAfter(deps.vault, before, patch.target ?? before.subscription.target);
    const state = stateAfter(before, subscription);
    const health = state.state === "unverified" ? HEALTHY : before.health;
    return { ...before, subscription, ...state, health, sealedSecrets: secrets.sealed };
  });
  const isNew = patch.target !== undefined && stored.state === "unverified";
  if (isNew) return asked(deps, stored, secrets, nowMs);
  return { stored, ...(secrets.made === undefined ? {} : { secret: secrets.made }) };
}

/** Asks the endpoint of an unverified webhook whether it wants deliveries; any other stays as it is. */
export async function verifySubscription(
  deps: ApiDeps,
  stored: StoredSubscription,
  nowMs: number,
): Promise<Changed> {
  if (stored.state !== "unverified") return { stored };
  const answered = await challengeEndpoint(deps, stored);
  if (!answered.ok) return { stored, verification: { ok: false, ...answered.failure } };
  const { tenant, subscription } = stored;
  const at = { tenant, id: subscription.id, headers: new Headers() };
  const next = await changeSubscription(deps, at, nowMs, (now) => {
    // It may lead somewhere else by now, and that has not been asked.
    const same = now.state === "unverified" && urlOf(now) === urlOf(stored);
    return same ? { ...now, ...stateOf(now.subscription, true) } : now;
  });
  return { stored: next, verification: { ok: true } };
}

/** With everything that waits for it. Throws conflict where others forward to it. */
export async function removeSubscription(deps: ApiDeps, tenant: string, id: string): Promise<void> {
  const db = databaseFor(deps.env, tenant);
  const [forwarder] = await forwardersTo(db, tenant, id);
  if (forwarder !== undefined)
    throw new HubError("conflict", `the subscription ${forwarder} forwards to this one`);
  const told = tellUnsubscribed(db, { tenant, id }, deps.now());
  await writeTelling(db, tenant, [deleteSubscription(db, tenant, id), told]);
  await announce(deps, tenant);
}

async function insert(deps: ApiDeps, stored: StoredSubscription): Promise<void> {
  const db = databaseFor(deps.env, stored.tenant);
  const statements = [insertSubscription(db, stored), tellSubscribed(db, stored)];
  const [inserted] = await writeTelling(db, stored.tenant, statements);
  if ((inserted?.meta.changes ?? 0) > 0) return;
  const taken = await findSubscription(db, stored.tenant, stored.subscription.id);
  throw new HubError(
    "conflict",
    taken
      ? "a subscription with this id exists"
      : `a tenant may have ${SUBSCRIPTIONS_MAX} subscriptions`,
  );
}

async function asked(
  deps: ApiDeps,
  stored: StoredSubscription,
  { made }: Secrets,
  nowMs: number,
): Promise<Changed> {
  const changed = await verifySubscription(deps, stored, nowMs);
  return made === undefined ? changed : { ...changed, secret: made };
}

function urlOf({ subscription: { target } }: StoredSubscription): string | undefined {
  return target.kind === "webhook" ? target.url : undefined;
}
