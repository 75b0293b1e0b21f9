/** WhatsApp over Evolution, end to end: what people write, change and delete, and how answers travel back. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MessageItem } from "../../support/channels/api.ts";
import {
  openWhatsapp,
  sends,
  sentText,
  textsSent,
  whatsappConnection,
} from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";

const VERSIONS = ["1", "2.3.6", "2.3.7", "2.4"] as const;
let world: ChannelWorld;

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({
    id: "acme",
    connections: [
      ...VERSIONS.map((version) => whatsappConnection(idOf(version), { version })),
      whatsappConnection("main"),
      whatsappConnection("suffixed"),
      whatsappConnection("brief", { humanPauseMs: 700 }),
    ],
  });
  await world.addTenant({
    id: "editors",
    config: { editTurns: true },
    connections: [whatsappConnection("edits")],
  });
  await world.addTenant({
    id: "slow",
    connections: [
      whatsappConnection("waiting", {
        route: { kind: "webhook", url: `${world.urls.receiver}/slow` },
      }),
    ],
  });
  for (const version of VERSIONS) openWhatsapp(world, idOf(version), { version });
  for (const id of ["main", "edits", "waiting", "brief"]) openWhatsapp(world, id);
  openWhatsapp(world, "suffixed", { byEvents: true });
});
afterAll(() => world?.stop());

describe("texts", () => {
  test.each(VERSIONS)("a text is echoed by Evolution %s", async (version) => {
    const id = idOf(version);
    await say(id, "5511900000101", "hello");
    const call = await sentText(world, id, "echo: hello");
    expect(JSON.stringify(call.body)).toContain("5511900000101");
    const own = (call.body as { messageId?: string }).messageId;
    if (version === "2.4") expect(own).toEqual(expect.any(String));
    else expect(own).toBeUndefined();
    const stored = await until("both stored", async () => {
      const items = await world.api("acme").history(`&connection=${id}`);
      return items.length === 2 ? items : undefined;
    });
    expect(stored.map((item) => item.direction)).toEqual(["outbound", "inbound"]);
  });

  test("an instance that appends the event to the path is understood", async () => {
    await say("suffixed", "5511900000102", "suffix");
    await sentText(world, "suffixed", "echo: suffix");
    const paths = world.evolution.deliveries().map(({ url }) => new URL(url).pathname);
    expect(paths).toContain("/webhooks/evolution/suffixed/messages-upsert");
  });

  test("a group message is answered into the group, and its author is known", async () => {
    const group = "120363000000000001@g.us";
    await say("main", "5511900000103", "to all", { group, name: "Ana" });
    const call = await sentText(world, "main", "echo: to all");
    expect(call.body).toMatchObject({ number: group });
    const stored = await found((item) => item.content.text === "to all");
    expect(stored).toMatchObject({ group: true, sender: { name: "Ana" } });
    expect([stored.sender.id, ...stored.sender.aliases].join(" ")).toContain("5511900000103");
  });

  test("one webhook delivered five times at once has one answer", async () => {
    await world.evolution.emit({
      instance: "main-instance",
      from: "5511900000104",
      text: "five times",
      repeat: 5,
      wait: true,
    });
    await sentText(world, "main", "echo: five times");
    await moment();
    expect(textsSent(world, "main").filter((text) => text === "echo: five times")).toHaveLength(1);
    const items = await world.api("acme").history("&connection=main&direction=inbound");
    expect(items.filter((item) => item.content.text === "five times")).toHaveLength(1);
  });

  test("what the API sent comes back as send.message and is not stored twice", async () => {
    await say("main", "5511900000105", "no echo of echo");
    await sentText(world, "main", "echo: no echo of echo");
    await until("the echo was delivered", () =>
      world.evolution.deliveries().find(({ label }) => label === "send.message"),
    );
    await moment();
    const items = await world.api("acme").history("&connection=main");
    const about = items.filter((item) => item.content.text.endsWith("no echo of echo"));
    expect(about).toHaveLength(2);
  });
});

/** 2.3.7 shows only the number where it knows both, so it teaches pairs in groups alone. */
describe.each(["2.3.6", "2.4"] as const)("hidden ids of Evolution %s", (version) => {
  const id = idOf(version);
  const api = () => world.api("acme");

  test("a rule that blocks a number blocks the hidden id of the same person", async () => {
    const [phone, lid] = [`55119000002${id.slice(1)}`, `777000000002${id.slice(1)}`];
    await say(id, phone, "with both", { lid });
    await sentText(world, id, "echo: with both");
    const rule = { effect: "block", pattern: phone };
    expect((await api().post("/tenants/acme/access-rules", rule)).status).toBe(201);
    await say(id, phone, "only hidden", { lid, onlyLid: true });
    await say(id, phone, "number again");
    for (const text of ["only hidden", "number again"]) {
      await found((item) => item.connection === id && item.content.text === text);
    }
    await moment();
    expect(textsSent(world, id)).not.toContain("echo: only hidden");
    expect(textsSent(world, id)).not.toContain("echo: number again");
  });

  test("a person known by a hidden id first is blocked by the number learned later", async () => {
    const [phone, lid] = [`55119000003${id.slice(1)}`, `777000000003${id.slice(1)}`];
    await say(id, phone, "hidden first", { lid, onlyLid: true });
    await sentText(world, id, "echo: hidden first");
    await say(id, phone, "then both", { lid });
    await sentText(world, id, "echo: then both");
    await api().post("/tenants/acme/access-rules", { effect: "block", pattern: phone });
    await say(id, phone, "hidden after the rule", { lid, onlyLid: true });
    await found((item) => item.connection === id && item.content.text === "hidden after the rule");
    await moment();
    expect(textsSent(world, id)).not.toContain("echo: hidden after the rule");
  });
});

