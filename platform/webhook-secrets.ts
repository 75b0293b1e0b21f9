/** The opened secrets of webhook subscriptions, kept by an isolate by their ciphertext. */
import {
  openSigningSecrets,
  type SigningSecret,
  type StoredSubscription,
} from "./repositories/subscriptions.ts";
import type { Vault } from "./vault.ts";

const KEPT_MAX = 1000;
const kept = new Map<string, readonly SigningSecret[]>();

/** Those that sign now, newest first; none where the subscription has none. Rejects as the vault does. */
export async function webhookSecrets(
  vault: Vault,
  stored: StoredSubscription,
  nowMs: number,
): Promise<readonly string[]> {
  const { tenant, subscription, sealedSecrets = "" } = stored;
  const key = JSON.stringify([tenant, subscription.id, sealedSecrets]);
  const secrets = kept.get(key) ?? (await openSigningSecrets(vault, stored, nowMs));
  if (!kept.has(key) && kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value ?? "");
  kept.set(key, secrets);
  return secrets
    .filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs)
    .map(({ text }) => text);
}
