/** Where a message goes: every kind of route, its failures, and what keeps a message from any. */
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Api, MessageItem } from "../../support/channels/api.ts";
import {
  type Customer,
  type CustomerCall,
  plain,
  startCustomer,
} from "../../support/channels/customer.ts";
import {
  openWhatsapp,
  sentText,
  textsSent,
  whatsappConnection,
} from "../../support/channels/whatsapp.ts";
import {
  type ChannelWorld,
  ECHO,
  moment,
  startWorld,
  until,
} from "../../support/channels/world.ts";

const SECRET = `whsec_${Buffer.from("a-secret-of-the-customer-of-32-b").toString("base64")}`;
const HIVE_KEY = "hive-key-of-acme";
const PERSON = "5511944440001";
let world: ChannelWorld;
let customer: Customer;
const acme = (): Api => world.api("acme");

beforeAll(async () => {
  world = await startWorld();
  customer = await startCustomer();
  world.hive.register({ tenant: "acme", apiKey: HIVE_KEY });
  const hive = { kind: "hive", baseUrl: "simulator", apiKey: HIVE_KEY };
  const routes: Record<string, unknown> = {
    direct: {
      kind: "direct",
      rules: [
        { match: "^order (\\d+)$", reply: "Order **{{match.1}}** for {{sender.name}}" },
        { match: "hours", reply: "9 to 5" },
      ],
    },
    webhook: { kind: "webhook", url: `${customer.url}/hook`, secret: SECRET },
    agent: { ...hive, agent: "support", hints: { priority: 7 } },
    team: { ...hive, team: "sales", stream: true },
    json: {
      ...hive,
      agent: "support",
      dialect: "json",
      hints: { preferred_agent: "billing", priority: 3 },
    },
    human: { kind: "human" },
    silence: { kind: "silence" },
    rules: ECHO,
    settings: ECHO,
    secretive: { ...hive, agent: "support", apiKey: "a-wrong-key" },
  };
  const connections = Object.entries(routes).map(([id, route]) =>
    whatsappConnection(id, { route }),
  );
  await world.addTenant({ id: "acme", config: { sessionIdleMs: 1000 }, connections });
  await world.addTenant({
    id: "switch",
    config: { route: ECHO },
    connections: [whatsappConnection("switched", { route: undefined })],
  });
  for (const id of [...Object.keys(routes), "switched"]) openWhatsapp(world, id);
});
afterAll(async () => {
  customer?.server.close();
  await world?.stop();
});

describe("direct", () => {
  test("the first rule that matches answers, with what it caught; no match is silence", async () => {
    await say("direct", "order 42", { name: "Ana" });
    await sentText(world, "direct", "Order *42* for Ana");
    await say("direct", "what are your HOURS?");
    await sentText(world, "direct", "9 to 5");
    await say("direct", "nothing fits");
    await stored("direct", "nothing fits");
    await moment();
    expect(textsSent(world, "direct")).toHaveLength(2);
  });
});

