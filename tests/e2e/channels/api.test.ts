/** Messages in and out through the API, and the trace of one over every hop, inside and outside. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Customer, startCustomer } from "../../support/channels/customer.ts";
import { openSlack, slackConnection } from "../../support/channels/slack.ts";
import {
  openWhatsapp,
  sends,
  sentText,
  textsSent,
  whatsappConnection,
} from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
const PERSON = "5511977770001";
const SECRET_TEXT = "the-words-nobody-else-may-see";
let world: ChannelWorld;
let collector: Customer;
let customer: Customer;
const acme = () => world.api("acme");

beforeAll(async () => {
  collector = await startCustomer();
  customer = await startCustomer();
  world = await startWorld({ bindings: { OTLP_ENDPOINT: collector.url } });
  const connections = [
    whatsappConnection("main"),
    whatsappConnection("hooked", { route: { kind: "webhook", url: `${customer.url}/hook` } }),
    whatsappConnection("hived", {
      route: { kind: "hive", baseUrl: "simulator", agent: "support" },
    }),
    slackConnection("team"),
  ];
  await world.addTenant({ id: "acme", config: { tracing: { export: true } }, connections });
  await world.addTenant({ id: "globex", connections: [whatsappConnection("untraced")] });
  const outspoken = { tracing: { export: true, pii: true } };
  await world.addTenant({
    id: "open",
    config: outspoken,
    connections: [whatsappConnection("told")],
  });
  for (const id of ["main", "hooked", "hived", "untraced", "told"]) openWhatsapp(world, id);
  openSlack(world, "team");
});
afterAll(async () => {
  collector?.server.close();
  customer?.server.close();
  await world?.stop();
});

describe("a unified message", () => {
  const message = (id: string, more: Record<string, unknown> = {}) => ({
    id,
    source: "whatsapp",
    tenant: "acme",
    connection: "main",
    content: { text: `unified ${id}`, media: [], metadata: { origin: "crm" } },
    timestamp: "2026-11-20T12:00:00Z",
    sender: { id: PERSON, aliases: [], name: "Ana" },
    ...more,
  });

  test("is taken in as if from its channel, answered there, once however often it comes", async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => acme().post("/messages/unified", message("crm-1"))),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ body }) => body.duplicate === false)).toHaveLength(1);
    const call = await sentText(world, "main", "echo: unified crm-1");
    expect(JSON.stringify(call.body)).toContain(PERSON);
    await moment();
    expect(textsSent(world, "main").filter((text) => text.endsWith("crm-1"))).toHaveLength(1);
    const stored = await acme().get(`/messages/${String(answers[0]?.body.id)}`);
    expect(stored.body).toMatchObject({
      source: "whatsapp",
      timestamp: "2026-11-20T12:00:00.000Z",
      content: { text: "unified crm-1", metadata: { origin: "crm" } },
    });
  });

  test("joins the conversation that the platform's own messages are in", async () => {
    await world.evolution.emit({
      instance: "main-instance",
      from: PERSON,
      text: "by phone",
      wait: true,
    });
    await sentText(world, "main", "echo: by phone");
    const unified = await acme().post("/messages/unified", message("crm-2"));
    const items = await acme().history("&connection=main&direction=inbound");
    const phone = items.find(({ content }) => content.text === "by phone");
    expect(unified.body.conversation).toBe(phone?.conversation);
  });

  test("of another tenant, or without a key, is refused", async () => {
    expect((await world.api("globex").post("/messages/unified", message("x-1"))).status).toBe(403);
    const foreign = message("x-2", { tenant: "globex" });
    expect((await world.api("globex").post("/messages/unified", foreign)).status).toBe(404);
    const bare = await fetch(`${world.hub.url}/messages/unified`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message("x-3")),
    });
    expect(bare.status).toBe(401);
  });

  test("without a connection goes to the only one of its kind, else it says what is missing", async () => {
    const { connection: _, ...free } = message("crm-3");
    expect((await acme().post("/messages/unified", free)).status).toBe(422);
    const slack = { ...free, id: "crm-4", source: "slack", conversation_key: "C0CRM" };
    expect((await acme().post("/messages/unified", slack)).status).toBe(202);
    await until("answered in Slack", () =>
      world.slack
        .calls()
        .find(({ body }) => (body as { text?: string }).text === "echo: unified crm-3"),
    );
  });
});

describe("a message's story", () => {
  test("the caller's trace goes on to a customer's webhook and to the platform", async () => {
    await traced("hooked", "trace me");
    const call = await until("asked", () => customer.calls[0]);
    expect(String(call.headers.traceparent)).toContain(TRACE_ID);
    await traced("hived", "trace me too");
    await sentText(world, "hived", "hive: trace me too");
    const run = world.hive.calls().find(({ path }) => path === "/agents/support/runs");
    expect(String(run?.headers.traceparent)).toContain(TRACE_ID);
    const [sent] = sends(world, "hived", "sendText");
    expect(String(sent?.headers.traceparent)).toContain(TRACE_ID);
  });

  test("one call tells every hop of a message and its reply, in order of time", async () => {
    await traced("hived", "tell me");
    await sentText(world, "hived", "hive: tell me");
    const asked = await until("stored", async () =>
      (await acme().history("&connection=hived&direction=inbound")).find(
        ({ content }) => content.text === "tell me",
      ),
    );
    const hops = await until("read", async () => {
      const { body } = await acme().get(`/messages/${asked.id}/timeline`);
      const found = body.hops as { hop: string; at: string }[];
      return found.some(({ hop }) => hop === "read") ? found : undefined;
    });
    const names = hops.map(({ hop }) => hop);
    const wanted = ["received", "persisted", "routed", "agent_start", "agent_end", "sent", "read"];
    expect(wanted.filter((hop) => !names.includes(hop))).toEqual([]);
    const times = hops.map(({ at }) => Date.parse(at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test("spans leave for the collector with ids only, and only of tenants that asked for it", async () => {
    await traced("hived", SECRET_TEXT, "Ana Maria");
    await sentText(world, "hived", `hive: ${SECRET_TEXT}`);
    await world.evolution.emit({
      instance: "untraced-instance",
      from: PERSON,
      text: "not me",
      wait: true,
    });
    await sentText(world, "untraced", "echo: not me");
    const spans = await until("spans of the trace", () => {
      const all = collector.calls.flatMap(({ raw }) => spansOf(raw));
      const names = new Set(
        all.filter(({ traceId }) => traceId === TRACE_ID).map(({ name }) => name),
      );
      return names.has("message.answered") && names.has("agent.called") ? all : undefined;
    });
    await moment();
    const everything = collector.calls.map(({ raw }) => raw).join("\n");
    for (const secret of [SECRET_TEXT, PERSON, "Ana Maria", "globex", "trace me"]) {
      expect(everything).not.toContain(secret);
    }
    expect(
      spans.every(
        ({ traceId, spanId }) => /^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId),
      ),
    ).toBe(true);
    expect(everything).toContain('"acme"');
  });

  test("what was said goes along where the tenant asked for that", async () => {
    await traced("told", "words for the collector");
    await until("told", () => {
      const spans = collector.calls.flatMap(({ raw }) => spansOf(raw));
      const said = spans.flatMap(({ attributes }) =>
        attributes.map(({ value }) => value.stringValue),
      );
      return said.includes("words for the collector") &&
        said.includes("echo: words for the collector") &&
        said.some((text) => text?.includes(PERSON))
        ? said
        : undefined;
    });
  });

  test("neither logs nor metrics hold a word, a name or a number", async () => {
    const metrics = await fetch(`${world.hub.url}/metrics`, {
      headers: { authorization: `Bearer ${world.hub.adminKey}` },
    });
    const margins = world.logs.join("\n") + (await metrics.text());
    const secrets = [SECRET_TEXT, PERSON, "Ana Maria", "words for the collector"];
    for (const secret of secrets) expect(margins).not.toContain(secret);
    expect(margins.length).toBeGreaterThan(1000);
  });
});

interface SpanShape {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly attributes: readonly { key: string; value: { stringValue?: string } }[];
}

function spansOf(raw: string): readonly SpanShape[] {
  const body = JSON.parse(raw) as {
    resourceSpans: { scopeSpans: { spans: SpanShape[] }[] }[];
  };
  return body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

/** A webhook of Evolution's with a trace of its caller. */
async function traced(id: string, text: string, name = "Ana"): Promise<void> {
  const response = await fetch(`${world.hub.url}/webhooks/evolution/${id}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-webhook-secret": `secret-of-${id}`,
      traceparent: TRACEPARENT,
    },
    body: JSON.stringify({
      event: "messages.upsert",
      instance: `${id}-instance`,
      data: {
        key: {
          remoteJid: `${PERSON}@s.whatsapp.net`,
          fromMe: false,
          id: `TRACED${text.length}${id}`,
        },
        pushName: name,
        messageType: "conversation",
        message: { conversation: text },
        messageTimestamp: Math.floor(Date.now() / 1000),
      },
    }),
  });
  expect(response.status).toBe(200);
}
