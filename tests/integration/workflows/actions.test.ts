/** Every action of the hub's own, called by a run in workerd: what goes out, what comes back, how it fails. */
import { Validator } from "@cfworker/json-schema";
import { describe, expect, test, vi } from "vitest";
import type { EventEnvelope } from "../../../schema/event.ts";
import { ACTIONS, actionCatalogue } from "../../../workers/workflows/actions/registry.ts";
import { unique } from "../api/hub-api.ts";
import { publishApi } from "../events/publish-api.ts";
import { heard, listen } from "../events/telling.ts";
import { act, tenantWith } from "./acting.ts";
import { env, RUN_TEST_MS, running } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS });

test("the catalogue lists each with schemas, beside the tenant's own services", async () => {
  const hub = await running({ "crm.lookup": {} });
  const { actions } = await actionCatalogue(env, hub.tenant);
  expect([...actions.keys()].toSorted()).toEqual([...ACTIONS.keys(), "crm.lookup"].toSorted());
  for (const [name, { input, output, description }] of ACTIONS) {
    expect(description.length, name).toBeGreaterThan(20);
    expect(() => new Validator(input as never, "2020-12"), name).not.toThrow();
    expect(() => new Validator(output as never, "2020-12"), name).not.toThrow();
  }
});

describe("event.publish", () => {
  test("publishes once, with the run's correlation id", async () => {
    const api = await publishApi();
    await api.declare("order.paid");
    const hub = await running({}, { tenant: api.tenant });
    await listen(hub.tenant);
    const { id } = (await act(hub, "event.publish", {
      event_type: "order.paid",
      data: { n: 1 },
    })) as { id: string };
    const heardSoFar: EventEnvelope[] = [];
    const events = await vi.waitFor(
      async () => {
        heardSoFar.push(...(await heard(hub.tenant)));
        const found = heardSoFar.filter(({ event_type: type }) => type === "order.paid");
        expect(found.length).toBeGreaterThan(0);
        return found;
      },
      { timeout: 20_000 },
    );
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      ...{ event_id: id, event_type: "order.paid", data: { n: 1 } },
      metadata: { correlation_id: "case-7" },
    });
    const cloud = await act(hub, "event.publish", {
      ...{ type: "order.paid", source: "/shop", subject: "7", data: { n: 2 }, region: "eu" },
    });
    expect(cloud).toMatchObject({ specversion: "1.0", type: "order.paid", source: "/shop" });
    expect(await act(hub, "event.publish", { event_type: "nobody.knows" })).toEqual({
      error: expect.stringMatching(/unknown/),
    });
  });

  test("says which type there is not, and which was probably meant", async () => {
    const api = await publishApi();
    await api.declare("order.paid");
    const hub = await running({}, { tenant: api.tenant });
    const step = { id: "it", type: "action", action: "event.publish" };
    await hub.deploy({ id: "misnamed", steps: [{ ...step, with: { event_type: "order.payd" } }] });
    const { steps } = await hub.ended(await hub.start("misnamed"));
    expect(steps.it?.error).toMatchObject({
      ...{ reason: "unknown_type", message: "order.payd: did you mean order.paid?" },
    });
  });
});

describe("data", () => {
  test("is written, read under its revision, and deleted", async () => {
    const hub = await running({});
    expect(await act(hub, "data.get", { key: "n" })).toEqual({ value: null, revision: 0 });
    expect(await act(hub, "data.put", { key: "n", value: { a: 1 } })).toEqual({ revision: 1 });
    expect(await act(hub, "data.get", { key: "n" })).toEqual({ value: { a: 1 }, revision: 1 });
    expect(await act(hub, "data.put", { key: "n", value: 2, revision: 1 })).toEqual({
      revision: 2,
    });
    expect(await act(hub, "data.put", { key: "n", value: 3, revision: 1 })).toEqual({
      error: "revision_conflict",
    });
    expect(await act(hub, "data.delete", { key: "n" })).toEqual({ deleted: true });
    expect(await act(hub, "data.delete", { key: "n" })).toEqual({ deleted: false });
    for (const action of ["data.get", "data.put", "data.delete"])
      expect(
        await act(hub, action, {
          key: "$services",
          ...(action === "data.put" ? { value: 1 } : {}),
        }),
      ).toEqual({ error: "reserved_key" });
  });
});

