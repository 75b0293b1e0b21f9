/** The log of deliveries: what was sent where, what came back, and sending it again. */
import * as z from "zod";
import { type ErrorCode, HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  type AttemptQuery,
  type DeliveryAttempt,
  findAttempt,
  listAttempts,
} from "../../platform/repositories/delivery-attempts.ts";
import {
  AttemptId,
  AttemptOutcomeName,
  DeliveryDetail,
  DeliveryView,
  RecoverInput,
  RecoverResult,
  ResendResult,
  TestInput,
  TestResult,
} from "../../schema/api/deliveries.ts";
import { Instant } from "../../schema/api/instant.ts";
import { SubscriptionId } from "../../schema/api/subscriptions.ts";
import { Id } from "../../schema/connection.ts";
import { EVENT_KEY_CHARS_MAX } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import {
  type ResendFailure,
  recover,
  resendAttempt,
  sendTest,
} from "../operations/endpoint-resend.ts";
import { needSubscription } from "../operations/subscription-store.ts";

/** How far back a recovery may look, in ms: 14 days. */
const RECOVER_MS_MAX = 14 * 24 * 3_600_000;

const CODES = {
  event_gone: "unprocessable",
  expired: "unprocessable",
  unavailable: "unavailable",
} as const satisfies Record<ResendFailure["reason"], ErrorCode>;

const TAG = "deliveries";
const READ = { scope: "subscriptions:read", tenant: "key" } as const;
const WRITE = { scope: "subscriptions:write", tenant: "key" } as const;
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const ListQuery = z.strictObject({
  ...PageQuery.shape,
  tenant: Id.optional(),
  outcome: AttemptOutcomeName.optional(),
  since: Instant.optional(),
});
const OfSubscription = z.strictObject({ subscription: SubscriptionId });
const OfEvent = z.strictObject({ event: z.string().min(1).max(EVENT_KEY_CHARS_MAX) });
const OfAttempt = z.strictObject({ attempt: AttemptId });
const Page = pageOf(DeliveryView);
const INACTIVE = { description: "The subscription is paused, disabled or not verified" };

export function registerDeliveries(api: Api, deps: ApiDeps): void {
  registerLists(api, deps);
  registerAttempt(api, deps);
  registerSubscriptionActions(api, deps);
}

function registerLists(api: Api, deps: ApiDeps): void {
  api.route({
    id: "listSubscriptionDeliveries",
    method: "get",
    path: "/subscriptions/:subscription/deliveries",
    tag: TAG,
    summary: "List the delivery attempts of a subscription",
    description: "Newest first, without answers' bodies. Kept 30 to 60 days.",
    access: READ,
    params: OfSubscription,
    query: z.strictObject({
      ...ListQuery.shape,
      event: z.string().max(EVENT_KEY_CHARS_MAX).optional(),
    }),
    responses: { 200: { description: "A page of attempts", schema: Page } },
    handle: async ({ tenant, params, query }) => {
      await needSubscription(deps, tenant, params.subscription);
      return json(200, await pageOfAttempts(deps, { tenant, ...params }, query));
    },
  });
  api.route({
    id: "listEventDeliveries",
    method: "get",
    path: "/events/:event/deliveries",
    tag: TAG,
    summary: "Did an event get there, and why not",
    description: "Every attempt to deliver one event, to all subscriptions, newest first.",
    access: READ,
    params: OfEvent,
    query: ListQuery,
    responses: { 200: { description: "A page of attempts", schema: Page } },
    handle: async ({ tenant, params, query }) =>
      json(200, await pageOfAttempts(deps, { tenant, ...params }, query)),
  });
}

async function pageOfAttempts(
  { env, vars }: ApiDeps,
  of: Pick<AttemptQuery, "tenant" | "subscription" | "event">,
  asked: z.output<typeof ListQuery> & { readonly event?: string | undefined },
) {
  const { limit, cursor, since, tenant: _, ...filter } = asked;
  const list = `deliveries ${of.tenant} ${of.subscription ?? ""} ${of.event ?? ""}`;
  const beforeId = await openCursor(vars.ID_SECRET, list, cursor);
  const rows = await listAttempts(databaseFor(env, of.tenant), {
    ...given(filter),
    ...of,
    ...given({ beforeId, sinceMs: since === undefined ? undefined : Date.parse(since) }),
    limit: limit + 1,
  });
  const page = await cutPage(vars.ID_SECRET, list, rows, limit, ({ id }) => id);
  return { ...page, items: page.items.map(viewOf) };
}

