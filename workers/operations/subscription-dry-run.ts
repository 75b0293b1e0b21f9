/** What would become of an event at every subscription of a tenant. Nothing is published. */
import { HubError } from "../../domain/errors.ts";
import { chainDepth, depthBehind } from "../../domain/events/chain.ts";
import { explain } from "../../domain/events/explain.ts";
import { type Publishing, publishingOf } from "../../domain/events/publishing.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  readSubscriptions,
  type StoredSubscription,
} from "../../platform/repositories/subscriptions.ts";
import type { DryRun, DryRunItem } from "../../schema/api/subscriptions.ts";
import type { PublishInput } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";
import { refusalOf } from "./publish.ts";

/** By id of the subscription. Throws validation_failed where the event is malformed. */
export async function dryRun(
  deps: ApiDeps,
  tenant: string,
  input: PublishInput,
  nowMs: number,
): Promise<DryRun> {
  const publishing = publishingOf(input, "evt_dry_run", nowMs);
  if (!publishing.ok) {
    const { reason, pointer } = publishing.failure;
    const errors = [{ pointer: `#${pointer}`, detail: reason }];
    throw new HubError("validation_failed", undefined, { extensions: { errors } });
  }
  const [refusal, rows] = await Promise.all([
    refusalOf(deps, tenant, input, nowMs),
    readSubscriptions(databaseFor(deps.env, tenant), tenant),
  ]);
  return {
    event_type: input.event_type,
    refused: refusal ? { reason: refusal.reason, detail: refusal.detail } : null,
    items: rows.map((row) => itemOf(row, publishing.value, nowMs)),
  };
}

/** Targets at which the hub itself goes on with a chain of events. */
const GOES_ON: ReadonlySet<string> = new Set(["workflow", "conversation"]);

function itemOf(
  { subscription, state }: StoredSubscription,
  { envelope, ttlMs }: Publishing,
  nowMs: number,
): DryRunItem {
  const { binding, filter, expiresMs } = explain(subscription, envelope, ttlMs, nowMs);
  const verdict = (outcome: DryRunItem["outcome"], why: DryRunItem["why"]): DryRunItem => ({
    subscription: subscription.id,
    outcome,
    why,
    binding: binding ?? null,
    filter: filter ?? null,
    expires_at: expiresMs === undefined ? null : instant(expiresMs),
  });
  if (binding === undefined) return verdict("no", "binding");
  if (filter !== undefined) return verdict("no", "filter");
  if (expiresMs !== undefined && expiresMs < nowMs) return verdict("expire", "expired");
  if (state !== "active") return verdict("hold", state);
  const goesOn = GOES_ON.has(subscription.target.kind);
  if (goesOn && !depthBehind(chainDepth(envelope)).ok) return verdict("refuse", "chain_too_long");
  return verdict("deliver", "wanted");
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
