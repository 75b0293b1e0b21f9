/** A shard's object without workerd: the real rows, the real decisions, a clock and a kill switch. */
import { type AppendEvent, append } from "../../domain/events/shard/append.ts";
import {
  type HastenRequest,
  hasten,
  setPaused,
  unblock,
} from "../../domain/events/shard/control.ts";
import {
  alarmAtMs,
  gauges,
  ring,
  type Tokens,
  tokenArrived,
  tokensAtRest,
} from "../../domain/events/shard/due.ts";
import { type LeaseRequest, lease } from "../../domain/events/shard/lease.ts";
import type { ShardSubscription, ShardView, Step } from "../../domain/events/shard/rows.ts";
import { type Settlement, settle } from "../../domain/events/shard/settle.ts";
import { tick } from "../../domain/events/shard/tick.ts";
import { openShardRows } from "../../durable-objects/event-shard-storage.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import { fakeStorage } from "./sql-storage.ts";

export const START_MS = Date.UTC(2026, 10, 21);

export function aSubscription(over: Partial<ShardSubscription> = {}): ShardSubscription {
  return {
    id: "sub",
    version: 1,
    headPolicy: { is: "dead_letter" },
    expired: "dead_letter",
    prefetch: 10,
    inFlightMax: 100,
    attemptsMax: 50,
    depthMax: 100_000,
    ...over,
  };
}

export function anEvent(
  key: string,
  metadata: EventEnvelope["metadata"] = {},
  over: Partial<AppendEvent> = {},
): AppendEvent {
  const event: EventEnvelope = {
    event_id: `evt_${key}`,
    event_type: "order.created",
    event_version: "1.0",
    timestamp: "2026-11-21T00:00:00Z",
    source: "/shop",
    data: { key },
    metadata,
  };
  return { key, event, bytes: 100, targets: ["sub"], ...over };
}

export function eventShard(subscriptions: readonly ShardSubscription[] = [aSubscription()]) {
  const storage = fakeStorage();
  let rows = openShardRows(storage.sql);
  let tokens: Tokens = new Map();
  let nowMs = START_MS;
  let secrets = 0;
  let written = 0;
  const random = Math.random;
  const run = <R>(decide: (view: ShardView) => Step<R>): R => {
    const step = decide(rows.view);
    storage.transactionSync(() => rows.apply(step.writes));
    written += step.writes.length;
    return step.reply;
  };
  const heard = () => {
    while (run((view) => tick(view, nowMs, random)));
  };
  return {
    get nowMs() {
      return nowMs;
    },
    get view() {
      return rows.view;
    },
    sql: storage.sql,
    /** Rows written so far, index entries not counted. */
    written: () => written,
    wait(ms: number) {
      nowMs += ms;
    },
    /** Memory is lost, rows are not. */
    crash() {
      rows = openShardRows(storage.sql);
      tokens = new Map();
    },
    append(...events: readonly AppendEvent[]) {
      return run((view) => append(view, { events, subscriptions, nowMs }, random));
    },
    lease(over: Partial<LeaseRequest> = {}) {
      heard();
      tokens = tokenArrived(tokens, over.subscription ?? "sub");
      const secret = `secret-${secrets++}`;
      const asked = { subscription: "sub", consumer: "one", max: 10, secret, nowMs, ...over };
      return run((view) => lease(view, asked));
    },
    settle(token: string, ...results: readonly Settlement[]) {
      heard();
      const request = { token, results, nowMs };
      tokens = tokensAtRest(rows.view, tokens, request);
      return run((view) => settle(view, request, random));
    },
    tick: heard,
    run,
    pause: (paused: boolean) => run((view) => setPaused(view, "sub", paused)),
    unblock(group: string, seq: number, decision: "retry" | "dead_letter") {
      const request = { subscription: "sub", group, seq, decision, nowMs };
      return run((view) => unblock(view, request, random));
    },
    hasten: (of: Omit<HastenRequest, "subscription" | "nowMs">) =>
      run((view) => hasten(view, { subscription: "sub", ...of, nowMs }, random)),
    ring() {
      const rung = ring(rows.view, tokens, nowMs);
      tokens = rung.tokens;
      return rung.subscriptions;
    },
    alarmAtMs: () => alarmAtMs(rows.view, tokens, nowMs),
    gauge: () => gauges(rows.view, nowMs)[0],
  };
}
