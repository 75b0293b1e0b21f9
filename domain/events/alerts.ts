/**
 * Alert rules: what a rule's metric reads, and when it is raised or cleared. A value above the threshold for N
 * evaluations in a row raises it, one at or below `clear_at` for N in a row clears it: one word per transition.
 */
import type { AlertMetric, AlertRuleInput } from "../../schema/api/alert-rules.ts";
import type { Gauges } from "./shard/due.ts";
import { PLACES } from "./shard/rows.ts";

/** Totals of a subscription over all shards, as the evaluation before saw them. */
export interface SeenTotals {
  readonly published: number;
  readonly retried: number;
  readonly dead: number;
  readonly expired: number;
}

/** How a rule stands. */
export interface AlertState {
  readonly raised: boolean;
  /** Evaluations in a row that speak against the present state. */
  readonly streak: number;
  /** Times it has changed: names each transition once. */
  readonly changes: number;
  readonly changedAtMs?: number;
  readonly value?: number;
  /** By subscription, at the last evaluation. */
  readonly seen: Readonly<Record<string, SeenTotals>>;
}

export const QUIET: AlertState = { raised: false, streak: 0, changes: 0, seen: {} };

export interface AlertStep {
  readonly state: AlertState;
  readonly change?: "raised" | "cleared";
}

/** One evaluation. `gauges`: of every subscription of the tenant, one entry per shard. */
export function evaluateRule(
  rule: AlertRuleInput,
  state: AlertState,
  gauges: readonly Gauges[],
  nowMs: number,
): AlertStep {
  const of = gauges.filter(
    ({ subscription }) => rule.subscription === undefined || subscription === rule.subscription,
  );
  const subscriptions = Map.groupBy(of, ({ subscription }) => subscription);
  const values = [...subscriptions].map(([id, shards]) =>
    metricOf(rule.metric, shards, state.seen[id]),
  );
  const value = Math.max(0, ...values);
  const seen = Object.fromEntries(
    [...subscriptions].map(([id, shards]) => [id, totalsOf(shards)] as const),
  );
  return transition(rule, { ...state, value, seen }, value, nowMs);
}

function transition(
  { threshold, clear_at, evaluations }: AlertRuleInput,
  state: AlertState,
  value: number,
  nowMs: number,
): AlertStep {
  const against = state.raised ? value <= (clear_at ?? threshold) : value > threshold;
  const streak = against ? state.streak + 1 : 0;
  if (streak < evaluations) return { state: { ...state, streak } };
  const raised = !state.raised;
  return {
    state: { ...state, raised, streak: 0, changes: state.changes + 1, changedAtMs: nowMs },
    change: raised ? "raised" : "cleared",
  };
}

/** A rate needs an evaluation before: the first one reads 0. */
function metricOf(
  metric: AlertMetric,
  shards: readonly Gauges[],
  seen: SeenTotals | undefined,
): number {
  const totals = totalsOf(shards);
  const since = (name: keyof SeenTotals) => (seen ? Math.max(0, totals[name] - seen[name]) : 0);
  const sum = (read: (one: Gauges) => number) => shards.reduce((n, one) => n + read(one), 0);
  const most = (read: (one: Gauges) => number) => Math.max(0, ...shards.map(read));
  switch (metric) {
    case "depth":
      return sum((one) => PLACES.reduce((n, place) => n + added(one.depth[place]), 0));
    case "ready_depth":
      return sum((one) => added(one.depth.ready));
    case "oldest_age_seconds":
      return most(({ oldestAgeMs }) => oldestAgeMs) / 1000;
    case "oldest_ready_age_seconds":
      return most(({ oldestReadyAgeMs }) => oldestReadyAgeMs) / 1000;
    case "blocked_groups":
      return sum(({ blockedGroups }) => blockedGroups);
    case "in_flight":
      return sum(({ inFlight }) => inFlight);
    case "published_per_minute":
      return since("published");
    case "failed_per_minute":
      return since("retried");
    case "dead_per_minute":
      return since("dead");
    case "expired_per_minute":
      return since("expired");
  }
}

function totalsOf(shards: readonly Gauges[]): SeenTotals {
  const sum = (name: keyof SeenTotals) => shards.reduce((n, { totals }) => n + totals[name], 0);
  return {
    published: sum("published"),
    retried: sum("retried"),
    dead: sum("dead"),
    expired: sum("expired"),
  };
}

function added(levels: readonly number[]): number {
  return levels.reduce((sum, n) => sum + n, 0);
}