describe("message.send", () => {
  const slack = {
    ...{ id: "", channel: "slack", teamId: "T1" },
    credentials: { signingSecret: "s", botToken: "xoxb-1" },
  };

  test("puts a message into the outbox, once", async () => {
    const id = unique("slack");
    const { hub } = await tenantWith((baseUrl) => ({ connections: [{ ...slack, id, baseUrl }] }));
    const sent = await act(hub, "message.send", {
      connection: id,
      to: "C0123456789",
      text: "hello",
    });
    expect(sent).toMatchObject({
      id: expect.any(String),
      conversation: expect.stringMatching(/^cnv_/),
    });
    expect(
      await act(hub, "message.send", { connection: "nobody", to: "C1", text: "hello" }),
    ).toEqual({ error: "not_found" });
    expect(await act(hub, "message.send", { connection: id, text: "hello" })).toEqual({
      error: expect.any(String),
    });
  });

  test("a platform's own method is called with the connection's credentials", async () => {
    const id = unique("slack");
    const { hub, asked } = await tenantWith(
      (baseUrl) => ({ connections: [{ ...slack, id, baseUrl }] }),
      ({ url }) =>
        Response.json(
          url.pathname.endsWith("info") ? { ok: true, n: 1 } : { ok: false, error: "no_such" },
        ),
    );
    const call = {
      connection: id,
      path: "conversations.info",
      query: { channel: "C1" },
      method: "GET",
    };
    expect(await act(hub, "connection.call", call)).toEqual({
      status: 200,
      body: { ok: true, n: 1 },
    });
    expect(asked[0]?.url.href).toBe(`${hub.origin}/api/conversations.info?channel=C1`);
    expect(asked[0]?.headers.get("authorization")).toBe("Bearer xoxb-1");
    expect(await act(hub, "connection.call", { ...call, path: "other" })).toEqual({
      error: "slack.no_such",
    });
    expect(await act(hub, "connection.call", { ...call, path: "../../elsewhere" })).toEqual({
      error: "refused_url",
    });
    expect(await act(hub, "connection.call", { ...call, path: "https://evil.example/x" })).toEqual({
      error: "refused_url",
    });
    expect(await act(hub, "connection.call", { ...call, connection: "nobody" })).toEqual({
      error: "unknown_connection",
    });
    expect(asked).toHaveLength(2);
  });
});

describe("agent.run", () => {
  test("asks the tenant's Hive, or a server of its own", async () => {
    const { hub, asked } = await tenantWith(
      (baseUrl) => ({ config: { route: { kind: "hive", baseUrl, agent: "first", apiKey: "k" } } }),
      () => Response.json({ run_id: "1", content: "forty-two", status: "COMPLETED" }),
    );
    expect(await act(hub, "agent.run", { text: "what?", agent: "second" })).toEqual({
      text: "forty-two",
      parts: [{ type: "text", text: "forty-two" }],
    });
    expect(asked[0]?.url.pathname).toBe("/agents/second/runs");
    expect(asked[0]?.headers.get("authorization")).toBe("Bearer k");
    expect(new URLSearchParams(asked[0]?.text).get("message")).toBe("what?");
  });

  test("a webhook agent gets the text as a turn and answers with replies", async () => {
    const { hub, asked } = await tenantWith(
      (origin) => ({ config: { route: { kind: "webhook", url: `${origin}/agent` } } }),
      () => Response.json({ reply: "done" }),
    );
    expect(await act(hub, "agent.run", { text: "do it", data: { n: 1 } })).toMatchObject({
      text: "done",
    });
    const body = JSON.parse(asked[0]?.text ?? "{}");
    expect(body.data.messages[0].content).toMatchObject({
      text: "do it",
      metadata: { data: { n: 1 } },
    });
  });

  test("fails clearly where there is no agent", async () => {
    const { hub } = await tenantWith();
    expect(await act(hub, "agent.run", { text: "hm" })).toEqual({ error: "no_agent" });
    expect(await act(hub, "agent.run", { text: "hm", connection: "nobody" })).toEqual({
      error: "unknown_connection",
    });
  });
});

test("transform gives back what it gets, a plugin is not there, an unknown action is none", async () => {
  const hub = await running({});
  expect(await act(hub, "transform", { a: ["{{ 1 + 1 }}"] })).toEqual({ a: [2] });
  expect(await act(hub, "log.note", { code: "seen.it" })).toEqual({ code: "seen.it" });
  expect(await act(hub, "plugin.call", { plugin: "x" })).toEqual({ error: "plugin_unknown" });
  expect(await act(hub, "no.such", {})).toEqual({ error: "unknown_action" });
});
