/**
 * Events that start runs, or that runs wait for. A subscription of the API starts one run of its workflow per event;
 * the hidden one of a workflow does what the triggers of the version in force say; the hidden one of waits hands an
 * event to every run that waits for it. Keys are made of the event, so that a repeated attempt is the same run.
 */
import { chainDepth, depthBehind } from "../../../domain/events/chain.ts";
import type { LeasedDelivery } from "../../../domain/events/shard/lease.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import { AWAITED_SUBSCRIPTION, isTriggered } from "../../../domain/workflows/triggers/hidden.ts";
import {
  eventHappening,
  happeningOf,
  isToldByRunOf,
  startOf,
  type TriggeredStart,
} from "../../../domain/workflows/triggers/start.ts";
import { databaseFor } from "../../../platform/database.ts";
import { count } from "../../../platform/metrics.ts";
import { findVersion, readRoute } from "../../../platform/repositories/workflows.ts";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import { workflowScheduler } from "../../../platform/workflow-triggers.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import type { SubscriptionTarget } from "../../../schema/subscription.ts";
import type { WorkflowTrigger } from "../../../schema/workflow-trigger.ts";
import { startRun } from "../../workflows/start.ts";
import { expiredInHand, tryAgain } from "./again.ts";
import type { DeliveryHandler, HandlerContext } from "./targets.ts";

/** Deliveries of one lease, one after the other. */
const DELIVERIES_MAX = 20;

type WorkflowTarget = Extract<SubscriptionTarget, { kind: "workflow" }>;

/** How a delivery ends; absent: well. */
type Failure =
  | { readonly is: "retry"; readonly reason: string }
  | { readonly is: "dead"; readonly reason: string };

export function workflowHandler(context: HandlerContext, target: WorkflowTarget): DeliveryHandler {
  return {
    max: DELIVERIES_MAX,
    async deliver({ deliveries }) {
      const settled: Settlement[] = [];
      const take = await takerOf(context, target).catch(() => undefined);
      for (const delivery of deliveries) {
        const late = expiredInHand(delivery, Date.now());
        settled.push(late ?? (await settle(context, delivery, take)));
      }
      return settled;
    },
  };
}

type Taker = (event: EventEnvelope) => Promise<Failure | undefined>;

/** Rejects as D1 does. */
async function takerOf(context: HandlerContext, target: WorkflowTarget): Promise<Taker> {
  const { subscription } = context.stored;
  if (subscription.id === AWAITED_SUBSCRIPTION) return (event) => handOver(context, event);
  if (!isTriggered(subscription.id))
    return notOfItself(context, target, (event) => startForEvent(context, target, event));
  const triggers = await triggersInForce(context, target.workflow);
  return notOfItself(context, target, (event) => fireTriggers(context, target, triggers, event));
}

/** What a workflow's own runs tell of themselves does not start it: each run would start the next, for ever. */
function notOfItself(context: HandlerContext, { workflow }: WorkflowTarget, take: Taker): Taker {
  return async (event) => {
    if (!isToldByRunOf(workflow, event)) return take(event);
    note(context, "event", "own_run");
    return undefined;
  };
}

async function settle(
  { stored: { subscription } }: HandlerContext,
  delivery: LeasedDelivery,
  take: Taker | undefined,
): Promise<Settlement> {
  const { seq, event } = delivery;
  const unavailable = { is: "retry", reason: "unavailable" } as const;
  const failure = take ? await take(event).catch(() => unavailable) : unavailable;
  if (!failure) return { seq, is: "ack" };
  if (failure.is === "dead") return { seq, is: "dead", reason: failure.reason };
  return tryAgain(subscription, delivery, failure.reason);
}

async function triggersInForce(
  { env, stored: { tenant } }: HandlerContext,
  workflow: string,
): Promise<readonly WorkflowTrigger[]> {
  const db = databaseFor(env, tenant);
  const route = await readRoute(db, tenant, workflow);
  const version = route && (await findVersion(db, tenant, workflow, route.active));
  return version?.definition.triggers ?? [];
}

