/** What operators do to a conversation is told behind it, once, by ids alone; a write that fails costs the event, never the change. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { expect, test } from "vitest";
import { publishOutbox } from "../../../platform/outbox-publish.ts";
import { createApi } from "../../../workers/api.ts";
import { registerConversations } from "../../../workers/routes/conversations.ts";
import { aHub, env } from "../api/hub-api.ts";
import { DEPS, faultsOf, heard, listen } from "./telling.ts";
import { BUS_TRIES, failing } from "./telling-messages.ts";

const ID = "cnv_0123456789abcdefghjkmnpqrs";

async function aConversation(on: Env = env) {
  const { hub, tenant, key } = await aHub(() => "timeout");
  await listen(tenant, [{ kind: "topic", key: "conversation.#" }]);
  const row =
    "INSERT INTO conversations (tenant_id, id, connection_id, conversation_key, created_at, sweep_at) VALUES (?, ?, 'wa', '5511999999999', 1, 1)";
  await env.DB.prepare(row).bind(tenant, ID).run();
  const api = createApi({ ...hub.deps, env: on }, [registerConversations]);
  return {
    tenant,
    async ask(method: string, path: string, body?: unknown): Promise<number> {
      const request = new Request(`https://hub.test/conversations/${ID}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const context = createExecutionContext();
      const { status } = await api.fetch(request, on, context);
      await waitOnExecutionContext(context);
      return status;
    },
    async told() {
      await publishOutbox(DEPS, tenant, Date.now());
      const events = await heard(tenant);
      for (const event of events) expect(faultsOf(event)).toEqual([]);
      expect(JSON.stringify(events)).not.toContain("5511999999999");
      return events.map(({ event_type, data }) => [event_type, data]);
    },
  };
}

test("paused, given back, settings of its own: told in this order", async () => {
  const { ask, told } = await aConversation();
  const about = { conversation: ID, connection: "wa" };
  expect(await ask("POST", "/pause", { ttlMs: 60_000 })).toBe(200);
  expect(await ask("POST", "/resume")).toBe(200);
  expect(await ask("PUT", "/settings", { policy: { kind: "serial" } })).toBe(200);
  const until = expect.stringMatching(/^20\d\d-/);
  expect(await told()).toEqual([
    ["conversation.paused", { ...about, until }],
    ["conversation.resumed", about],
    ["conversation.settings_changed", { ...about, set: ["policy"] }],
  ]);
});

test("an event that cannot be written costs nobody the pause", async () => {
  const down = failing({ target: "DB", op: "batch", match: "INTO outbox", times: BUS_TRIES });
  const { ask, told } = await aConversation(down);
  expect(await ask("POST", "/pause", { ttlMs: 60_000 })).toBe(200);
  expect(await told()).toEqual([]);
});
