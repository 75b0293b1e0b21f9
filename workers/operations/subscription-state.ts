/**
 * What state a subscription is in, from what its owner wants and what its endpoint has proven; and what a patch
 * makes of it. Decides only: `subscription-store.ts` writes.
 */
import type { StoredSubscription } from "../../platform/repositories/subscriptions.ts";
import type { CreateSubscription, SubscriptionPatch } from "../../schema/api/subscriptions.ts";
import { Subscription, type SubscriptionTarget } from "../../schema/subscription.ts";

type State = Pick<StoredSubscription, "state" | "stateReason">;

/** `verified`: its endpoint has shown that it wants deliveries; true where there is none. */
export function stateOf(subscription: Subscription, verified: boolean): State {
  if (!verified) return { state: "unverified", stateReason: "challenge" };
  return subscription.paused
    ? { state: "paused", stateReason: "operator" }
    : { state: "active", stateReason: undefined };
}

/** As it is to be kept: without secrets, without what is only said at creation. */
export function subscriptionFrom(input: CreateSubscription, id: string): Subscription {
  const { ownership: _, ...members } = input;
  return Subscription.parse({ ...members, id, target: withoutSecrets(input.target) });
}

/** A target as it may be stored in the open. */
export function withoutSecrets(target: SubscriptionTarget): SubscriptionTarget {
  if (target.kind !== "webhook") return target;
  const { secrets: _, ...open } = target;
  return open;
}

/** The subscription after a patch. */
export function patched(current: Subscription, patch: SubscriptionPatch): Subscription {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  const next = { ...current, ...Object.fromEntries(given) };
  const kept = Object.entries(next).filter(([, value]) => value !== null);
  return Subscription.parse({ ...Object.fromEntries(kept), target: withoutSecrets(next.target) });
}

/** The state after a change: where it leads somewhere else, that has to prove itself first. */
export function stateAfter(before: StoredSubscription, next: Subscription): State {
  if (leadsElsewhere(before.subscription.target, next.target))
    return stateOf(next, next.target.kind !== "webhook");
  const { state, stateReason } = before;
  if (state === "disabled" || state === "unverified") return { state, stateReason };
  return stateOf(next, true);
}

/** Whether a target is another place than before: deliveries and secrets of one are nobody else's. */
export function leadsElsewhere(before: SubscriptionTarget, next: SubscriptionTarget): boolean {
  if (before.kind !== "webhook" || next.kind !== "webhook") return before.kind !== next.kind;
  return before.url !== next.url;
}
