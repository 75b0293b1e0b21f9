/** Alert rules over live shards: published once per transition, whatever fails in between. */
import { env as bindings } from "cloudflare:workers";
import { expect, test } from "vitest";
import { eventShard, type ShardEvent } from "../../../platform/event-shards.ts";
import { insertRule, readRules } from "../../../platform/repositories/alert-rules.ts";
import { insertSubscription } from "../../../platform/repositories/subscriptions.ts";
import type { AlertRuleInput } from "../../../schema/api/alert-rules.ts";
import type { Subscription } from "../../../schema/subscription.ts";
import { evaluateAlerts } from "../../../workers/scheduled/alerts.ts";

const env = bindings as unknown as Env;
const NOW_MS = Date.now();
const RULE: AlertRuleInput = {
  name: "deep",
  metric: "depth",
  subscription: "sub",
  threshold: 1,
  clear_at: 0,
  evaluations: 1,
  severity: "critical",
};

async function subscribe(tenant: string, id: string, key: string): Promise<void> {
  const subscription: Subscription = {
    id,
    name: id,
    bindings: [{ kind: "topic", key }],
    target: { kind: "pull" },
  };
  await insertSubscription(env.DB, {
    tenant,
    subscription,
    version: 1,
    state: "active",
    stateReason: undefined,
    health: { failures: 0 },
    sealedSecrets: undefined,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
  }).run();
}

function anEvent(key: string): ShardEvent {
  const event = {
    event_id: key,
    event_type: "order.created",
    event_version: "1.0",
    timestamp: new Date(NOW_MS).toISOString(),
    source: "/shop",
    metadata: {},
  };
  return { key, event, bytes: 100, logged: true };
}

test("a rule is raised and cleared once, and what it says reaches who subscribes to alert.#", async () => {
  const of = { tenant: "watched", shard: "1.0" };
  const shard = () => eventShard(env, of);
  await subscribe("watched", "sub", "order.*");
  await subscribe("watched", "alerts", "alert.#");
  await insertRule(env.DB, { tenant: "watched", id: "alr_1", rule: RULE, createdAtMs: NOW_MS });
  const heard = async () => {
    const leased = await shard().lease({ subscription: "alerts", consumer: "me", max: 10 });
    if (leased.is === "idle") return [];
    await shard().settle(
      leased.token,
      leased.deliveries.map(({ seq }) => ({ seq, is: "ack" })),
    );
    return leased.deliveries.map(({ event }) => [event.event_type, event.data]);
  };

  await shard().publish(of, [anEvent("a"), anEvent("b")]);
  await evaluateAlerts(env, NOW_MS);
  const before = (await readRules(env.DB, "watched"))[0]?.state;
  expect(before).toMatchObject({ raised: true, value: 2, changes: 1 });
  // As if the note of the transition had been lost: it is told again, and is the same event.
  await env.DB.prepare("UPDATE alert_rules SET state = ?")
    .bind(JSON.stringify({ ...before, raised: false, changes: 0 }))
    .run();
  await evaluateAlerts(env, NOW_MS + 1);
  await evaluateAlerts(env, NOW_MS + 60_000);
  const told = {
    rule: "alr_1",
    metric: "depth",
    value: 2,
    threshold: 1,
    severity: "critical",
    subscription: "sub",
  };
  expect(await heard()).toEqual([["alert.raised", { ...told, name: "deep" }]]);

  const leased = await shard().lease({ subscription: "sub", consumer: "me", max: 10 });
  if (leased.is === "idle") throw new Error("nothing to lease");
  await shard().settle(
    leased.token,
    leased.deliveries.map(({ seq }) => ({ seq, is: "ack" })),
  );
  await evaluateAlerts(env, NOW_MS + 120_000);
  await evaluateAlerts(env, NOW_MS + 180_000);
  expect(await heard()).toEqual([["alert.cleared", { ...told, value: 0, name: "deep" }]]);
});
