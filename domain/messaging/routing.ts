/**
 * Where a message goes: one pure decision from the message, the settings of tenant, connection and
 * conversation, and the access rules. The worker carries the plan out and `explain` shows it: both call
 * this. The nearest setting wins: conversation, connection, tenant, default (silence, burst).
 */
import type { UnifiedMessage } from "../../schema/message.ts";
import type { TurnPolicy } from "../../schema/policy.ts";
import type { DirectRule, Route } from "../../schema/route.ts";
import type { AccessRule } from "../../schema/tenant.ts";
import { DEFAULT_POLICY, DEFAULT_ROUTE } from "../../schema/tenant-defaults.ts";
import { judgeAccess } from "./access.ts";
import { matchPattern } from "./pattern.ts";
import type { Captures } from "./pattern-run.ts";
import { renderTemplate } from "./template.ts";

export { checkPattern } from "./pattern.ts";

export interface RouteFacts {
  readonly message: UnifiedMessage;
  readonly tenant: {
    readonly enabled: boolean;
    readonly route?: Route;
    readonly policy?: TurnPolicy;
    readonly editTurns?: boolean;
  };
  readonly connection: {
    readonly id: string;
    readonly active?: boolean;
    readonly route?: Route;
    readonly policy?: TurnPolicy;
  };
  readonly conversation?: {
    readonly route?: Route;
    readonly policy?: TurnPolicy;
    readonly pausedUntilMs?: number;
  };
  readonly rules: readonly AccessRule[];
  /** Further names of the sender, from merged identities; the message's own are always tried. */
  readonly aliases: readonly string[];
  readonly nowMs: number;
}

type SilenceReason =
  | "own_message"
  | "tenant_disabled"
  | "connection_inactive"
  | "edit"
  | "delete"
  | "reaction"
  | "no_route"
  | "route_silence"
  | "no_rule_matched"
  | "empty_reply";

/** `external` plans wait for somebody else's server, or for another object, and belong on the `turns` queue. */
export type RoutePlan =
  | {
      readonly kind: "direct";
      readonly external: false;
      readonly reply: string;
      readonly rule: number;
    }
  | { readonly kind: "webhook"; readonly external: true; readonly route: WebhookRoute }
  | { readonly kind: "hive"; readonly external: true; readonly route: HiveRoute }
  | { readonly kind: "workflow"; readonly external: true; readonly route: WorkflowRoute }
  | { readonly kind: "silence"; readonly external: false; readonly reason: SilenceReason }
  | { readonly kind: "human"; readonly external: false; readonly reason: "paused" | "route" }
  | {
      readonly kind: "refused";
      readonly external: false;
      readonly reason: "blocked" | "not_listed";
      readonly rule?: string;
    };

export type WebhookRoute = Extract<Route, { kind: "webhook" }>;
type WorkflowRoute = Extract<Route, { kind: "workflow" }>;
export type HiveRoute = Extract<Route, { kind: "hive" }>;

export interface RouteDecision {
  readonly plan: RoutePlan;
  readonly policy: TurnPolicy;
  /** The steps that led here, ids and names only, for `explain` and the timeline. */
  readonly because: readonly string[];
}

/** Matching steps all direct rules of one message may take together: some 50 ms. */
const MATCH_STEPS_MAX = 2_000_000;

/** Decides one message. A turn of several messages has one decision for each. */
export function planRoute(facts: RouteFacts): RouteDecision {
  const because: string[] = [];
  const policy = nearestPolicy(facts, because);
  const plan = stopPlan(facts, because) ?? routePlan(facts, because);
  return { plan, policy, because };
}

function nearestPolicy(facts: RouteFacts, because: string[]): TurnPolicy {
  const [from, policy] = nearest(
    [facts.conversation?.policy, facts.connection.policy, facts.tenant.policy],
    DEFAULT_POLICY,
  );
  because.push(`policy ${policy.kind} of ${from}`);
  return policy;
}