describe("changes", () => {
  test("an edit of a message that still waits changes what is asked", async () => {
    world.receiver.script([{ delayMs: 700, body: { reply: "first done" } }]);
    world.receiver.answer({ body: { reply: "second done" } });
    await say("waiting", "5511900000301", "first");
    await until("the first is being asked", () => world.receiver.received()[0]);
    const id = await say("waiting", "5511900000301", "secnd");
    await world.evolution.emit({
      instance: "waiting-instance",
      from: "5511900000301",
      edit: { id, text: "second" },
      wait: true,
    });
    await sentText(world, "waiting", "second done");
    const asked = JSON.stringify(world.receiver.received()[1]?.body);
    expect(asked).toContain("second");
    expect(asked).not.toContain("secnd");
  });

  test("edit and delete of an answered message are stored and not answered", async () => {
    const from = "5511900000302";
    const id = await say("main", from, "original");
    await sentText(world, "main", "echo: original");
    await act("main", { from, edit: { id, text: "corrected" } });
    await act("main", { from, delete: id });
    const edit = await found((item) => item.kind === "edit" && item.target_id === id);
    expect(edit.content.text).toBe("corrected");
    await found((item) => item.kind === "delete" && item.target_id === id);
    await moment();
    expect(textsSent(world, "main")).not.toContain("echo: corrected");
  });

  test("with editTurns an edit of an answered message is answered", async () => {
    const from = "5511900000303";
    const id = await say("edits", from, "original");
    await sentText(world, "edits", "echo: original");
    await act("edits", { from, edit: { id, text: "corrected" } });
    await sentText(world, "edits", "echo: corrected");
  });

  test("a reaction is stored with its emoji and target, and not answered", async () => {
    const from = "5511900000304";
    const id = await say("main", from, "react to me");
    await sentText(world, "main", "echo: react to me");
    const before = sends(world, "main").length;
    await act("main", { from, reaction: { target: id, emoji: "👍", targetFromMe: false } });
    await act("main", { from, reaction: { target: id, emoji: "", targetFromMe: false } });
    const removed = await found((item) => actionOf(item) === "removed" && item.target_id === id);
    const added = await found((item) => actionOf(item) === "added" && item.target_id === id);
    expect(removed.kind).toBe("reaction");
    expect(added.content.metadata.reaction).toMatchObject({ emoji: "👍" });
    await moment();
    expect(sends(world, "main")).toHaveLength(before);
  });
});

describe("a person on the phone", () => {
  test("pauses the bot, and resuming gives it back", async () => {
    const from = "5511900000401";
    await say("main", from, "bot?");
    await sentText(world, "main", "echo: bot?");
    await say("main", from, "I take over", { fromMe: true });
    const typed = await found((item) => item.content.text === "I take over");
    expect(typed.direction).toBe("outbound");
    await say("main", from, "anybody?");
    await found((item) => item.content.text === "anybody?");
    await moment();
    expect(textsSent(world, "main")).not.toContain("echo: anybody?");
    expect(textsSent(world, "main")).not.toContain("echo: I take over");

    const api = world.api("acme");
    const paused = await api.get(`/conversations/${typed.conversation}`);
    expect(paused.body.paused_until).toEqual(expect.any(String));
    const resumed = await api.post(`/conversations/${typed.conversation}/resume`);
    expect(resumed.body.paused_until).toBeNull();
    await say("main", from, "and now?");
    await sentText(world, "main", "echo: and now?");
  });

  test("has the conversation for as long as the connection says", async () => {
    const from = "5511900000402";
    await say("brief", from, "for a moment", { fromMe: true });
    await say("brief", from, "too soon");
    await found((item) => item.content.text === "too soon");
    await moment(800);
    await say("brief", from, "late enough");
    await sentText(world, "brief", "echo: late enough");
    expect(textsSent(world, "brief")).not.toContain("echo: too soon");
  });
});

function idOf(version: string): string {
  return `v${version.replaceAll(".", "")}`;
}

async function act(id: string, what: Record<string, unknown>): Promise<Record<string, unknown>> {
  return world.evolution.emit({ instance: `${id}-instance`, wait: true, ...what });
}

/** The id WhatsApp gave the message. */
async function say(
  id: string,
  from: string,
  text: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  return String((await act(id, { from, text, ...more })).id);
}

function found(wanted: (item: MessageItem) => boolean): Promise<MessageItem> {
  return until("stored message", async () => (await world.api("acme").history()).find(wanted));
}

function actionOf(item: MessageItem): unknown {
  return (item.content.metadata.reaction as { action?: string } | undefined)?.action;
}
