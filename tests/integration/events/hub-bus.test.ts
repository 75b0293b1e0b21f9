/** Subscriptions and event types: each change is told once, by the names of what changed, and none that was refused is. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { expect, test } from "vitest";
import { publishOutbox } from "../../../platform/outbox-publish.ts";
import { createApi } from "../../../workers/api.ts";
import { registerEventTypes } from "../../../workers/routes/event-types.ts";
import { registerSubscriptions } from "../../../workers/routes/subscriptions.ts";
import { aHub, env } from "../api/hub-api.ts";
import { aPull } from "./events-api.ts";
import { DEPS, faultsOf, heard, listen } from "./telling.ts";

async function aListener() {
  const { hub, tenant, key } = await aHub(() => "timeout");
  const topics = ["subscription.*", "event_type.*"];
  await listen(
    tenant,
    topics.map((name) => ({ kind: "topic", key: name })),
  );
  const api = createApi(hub.deps, [registerSubscriptions, registerEventTypes]);
  return {
    async ask(method: string, path: string, body?: unknown): Promise<number> {
      const request = new Request(`https://hub.test${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const context = createExecutionContext();
      const response = await api.fetch(request, env, context);
      await response.text();
      await waitOnExecutionContext(context);
      return response.status;
    },
    async told() {
      await publishOutbox(DEPS, tenant, Date.now());
      const events = await heard(tenant);
      for (const event of events) expect(faultsOf(event)).toEqual([]);
      return events.map(({ event_type, data }) => [event_type, data]);
    },
  };
}

test("a subscription is made, changed, paused, resumed and removed", async () => {
  const { ask, told } = await aListener();
  const subscription = "orders";
  expect(await ask("POST", "/subscriptions", aPull({ id: subscription }))).toBe(201);
  expect(await ask("POST", "/subscriptions", aPull({ id: subscription }))).toBe(409);
  const at = `/subscriptions/${subscription}`;
  expect(await ask("PATCH", at, { name: "another", prefetch: 3 })).toBe(200);
  expect(await ask("POST", `${at}/pause`)).toBe(200);
  expect(await ask("POST", `${at}/pause`)).toBe(200);
  expect(await ask("POST", `${at}/resume`)).toBe(200);
  expect(await ask("DELETE", at)).toBe(204);
  expect(await ask("DELETE", at)).toBe(404);
  expect(await told()).toEqual([
    ["subscription.created", { subscription, state: "active" }],
    ["subscription.updated", { subscription, state: "active", changed: ["name", "prefetch"] }],
    ["subscription.paused", { subscription, reason: "operator" }],
    ["subscription.resumed", { subscription }],
    ["subscription.deleted", { subscription }],
  ]);
});

test("an event type is declared, gets versions, is changed and removed", async () => {
  const { ask, told } = await aListener();
  const name = "order.created";
  const schema = { type: "object", properties: { id: { type: "string" } } };
  const body = { name, compatibility: "backward", version: "1.0", schema };
  expect(await ask("POST", "/event-types", body)).toBe(201);
  expect(await ask("POST", "/event-types", body)).toBe(409);
  const at = `/event-types/${name}`;
  const next = { version: "1.1", schema: { ...schema, description: "with words" } };
  expect(await ask("POST", `${at}/versions`, next)).toBe(201);
  expect(await ask("POST", `${at}/versions`, next)).toBe(200);
  expect(await ask("PATCH", at, { compatibility: "none" })).toBe(200);
  expect(await ask("DELETE", at)).toBe(204);
  expect(await ask("DELETE", at)).toBe(404);
  const compatibility = "backward";
  expect(await told()).toEqual([
    ["event_type.created", { name, compatibility }],
    ["event_type.registered", { name, version: "1.0", compatibility }],
    ["event_type.registered", { name, version: "1.1", compatibility }],
    ["event_type.updated", { name, compatibility: "none" }],
    ["event_type.deleted", { name }],
  ]);
});