function registerAttempt(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getDelivery",
    method: "get",
    path: "/deliveries/:attempt",
    tag: TAG,
    summary: "Inspect one delivery attempt",
    access: READ,
    params: OfAttempt,
    query: TenantQuery,
    responses: { 200: { description: "The attempt", schema: DeliveryDetail } },
    handle: async ({ tenant, params }) => {
      const row = await needAttempt(deps, tenant, params.attempt);
      const { request_headers, response_body } = row;
      return json(200, {
        ...viewOf(row),
        request_headers: JSON.parse(request_headers),
        response_body,
      });
    },
  });
  api.route({
    id: "resendDelivery",
    method: "post",
    path: "/deliveries/:attempt/resend",
    tag: TAG,
    summary: "Send the event of an attempt to its subscription again",
    description:
      "One that still waits for its next attempt is tried now instead, and its schedule goes on from there: it does not arrive twice. The event keeps its id, so a receiver that knows it can tell.",
    access: WRITE,
    params: OfAttempt,
    query: TenantQuery,
    responses: {
      202: { description: "On its way", schema: ResendResult },
      409: INACTIVE,
      422: { description: "The event is not kept any more, or its time to live is over" },
    },
    handle: async ({ tenant, params, nowMs }) => {
      const row = await needAttempt(deps, tenant, params.attempt);
      await needActive(deps, tenant, row.subscription_id);
      const done = await resendAttempt(deps, row, nowMs);
      if (!done.ok) throw new HubError(CODES[done.failure.reason], done.failure.reason);
      const { subscription_id: subscription, event_id: event } = row;
      return json(202, { subscription, event, result: done.value });
    },
  });
}

function registerSubscriptionActions(api: Api, deps: ApiDeps): void {
  api.route({
    id: "recoverSubscription",
    method: "post",
    path: "/subscriptions/:subscription/recover",
    tag: TAG,
    summary: "Send everything again that has not arrived",
    description:
      "Events whose deliveries have ended without success since a moment, at most 14 days ago, in the order of their last attempts. Asked twice, it sends once.",
    access: WRITE,
    params: OfSubscription,
    query: TenantQuery,
    body: RecoverInput,
    responses: { 202: { description: "What was done", schema: RecoverResult }, 409: INACTIVE },
    handle: async ({ tenant, params, body, nowMs }) => {
      const sinceMs = Date.parse(body.since);
      if (sinceMs < nowMs - RECOVER_MS_MAX)
        throw new HubError("unprocessable", "since: at most 14 days ago");
      const stored = await needActive(deps, tenant, params.subscription);
      const span = { sinceMs, nowMs, limit: body.limit, ...given({ afterId: body.after }) };
      const { lastId, ...counts } = await recover(deps, stored, span);
      return json(202, { ...counts, ...given({ next: lastId }) });
    },
  });
  api.route({
    id: "testSubscription",
    method: "post",
    path: "/subscriptions/:subscription/test",
    tag: TAG,
    summary: "Send a test event to a subscription",
    description: "Through everything a real event passes, to this subscription only.",
    access: WRITE,
    params: OfSubscription,
    query: TenantQuery,
    body: TestInput,
    responses: { 202: { description: "On its way", schema: TestResult }, 409: INACTIVE },
    handle: async ({ tenant, params, body, nowMs }) => {
      const stored = await needActive(deps, tenant, params.subscription);
      const { event_type: type, data } = body;
      const sent = await sendTest(deps, stored, { type, ...given({ data }) }, nowMs);
      if (!sent.ok) throw new HubError(CODES[sent.failure.reason], sent.failure.reason);
      return json(202, { subscription: params.subscription, event: sent.value });
    },
  });
}

async function needAttempt({ env }: ApiDeps, tenant: string, id: string): Promise<DeliveryAttempt> {
  const row = await findAttempt(databaseFor(env, tenant), tenant, id);
  if (!row) throw new HubError("not_found");
  return row;
}

async function needActive(deps: ApiDeps, tenant: string, id: string) {
  const stored = await needSubscription(deps, tenant, id);
  if (stored.state !== "active")
    throw new HubError("conflict", `the subscription is ${stored.state}`);
  return stored;
}

function viewOf(row: DeliveryAttempt): DeliveryView {
  return {
    id: row.id,
    tenant: row.tenant_id,
    subscription: row.subscription_id,
    event: row.event_id,
    event_type: row.event_type,
    attempt: row.attempt,
    cause: row.cause,
    outcome: row.outcome,
    reason: row.reason,
    status: row.status,
    duration_ms: row.duration_ms,
    next_at: row.next_at === null ? null : new Date(row.next_at).toISOString(),
    created_at: new Date(row.created_at).toISOString(),
  };
}

/** Without the members that nobody gave. */
function given<T extends Readonly<Record<string, unknown>>>(
  members: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