describe("webhook", () => {
  test("is called with a signature that the reference library accepts, and its reply is sent", async () => {
    customer.answers.push([200, { reply: "**done**" }]);
    await say("webhook", "please", { name: "Ana" });
    await sentText(world, "webhook", "*done*");
    const call = customer.calls.at(-1) as CustomerCall;
    const verified = new Webhook(SECRET).verify(call.raw, plain(call.headers));
    expect(verified).toMatchObject({
      type: "message.received",
      data: {
        tenant: "acme",
        messages: [{ content: { text: "please" }, sender: { name: "Ana" } }],
      },
    });
    expect(() => new Webhook(SECRET).verify(`${call.raw} `, plain(call.headers))).toThrow();
  });

  test("parts become messages in order, 204 is silence", async () => {
    customer.answers.push([200, { parts: ["one", { type: "text", text: "two" }] }], [204, ""]);
    await say("webhook", "parts");
    await sentText(world, "webhook", "two");
    expect(textsSent(world, "webhook").slice(-2)).toEqual(["one", "two"]);
    await say("webhook", "quiet");
    await until("asked", () => (customer.calls.at(-1)?.raw.includes("quiet") ? true : undefined));
    await moment();
    expect(textsSent(world, "webhook").at(-1)).toBe("two");
  });

  test("that fails twice is called again under the same id, with the same body", async () => {
    customer.answers.push([500, ""], [503, ""], [200, { reply: "third time" }]);
    const before = customer.calls.length;
    await say("webhook", "try hard");
    await sentText(world, "webhook", "third time");
    const tries = customer.calls.slice(before);
    expect(tries).toHaveLength(3);
    expect(new Set(tries.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(new Set(tries.map(({ raw }) => raw)).size).toBe(1);
  });

  test("that says 410 is a dead letter, and its replay asks under the same id", async () => {
    customer.answers.push([410, ""], [200, { reply: "alive again" }]);
    const before = customer.calls.length;
    await say("webhook", "are you gone?");
    const dead = await until("dead letter", async () =>
      (await acme().items("/dead-letters?stage=turn")).find(({ reason }) => reason === "gone"),
    );
    const replay = await acme().post(`/dead-letters/${String(dead.id)}/replay`);
    expect(replay.status).toBeLessThan(300);
    await sentText(world, "webhook", "alive again");
    const ids = customer.calls.slice(before).map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(1);
  });
});

describe("hive", () => {
  test("an agent is run with the conversation's session, and its answer is sent", async () => {
    await say("agent", "help me");
    await sentText(world, "agent", "hive: help me");
    const call = world.hive.calls().find(({ path }) => path === "/agents/support/runs");
    expect(call?.tenant).toBe("acme");
    expect(call?.headers.authorization).toBe(`Bearer ${HIVE_KEY}`);
    expect(call?.body).toMatchObject({ message: "help me", stream: "false" });
    const { metadata, session_id: session } = (call?.body ?? {}) as Record<string, string>;
    expect(session).toEqual(expect.stringMatching(/./));
    expect(JSON.parse(metadata ?? "")).toMatchObject({
      tenant: "acme",
      priority: 7,
    });
  });

  test("a team's stream is read to its end", async () => {
    await say("team", "sell me");
    await sentText(world, "team", "hive: sell me");
    const call = world.hive.calls().find(({ path }) => path === "/teams/sales/runs");
    expect(call?.body).toMatchObject({ stream: "true" });
  });

  test("the JSON contract carries tenant, message, context and hints", async () => {
    await say("json", "pay me");
    await sentText(world, "json", "hive: pay me");
    const call = world.hive.calls().find(({ path }) => path === "/process");
    expect(call?.body).toMatchObject({
      tenant: "acme",
      message: { text: "pay me" },
      routing_hints: { preferred_agent: "billing", priority: 3, session_id: expect.any(String) },
    });
  });

  test("a stream that breaks is asked again; a wrong key is a dead letter at once", async () => {
    world.hive.fault({ next: 1, kind: "reset", path: "/teams/" });
    await say("team", "again please");
    await sentText(world, "team", "hive: again please");
    await say("secretive", "no entry");
    const dead = await until("dead letter", async () =>
      (await acme().items("/dead-letters")).find(({ reason }) => reason === "unauthorized"),
    );
    expect(JSON.stringify(dead)).not.toContain("a-wrong-key");
  });

  test("an idle conversation starts another session", async () => {
    const sessions = () =>
      world.hive
        .calls()
        .filter(
          ({ path, body }) => path === "/agents/support/runs" && /^turn/.test(messageOf(body)),
        )
        .map(({ body }) => (body as { session_id: string }).session_id);
    await say("agent", "turn one");
    await say("agent", "turn two");
    await sentText(world, "agent", "hive: turn two");
    await moment(1100);
    await say("agent", "turn three");
    await sentText(world, "agent", "hive: turn three");
    const [one, two, three] = sessions();
    expect(two).toBe(one);
    expect(three).not.toBe(one);
  });
});

describe("nobody answers", () => {
  test.each(["human", "silence"])("on the route %s: the message is stored", async (id) => {
    await say(id, `to ${id}`);
    const item = await stored(id, `to ${id}`);
    await moment();
    expect(textsSent(world, id)).toEqual([]);
    const { body } = await acme().get(`/conversations/${item.conversation}`);
    expect(body.pending).toBe(0);
  });

  test("while the tenant is switched off, and again when it is on", async () => {
    const api = world.api("switch");
    await say("switched", "first");
    await sentText(world, "switched", "echo: first");
    expect((await api.patch("/tenants/switch", { config: { enabled: false } })).status).toBe(200);
    await say("switched", "anybody?");
    await stored("switched", "anybody?", api);
    await moment();
    expect(textsSent(world, "switched")).toEqual(["echo: first"]);
    expect((await api.patch("/tenants/switch", { config: { enabled: true } })).status).toBe(200);
    await say("switched", "back");
    await sentText(world, "switched", "echo: back");
  });

  test("to somebody blocked, or not on the list of a connection that has one", async () => {
    const rules = "/tenants/acme/access-rules";
    const add = (rule: unknown) => acme().post(rules, rule);
    const block = await add({ effect: "block", pattern: "5511955*", connection: "rules" });
    expect(block.status).toBe(201);
    await say("rules", "blocked", { from: "5511955550001" });
    await say("rules", "not blocked", { from: "5511966660001" });
    await sentText(world, "rules", "echo: not blocked");
    await add({ effect: "allow", pattern: "+55 11 97777-0001", connection: "rules" });
    await say("rules", "on the list", { from: "5511977770001" });
    await sentText(world, "rules", "echo: on the list");
    await say("rules", "off the list", { from: "5511966660001" });
    await stored("rules", "off the list");
    await moment();
    expect(textsSent(world, "rules")).toEqual(["echo: not blocked", "echo: on the list"]);
    const preview = await acme().post("/tenants/acme/preview", {
      connection: "rules",
      text: "hello",
      sender: { id: "5511955550001" },
    });
    expect(preview.body.plan).toMatchObject({ kind: "refused", reason: "blocked" });
  });
});

describe("a conversation of its own", () => {
  test("takes another route, says so in the preview, and goes back", async () => {
    await say("settings", "as everybody");
    await sentText(world, "settings", "echo: as everybody");
    const { conversation } = await stored("settings", "as everybody");
    const route = { kind: "direct", rules: [{ match: "", reply: "special: {{text}}" }] };
    const path = `/conversations/${conversation}/settings`;
    expect((await acme().put(path, { route })).body.route).toEqual(route);
    await say("settings", "as nobody else");
    await sentText(world, "settings", "special: as nobody else");
    const preview = await acme().post("/tenants/acme/preview", {
      connection: "settings",
      text: "hello",
      conversation: { route },
    });
    expect(preview.body.plan).toMatchObject({ kind: "direct", reply: "special: hello" });
    expect(preview.body.because).toContain("route direct of conversation");
    expect((await acme().put(path, {})).body.route).toBeNull();
    await say("settings", "as before");
    await sentText(world, "settings", "echo: as before");
  });
});

function messageOf(body: unknown): string {
  return String((body as { message?: unknown }).message);
}

async function say(id: string, text: string, more: Record<string, unknown> = {}): Promise<void> {
  const instance = `${id}-instance`;
  await world.evolution.emit({ instance, from: PERSON, text, wait: true, ...more });
}

function stored(connection: string, text: string, api = acme()): Promise<MessageItem> {
  return until(`"${text}" stored`, async () =>
    (await api.history(`&connection=${connection}&direction=inbound`)).find(
      ({ content }) => content.text === text,
    ),
  );
}
