/** A subscription as its owner sees it. */
import type { StoredSubscription } from "../../platform/repositories/subscriptions.ts";
import type { SubscriptionChanged, SubscriptionView } from "../../schema/api/subscriptions.ts";
import type { ApiDeps } from "../http/deps.ts";
import { countSecrets } from "./subscription-secrets.ts";
import { withoutSecrets } from "./subscription-state.ts";
import type { Changed } from "./subscription-store.ts";

/** Opens the secrets to count them; none of them is in the view. */
export async function viewSubscription(
  { vault }: Pick<ApiDeps, "vault">,
  stored: StoredSubscription,
  nowMs: number,
): Promise<SubscriptionView> {
  const { subscription, health } = stored;
  const { failingSinceMs } = health;
  return {
    ...subscription,
    target: withoutSecrets(subscription.target),
    tenant: stored.tenant,
    paused: subscription.paused ?? false,
    state: stored.state,
    state_reason: stored.stateReason ?? null,
    secrets: await countSecrets(vault, stored, nowMs),
    health: {
      failures: health.failures,
      failing_since: failingSinceMs === undefined ? null : instant(failingSinceMs),
    },
    created_at: instant(stored.createdAtMs),
    updated_at: instant(stored.updatedAtMs),
  };
}

/** With what only the answer to this change may say. */
export async function viewChanged(
  deps: Pick<ApiDeps, "vault">,
  { stored, secret, verification }: Changed,
  nowMs: number,
): Promise<SubscriptionChanged> {
  return {
    ...(await viewSubscription(deps, stored, nowMs)),
    ...(secret === undefined ? {} : { secret }),
    ...(verification === undefined ? {} : { verification }),
  };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
