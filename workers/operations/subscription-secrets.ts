/** The secrets of a webhook subscription: given, made, replaced while the old ones go on signing, taken away. */
import { HubError } from "../../domain/errors.ts";
import {
  openSigningSecrets,
  type SigningSecret,
  type StoredSubscription,
  sealSecrets,
} from "../../platform/repositories/subscriptions.ts";
import type { Vault } from "../../platform/vault.ts";
import { checkSecret, newWebhookSecret } from "../../platform/webhook-signature.ts";
import type { SubscriptionTarget } from "../../schema/subscription.ts";
import { leadsElsewhere } from "./subscription-state.ts";

/** Secrets that sign side by side. */
export const SECRETS_MAX = 5;

/** What is to be stored; `made` is the text of a secret that nobody knows yet. */
export interface Secrets {
  readonly sealed: string | undefined;
  readonly made?: string;
}

interface Place {
  readonly tenant: string;
  readonly id: string;
}

/** Throws validation_failed where a given secret cannot sign. */
export async function checkSecrets(target: SubscriptionTarget | undefined): Promise<void> {
  if (target?.kind !== "webhook" || !target.secrets) return;
  const checked = await Promise.all(target.secrets.map(checkSecret));
  const errors = checked.flatMap((one, at) => {
    if (one.ok) return [];
    const detail = `not a secret: ${one.failure.reason} (whsec_ with the Base64 of 24 to 64 bytes, or an Ed25519 key as whsk_)`;
    return [{ pointer: `#/target/secrets/${at}`, detail }];
  });
  if (errors.length > 0)
    throw new HubError("validation_failed", undefined, { extensions: { errors } });
}

/** Of a new subscription: those given, else a new one. */
export async function firstSecrets(
  vault: Vault,
  { tenant, id }: Place,
  target: SubscriptionTarget,
): Promise<Secrets> {
  if (target.kind !== "webhook") return { sealed: undefined };
  if (target.secrets) {
    const given = target.secrets.map((text) => ({ text }));
    return { sealed: await sealSecrets(vault, tenant, id, given) };
  }
  const made = newWebhookSecret();
  return { sealed: await sealSecrets(vault, tenant, id, [{ text: made }]), made };
}

/** After a change of target: kept only where it leads to the same place and none were given. */
export async function secretsAfter(
  vault: Vault,
  before: StoredSubscription,
  target: SubscriptionTarget,
): Promise<Secrets> {
  const { tenant, subscription, sealedSecrets } = before;
  const given = target.kind === "webhook" && target.secrets !== undefined;
  if (!given && !leadsElsewhere(subscription.target, target)) return { sealed: sealedSecrets };
  return firstSecrets(vault, { tenant, id: subscription.id }, target);
}

/** A new secret before the others, which sign until `untilMs` at most. Throws conflict where there are too many. */
export async function addSecret(
  vault: Vault,
  stored: StoredSubscription,
  untilMs: number,
  nowMs: number,
): Promise<Secrets> {
  const old = await openSigningSecrets(vault, stored, nowMs);
  if (old.length >= SECRETS_MAX)
    throw new HubError("conflict", `${SECRETS_MAX} secrets sign already: take the old ones away`);
  const made = newWebhookSecret();
  const ending = old.map(({ text, untilMs: endsMs = Infinity }): SigningSecret => {
    return { text, untilMs: Math.min(endsMs, untilMs) };
  });
  return { sealed: await sealOf(vault, stored, [{ text: made }, ...ending]), made };
}

/** Only the newest signs from now on. */
export async function dropOldSecrets(
  vault: Vault,
  stored: StoredSubscription,
  nowMs: number,
): Promise<Secrets> {
  const secrets = await openSigningSecrets(vault, stored, nowMs);
  return { sealed: await sealOf(vault, stored, secrets.slice(0, 1)) };
}

/** How many sign now. */
export async function countSecrets(
  vault: Vault,
  stored: StoredSubscription,
  nowMs: number,
): Promise<number> {
  return (await openSigningSecrets(vault, stored, nowMs)).length;
}

function sealOf(
  vault: Vault,
  { tenant, subscription }: StoredSubscription,
  secrets: readonly SigningSecret[],
): Promise<string> {
  return sealSecrets(vault, tenant, subscription.id, secrets);
}
