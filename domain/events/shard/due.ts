/**
 * When a shard has to wake, whom it rings, and how far behind its subscriptions are. Tokens on their way are
 * remembered in memory only: one that is lost is sent again, one too many finds nothing to do.
 */
import { depthIn } from "./draft.ts";
import { inFlight } from "./lease.ts";
import { RING_AFTER_MS, RING_CAP_MS } from "./limits.ts";
import type { Depth, LeaseRow, ShardView, SubscriptionRow, Totals } from "./rows.ts";
import type { SettleRequest } from "./settle.ts";

/** The name under which a shard rings for its dead letters. */
export const DEAD_LETTERS = "$dead";

/** Subscription, until when its token counts as on its way, and how many went unanswered. */
export type Tokens = ReadonlyMap<string, { readonly untilMs: number; readonly unanswered: number }>;

/** Subscriptions to ring now, and the tokens as they are then. */
export function ring(
  view: ShardView,
  tokens: Tokens,
  nowMs: number,
): { readonly subscriptions: readonly string[]; readonly tokens: Tokens } {
  const leases = view.leases();
  const wanting = view
    .subscriptions()
    .filter((row) => wantsWork(row, leases))
    .map(({ config }) => config.id);
  const subscriptions = [...wanting, ...(view.deads(1).length > 0 ? [DEAD_LETTERS] : [])].filter(
    (id) => (tokens.get(id)?.untilMs ?? 0) <= nowMs,
  );
  const rung = subscriptions.map((id) => {
    const unanswered = tokens.get(id)?.unanswered ?? 0;
    const waitMs = Math.min(RING_AFTER_MS * 2 ** unanswered, RING_CAP_MS);
    return [id, { untilMs: nowMs + waitMs, unanswered: unanswered + 1 }] as const;
  });
  return { subscriptions, tokens: new Map([...tokens, ...rung]) };
}

/** The token of a subscription has arrived. */
export function tokenArrived(tokens: Tokens, subscription: string): Tokens {
  return new Map([...tokens].filter(([id]) => id !== subscription));
}

/** The tokens after a settlement: a subscription that rests is not rung for before its first delivery is due again. */
export function tokensAtRest(
  view: ShardView,
  tokens: Tokens,
  { token, results, nowMs }: SettleRequest,
): Tokens {
  const waits = results.flatMap((one) => (one.is === "later" && one.rests ? [one.afterMs] : []));
  const lease = view.leases().find((row) => row.token === token);
  if (!lease || waits.length === 0) return tokens;
  const untilMs = nowMs + Math.max(0, Math.min(...waits));
  return new Map([...tokens, [lease.subscription, { untilMs, unanswered: 0 }]]);
}

/** The next instant at which something happens without a caller; undefined where there is none. */
export function alarmAtMs(view: ShardView, tokens: Tokens, nowMs: number): number | undefined {
  const leases = view.leases();
  const rings = view
    .subscriptions()
    .filter((row) => wantsWork(row, leases))
    .map(({ config }) => Math.max(tokens.get(config.id)?.untilMs ?? 0, nowMs));
  const moments = [
    ...leases.map(({ untilMs }) => untilMs),
    ...rings,
    ...(view.deads(1).length > 0 ? [Math.max(tokens.get(DEAD_LETTERS)?.untilMs ?? 0, nowMs)] : []),
    view.nextDueMs(),
    expiryMoment(view.nextExpiryMs(), leases.length > 0, nowMs),
  ].filter((moment) => moment !== undefined);
  return moments.length > 0 ? Math.min(...moments) : undefined;
}

/** How far behind a subscription is. Ages in ms; 0 where there is nothing. */
export interface Gauges {
  readonly subscription: string;
  readonly paused: boolean;
  /** `ready` counts what is in flight too. */
  readonly depth: Depth;
  readonly inFlight: number;
  readonly consumers: number;
  readonly blockedGroups: number;
  /** Of the oldest delivery, whatever holds it up. */
  readonly oldestAgeMs: number;
  /** Of the oldest that could go out now: the one to alert on. */
  readonly oldestReadyAgeMs: number;
  readonly totals: Totals;
}

/** Read from counters and from the front of each place that has any: no row is counted. */
export function gauges(view: ShardView, nowMs: number): readonly Gauges[] {
  const leases = view.leases();
  return view.subscriptions().map((row) => {
    const { id } = row.config;
    const own = leases.filter(({ subscription }) => subscription === id);
    const oldestMs = (place: "ready" | "delayed" | "blocked"): number =>
      (depthIn(row, place) > 0 ? view.oldestAtMs(id, place) : undefined) ?? nowMs;
    const readyMs = oldestMs("ready");
    const heldMs = Math.min(oldestMs("delayed"), oldestMs("blocked"));
    return {
      subscription: id,
      paused: row.paused,
      depth: row.depth,
      inFlight: inFlight(own),
      consumers: new Set(own.map(({ consumer }) => consumer)).size,
      blockedGroups: depthIn(row, "blocked"),
      oldestAgeMs: nowMs - Math.min(readyMs, heldMs),
      oldestReadyAgeMs: nowMs - readyMs,
      totals: row.totals,
    };
  });
}

/** The last instant still counts. What is overdue although the clock has been heard is in somebody's hands. */
function expiryMoment(
  expiresMs: number | undefined,
  leased: boolean,
  nowMs: number,
): number | undefined {
  if (expiresMs === undefined || (leased && expiresMs < nowMs)) return undefined;
  return Math.max(expiresMs + 1, nowMs);
}

function wantsWork(row: SubscriptionRow, leases: readonly LeaseRow[]): boolean {
  if (row.paused || row.config.pull) return false;
  const held = inFlight(leases.filter(({ subscription }) => subscription === row.config.id));
  return depthIn(row, "ready") > held && held < row.config.inFlightMax;
}
