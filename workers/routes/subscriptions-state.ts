/** Subscriptions held and released, their endpoints asked, their secrets replaced. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { HEALTHY } from "../../domain/events/delivery.ts";
import type { StoredSubscription } from "../../platform/repositories/subscriptions.ts";
import {
  SECRET_KEEP_SECONDS_DEFAULT,
  SECRET_KEEP_SECONDS_MAX,
  SubscriptionChanged,
  SubscriptionId,
  SubscriptionView,
} from "../../schema/api/subscriptions.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { etagOf } from "../http/etag.ts";
import { type Api, json } from "../http/route.ts";
import { addSecret, dropOldSecrets, type Secrets } from "../operations/subscription-secrets.ts";
import { stateAfter, stateOf } from "../operations/subscription-state.ts";
import {
  type Changed,
  changeSubscription,
  needSubscription,
  verifySubscription,
} from "../operations/subscription-store.ts";
import { viewChanged } from "../operations/subscription-view.ts";

const Params = z.strictObject({ subscription: SubscriptionId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const RotateQuery = z.strictObject({
  tenant: Id.optional(),
  /** How long the secrets there are now go on signing, in seconds. */
  keep_seconds: z.coerce
    .number()
    .int()
    .min(0)
    .max(SECRET_KEEP_SECONDS_MAX)
    .default(SECRET_KEEP_SECONDS_DEFAULT),
});
const WRITE = { scope: "subscriptions:write", tenant: "key" } as const;
const TAG = "subscriptions";
const VIEW = { 200: { description: "The subscription", schema: SubscriptionView } };
const NO_WEBHOOK = { description: "It is no webhook" };

export function registerSubscriptionState(api: Api, deps: ApiDeps): void {
  registerSwitches(api, deps);
  registerVerify(api, deps);
  registerSecrets(api, deps);
}

/** What each of these makes of a subscription; the same one where there is nothing to do. */
const SWITCHES = [
  {
    id: "pauseSubscription",
    verb: "pause",
    summary: "Hold deliveries back; what is for it waits",
    responses: VIEW,
    change: (before: StoredSubscription) => withPaused(before, true),
  },
  {
    id: "resumeSubscription",
    verb: "resume",
    summary: "Let deliveries go on after a pause",
    responses: {
      ...VIEW,
      409: { description: "It is disabled or not verified: another call lets it go on" },
    },
    change: (before: StoredSubscription) => withPaused(checkResumable(before), false),
  },
  {
    id: "enableSubscription",
    verb: "enable",
    summary: "Let deliveries go on after its endpoint was switched off",
    responses: VIEW,
    change: (before: StoredSubscription) =>
      before.state === "disabled"
        ? { ...before, ...stateOf(before.subscription, true), health: HEALTHY }
        : before,
  },
] as const;

/** Throws conflict for one that rests for another reason: an answer of 200 would look as if it went on. */
function checkResumable(before: StoredSubscription): StoredSubscription {
  const { state, stateReason, subscription } = before;
  if (subscription.paused || (state !== "disabled" && state !== "unverified")) return before;
  const way =
    state === "disabled" ? "…/enable lets it go on" : "…/verify asks its endpoint once more";
  throw new HubError("conflict", `it is not paused but ${state} (${stateReason}): ${way}`);
}

function withPaused(before: StoredSubscription, paused: boolean): StoredSubscription {
  if ((before.subscription.paused ?? false) === paused) return before;
  const subscription = { ...before.subscription, paused };
  return { ...before, subscription, ...stateAfter(before, subscription) };
}

function registerSwitches(api: Api, deps: ApiDeps): void {
  for (const { id, verb, summary, responses, change } of SWITCHES) {
    api.route({
      id,
      method: "post",
      path: `/subscriptions/:subscription/${verb}`,
      tag: TAG,
      summary,
      access: WRITE,
      params: Params,
      query: TenantQuery,
      responses,
      handle: async ({ tenant, params, request, nowMs }) => {
        const at = { tenant, id: params.subscription, headers: request.headers };
        const stored = await changeSubscription(deps, at, nowMs, change);
        return answer(deps, { stored }, nowMs);
      },
    });
  }
}

function registerVerify(api: Api, deps: ApiDeps): void {
  api.route({
    id: "verifySubscription",
    method: "post",
    path: "/subscriptions/:subscription/verify",
    tag: TAG,
    summary: "Ask a webhook again whether it wants deliveries",
    description: "`verification` says how it answered; one that has answered before is not asked.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: {
      200: { description: "The subscription", schema: SubscriptionChanged },
      409: NO_WEBHOOK,
    },
    handle: async ({ tenant, params, nowMs }) => {
      const stored = await needWebhook(deps, tenant, params.subscription);
      return answer(deps, await verifySubscription(deps, stored, nowMs), nowMs);
    },
  });
}

function registerSecrets(api: Api, deps: ApiDeps): void {
  api.route({
    id: "rotateSubscriptionSecret",
    method: "post",
    path: "/subscriptions/:subscription/rotate-secret",
    tag: TAG,
    summary: "Sign with a new secret, beside the old ones",
    description:
      "The new one is in this answer only. The old ones sign too for `keep_seconds`, or until they are taken away.",
    access: WRITE,
    params: Params,
    query: RotateQuery,
    responses: {
      200: { description: "The subscription with the new secret", schema: SubscriptionChanged },
      409: { description: "It is no webhook, or has five secrets already" },
    },
    handle: async ({ tenant, params, query, request, nowMs }) => {
      const untilMs = nowMs + query.keep_seconds * 1000;
      const at = { tenant, id: params.subscription, headers: request.headers };
      return answer(
        deps,
        await withSecrets(deps, at, nowMs, (stored) =>
          addSecret(deps.vault, stored, untilMs, nowMs),
        ),
        nowMs,
      );
    },
  });
  api.route({
    id: "dropOldSubscriptionSecrets",
    method: "delete",
    path: "/subscriptions/:subscription/secrets/old",
    tag: TAG,
    summary: "Sign with the newest secret only",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { ...VIEW, 409: NO_WEBHOOK },
    handle: async ({ tenant, params, request, nowMs }) => {
      const at = { tenant, id: params.subscription, headers: request.headers };
      const drop = (stored: StoredSubscription) => dropOldSecrets(deps.vault, stored, nowMs);
      return answer(deps, await withSecrets(deps, at, nowMs, drop), nowMs);
    },
  });
}

async function withSecrets(
  deps: ApiDeps,
  at: { readonly tenant: string; readonly id: string; readonly headers: Headers },
  nowMs: number,
  make: (stored: StoredSubscription) => Promise<Secrets>,
): Promise<Changed> {
  let secrets: Secrets = { sealed: undefined };
  const stored = await changeSubscription(deps, at, nowMs, async (before) => {
    checkWebhook(before);
    secrets = await make(before);
    return { ...before, sealedSecrets: secrets.sealed };
  });
  return { stored, ...(secrets.made === undefined ? {} : { secret: secrets.made }) };
}

async function needWebhook(deps: ApiDeps, tenant: string, id: string): Promise<StoredSubscription> {
  const stored = await needSubscription(deps, tenant, id);
  checkWebhook(stored);
  return stored;
}

function checkWebhook({ subscription }: StoredSubscription): void {
  if (subscription.target.kind !== "webhook") throw new HubError("conflict", "it is no webhook");
}

async function answer(deps: ApiDeps, changed: Changed, nowMs: number): Promise<Response> {
  const etag = etagOf({ updatedAt: changed.stored.updatedAtMs });
  return json(200, await viewChanged(deps, changed, nowMs), { etag });
}