/** What keeps a message from any route, the strongest first. */
function stopPlan(facts: RouteFacts, because: string[]): RoutePlan | undefined {
  const { message, tenant, connection } = facts;
  if (message.direction === "outbound") return silence("own_message", because);
  if (!tenant.enabled) return silence("tenant_disabled", because);
  if (connection.active === false) return silence("connection_inactive", because);
  const refused = accessPlan(facts, because);
  if (refused) return refused;
  const quiet = quietKind(message.kind, tenant.editTurns ?? false);
  if (quiet) return silence(quiet, because);
  const pausedUntilMs = facts.conversation?.pausedUntilMs ?? 0;
  if (pausedUntilMs <= facts.nowMs) return undefined;
  because.push("a person has the conversation");
  return { kind: "human", external: false, reason: "paused" };
}

function accessPlan(facts: RouteFacts, because: string[]): RoutePlan | undefined {
  const { sender } = facts.message;
  const verdict = judgeAccess({
    rules: facts.rules,
    connection: facts.connection.id,
    aliases: [sender.id, ...sender.aliases, ...facts.aliases],
    nowMs: facts.nowMs,
  });
  because.push(`access ${verdict.effect} by ${verdict.rule ?? verdict.because}`);
  if (verdict.effect === "allow") return undefined;
  const reason = verdict.because === "rule" ? "blocked" : "not_listed";
  const rule = verdict.rule === undefined ? {} : { rule: verdict.rule };
  return { kind: "refused", external: false, reason, ...rule };
}

function quietKind(
  kind: UnifiedMessage["kind"],
  editTurns: boolean,
): "edit" | "delete" | "reaction" | undefined {
  if (kind === "edit") return editTurns ? undefined : kind;
  return kind === "delete" || kind === "reaction" ? kind : undefined;
}

function routePlan(facts: RouteFacts, because: string[]): RoutePlan {
  const [from, route] = nearest(
    [facts.conversation?.route, facts.connection.route, facts.tenant.route],
    DEFAULT_ROUTE,
  );
  because.push(`route ${route.kind} of ${from}`);
  switch (route.kind) {
    case "direct":
      return directPlan(route.rules, facts.message, because);
    case "webhook":
      return { kind: "webhook", external: true, route };
    case "hive":
      return { kind: "hive", external: true, route };
    case "workflow":
      return { kind: "workflow", external: true, route };
    case "human":
      return { kind: "human", external: false, reason: "route" };
    case "silence":
      return silence(from === "default" ? "no_route" : "route_silence", because);
  }
}

function directPlan(
  rules: readonly DirectRule[],
  message: UnifiedMessage,
  because: string[],
): RoutePlan {
  const budget = { steps: MATCH_STEPS_MAX };
  for (const [index, rule] of rules.entries()) {
    const captures = matchPattern(rule.match, message.content.text, budget);
    if (budget.steps <= 0) because.push(`rules from ${index} on not tried: too costly`);
    if (budget.steps <= 0) break;
    if (!captures) continue;
    because.push(`rule ${index} matched`);
    const reply = renderTemplate(rule.reply, (name) => textOf(name, message, captures));
    if (!reply.trim()) return silence("empty_reply", because);
    return { kind: "direct", external: false, reply, rule: index };
  }
  return silence("no_rule_matched", because);
}

function textOf(name: string, message: UnifiedMessage, captures: Captures): string | undefined {
  switch (name) {
    case "text":
      return message.content.text;
    case "sender.name":
      return message.sender.name ?? "";
    case "sender.id":
      return message.sender.id;
    case "connection":
      return message.connection;
    case "conversation":
      return message.conversation;
    case "timestamp":
      return message.timestamp;
    default:
      return /^match\.\d{1,2}$/.test(name) ? captures[Number(name.slice(6))] : undefined;
  }
}

const LEVELS = ["conversation", "connection", "tenant"] as const;

function nearest<T>(
  settings: readonly (T | undefined)[],
  fallback: T,
): readonly [(typeof LEVELS)[number] | "default", T] {
  for (const [index, setting] of settings.entries()) {
    if (setting !== undefined) return [LEVELS[index] ?? "default", setting];
  }
  return ["default", fallback];
}

function silence(reason: SilenceReason, because: string[]): RoutePlan {
  because.push(`silence: ${reason}`);
  return { kind: "silence", external: false, reason };
}