/** Every trigger that the event is meant for; the first failure, where there is one. */
async function fireTriggers(
  context: HandlerContext,
  target: WorkflowTarget,
  triggers: readonly WorkflowTrigger[],
  event: EventEnvelope,
): Promise<Failure | undefined> {
  const failures: Failure[] = [];
  for (const trigger of triggers) {
    const happening = happeningOf(trigger, event);
    if (!happening) continue;
    const made = startOf(trigger, happening, Date.now());
    if (!made.ok) {
      const { reason, at } = made.failure;
      note(context, trigger.type, reason);
      // The field that is to be mended: several triggers of one workflow may hear the event.
      failures.push({ is: "dead", reason: `${reason}.${at}` });
    } else if (made.value) {
      const failure = await begin(context, target, event, made.value, trigger.type);
      if (failure) failures.push(failure);
    } else note(context, trigger.type, "condition");
  }
  return failures.find(({ is }) => is === "retry") ?? failures[0];
}

function startForEvent(
  context: HandlerContext,
  target: WorkflowTarget,
  event: EventEnvelope,
): Promise<Failure | undefined> {
  const { key, data, correlationId } = eventHappening(event);
  const { id } = context.stored.subscription;
  const own = correlationId === undefined ? {} : { correlationId };
  const start = { key: JSON.stringify(["subscription", id, key]), input: data, ...own };
  return begin(context, target, event, start, "event");
}

async function begin(
  context: HandlerContext,
  { workflow, version }: WorkflowTarget,
  event: EventEnvelope,
  start: TriggeredStart,
  trigger: string,
): Promise<Failure | undefined> {
  const { env, stored } = context;
  const behind = depthBehind(chainDepth(event));
  if (!behind.ok) {
    count("event_chains_ended_total", { tenant: stored.tenant, at: "workflow" });
    note(context, trigger, behind.failure.reason);
    return { is: "dead", ...behind.failure };
  }
  const started = await startRun(env, {
    ...{ tenant: stored.tenant, workflow, ...start, trigger, nowMs: Date.now() },
    depth: behind.value,
    ...(version === undefined ? {} : { version }),
  });
  if (started.ok) {
    note(context, trigger, started.value.duplicate ? "duplicate" : "started");
    return undefined;
  }
  const { reason } = started.failure;
  note(context, trigger, reason);
  return { is: reason === "unavailable" ? "retry" : "dead", reason };
}

function note({ stored: { tenant } }: HandlerContext, trigger: string, outcome: string): void {
  count("workflow_triggers_total", { tenant, trigger, outcome });
}

/** What a run refuses that is no fault of the event: it has ended, has had it, or waits no more. */
const IN_ORDER: ReadonlySet<string> = new Set([
  "run_finished",
  "already_ending",
  "not_started",
  "not_awaited",
  "duplicate_arrival",
]);

async function handOver(
  { env, stored: { tenant } }: HandlerContext,
  event: EventEnvelope,
): Promise<Failure | undefined> {
  const { key, data, correlationId } = eventHappening(event);
  const type = event.event_type;
  const own = correlationId === undefined ? {} : { correlationId };
  const arrived = { tenant, key, type, data: JSON.stringify(data), ...own };
  const runs = await workflowScheduler(env, tenant).arrived(arrived, Date.now());
  let failure: Failure | undefined;
  for (const { run } of runs) {
    const taken = await workflowRun(env, { tenant, run }).send({
      ...{ is: "event", id: key, type, payload: data },
      ...own,
    });
    const outcome = taken.ok ? "taken" : taken.failure.reason;
    count("awaited_events_total", { tenant, outcome });
    if (!taken.ok && !IN_ORDER.has(outcome)) failure = { is: "dead", reason: outcome };
  }
  return failure;
}
