/**
 * Refuses subscriptions that could be stored but never work: keys and filters that cannot be read, URLs the hub
 * would not call, targets that are not there, and forwards that could go round in circles.
 */
import { conversationKeyOf } from "../../channels/address.ts";
import { HubError } from "../../domain/errors.ts";
import { checkSubscription } from "../../domain/events/subscribing.ts";
import { databaseFor } from "../../platform/database.ts";
import { findSubscription, forwardersTo } from "../../platform/repositories/subscriptions.ts";
import { findVersion, readRoute } from "../../platform/repositories/workflows.ts";
import type { Subscription, SubscriptionTarget } from "../../schema/subscription.ts";
import type { ApiDeps } from "../http/deps.ts";
import { wantingWords } from "./refusal-words.ts";

/** Whose subscription is checked, and when. */
export interface CheckedFor {
  readonly tenant: string;
  readonly nowMs: number;
}

/** Throws validation_failed, saying where and which rule. */
export function checkForm({ vars }: ApiDeps, subscription: Subscription): void {
  const checked = checkSubscription(subscription, {
    allow: vars.EGRESS_ALLOW.split(",").filter(Boolean),
    production: vars.ENVIRONMENT === "production",
    ownHost: URL.parse(vars.PUBLIC_URL)?.host ?? "",
  });
  if (checked.ok) return;
  const { reason, pointer } = checked.failure;
  const detail =
    pointer === "/target/url" ? `not a URL this hub calls: ${reason}` : wantingWords(reason);
  const errors = [{ pointer: `#${pointer}`, detail }];
  throw new HubError("validation_failed", undefined, { extensions: { errors } });
}

/** Throws unprocessable where the target names what is not there or cannot be named. */
export async function checkTarget(
  deps: ApiDeps,
  subscription: Subscription,
  checkedFor: CheckedFor,
): Promise<void> {
  const { target } = subscription;
  switch (target.kind) {
    case "queue":
      return checkForward(deps, subscription.id, target.subscription, checkedFor);
    case "conversation":
      return checkConversation(deps, target, checkedFor);
    case "workflow":
      return checkWorkflow(deps, target, checkedFor);
    case "webhook":
    case "pull":
      return;
  }
}

/** One step only: neither may the target forward, nor may anybody forward to one that does. */
async function checkForward(
  { env }: ApiDeps,
  id: string,
  to: string,
  { tenant }: CheckedFor,
): Promise<void> {
  const db = databaseFor(env, tenant);
  const target = to === id ? undefined : await findSubscription(db, tenant, to);
  if (to === id) throw refusal("/target/subscription", "forwards to itself");
  if (!target) throw refusal("/target/subscription", "no such subscription");
  if (target.subscription.target.kind === "queue")
    throw refusal("/target/subscription", "forwards itself");
  const [forwarder] = await forwardersTo(db, tenant, id);
  if (forwarder !== undefined) throw refusal("/target/kind", `${forwarder} forwards to this one`);
}

async function checkConversation(
  { directory }: ApiDeps,
  target: Extract<SubscriptionTarget, { kind: "conversation" }>,
  { tenant, nowMs }: CheckedFor,
): Promise<void> {
  const located = await directory.byId(target.connection, nowMs);
  if (located?.tenant.id !== tenant) throw refusal("/target/connection", "no such connection");
  if (conversationKeyOf(located.connection, target.conversation_key) === undefined)
    throw refusal("/target/conversation_key", `not an address on ${located.connection.channel}`);
}

async function checkWorkflow(
  { env }: ApiDeps,
  { workflow, version }: Extract<SubscriptionTarget, { kind: "workflow" }>,
  { tenant }: CheckedFor,
): Promise<void> {
  const db = databaseFor(env, tenant);
  if (!(await readRoute(db, tenant, workflow)))
    throw refusal("/target/workflow", "no such workflow");
  if (version !== undefined && !(await findVersion(db, tenant, workflow, version)))
    throw refusal("/target/version", "no such version");
}

function refusal(pointer: string, detail: string): HubError {
  return new HubError("unprocessable", undefined, {
    extensions: { errors: [{ pointer: `#${pointer}`, detail }] },
  });
}
