/** Ordinary Discord messages over the Gateway: connected, answered, lost and resumed, once each. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PNG_BYTES } from "../../../simulators/media.ts";
import type { MessageItem } from "../../support/channels/api.ts";
import {
  applicationOf,
  discordCalls,
  discordConnection,
  openDiscord,
  postedTo,
  posts,
} from "../../support/channels/discord.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";

const TALK = 11;
const LATER = 12;
const EVERY_FIVE_MINUTES = "*/5 * * * *";
const GUILD_CHANNEL = "811";
let world: ChannelWorld;
const acme = () => world.api("acme");

interface GatewayState {
  readonly identifies: number;
  readonly resumes: number;
  readonly sessions: readonly { readonly applicationId: string; readonly connected: boolean }[];
}

beforeAll(async () => {
  world = await startWorld();
  openDiscord(world, "talk", TALK);
  openDiscord(world, "later", LATER);
  await world.addTenant({
    id: "acme",
    connections: [
      discordConnection("talk", TALK, { gateway: true }),
      discordConnection("later", LATER),
    ],
  });
});
afterAll(() => world?.stop());

describe("the socket", () => {
  test("a connection that wants one gets it as soon as it is there, and only one", async () => {
    await connected(TALK);
    expect(isConnected(LATER)).toBe(false);
    await world.hub.triggerScheduled(EVERY_FIVE_MINUTES);
    await moment();
    expect(state().sessions).toHaveLength(1);
  });

  test("is opened when a connection is changed to want it, and closed when it no longer does", async () => {
    const path = "/tenants/acme/connections/later";
    expect((await acme().patch(path, { gateway: true })).status).toBe(200);
    await connected(LATER);
    await emit(LATER, { channel: "821", text: "now I hear" });
    await postedTo(world, "821", "echo: now I hear");
    expect((await acme().patch(path, { gateway: false })).status).toBe(200);
    await until("disconnected", () => (isConnected(LATER) ? undefined : true));
    await emit(LATER, { channel: "821", text: "deaf again" });
    await moment();
    expect(posts(world, "821")).toHaveLength(1);
  });
});

describe("messages", () => {
  test("a message is answered in its channel with a nonce, and our own post is no message", async () => {
    await emit(TALK, { channel: GUILD_CHANNEL, text: "hello bot" });
    const post = await postedTo(world, GUILD_CHANNEL, "echo: hello bot");
    expect(post).toMatchObject({ enforce_nonce: true, allowed_mentions: { parse: [] } });
    expect(String(post.nonce).length).toBeLessThanOrEqual(25);
    await moment();
    expect(posts(world, GUILD_CHANNEL)).toHaveLength(1);
    const item = await found((one) => one.content.text === "hello bot");
    expect(item).toMatchObject({ group: true, kind: "message" });
  });

  test("a direct message is answered, and is no group", async () => {
    await emit(TALK, { dm: true, user: "900000000000000077", text: "in private" });
    const item = await found((one) => one.content.text === "in private");
    expect(item.group).toBe(false);
    await until("answered", () =>
      discordCalls(world, /^POST \/channels\/\d+\/messages$/).find(
        ({ body }) => (body as { content?: string }).content === "echo: in private",
      ),
    );
  });

  test("a message in a thread is answered in the thread", async () => {
    await emit(TALK, { channel: "812", parent: GUILD_CHANNEL, text: "in the thread" });
    await postedTo(world, "812", "echo: in the thread");
  });

  test("an event delivered three times has one answer", async () => {
    await emit(TALK, { channel: "813", text: "thrice", repeat: 3 });
    await postedTo(world, "813", "echo: thrice");
    await moment();
    expect(posts(world, "813")).toHaveLength(1);
  });

  test("edits, deletions and reactions are stored and not answered; pins are no edits", async () => {
    const id = await emit(TALK, { channel: "814", text: "first" });
    await postedTo(world, "814", "echo: first");
    await emit(TALK, { channel: "814", pin: id });
    await emit(TALK, { channel: "814", edit: { id, text: "second" } });
    await emit(TALK, { channel: "814", reaction: { id, emoji: "👍" } });
    await emit(TALK, { channel: "814", reaction: { id, emoji: "👍", remove: true } });
    await emit(TALK, { channel: "814", reaction: { id, emoji: "👍" } });
    await emit(TALK, { channel: "814", delete: id });
    const about = await until("all of them", async () => {
      const items = (await acme().history("&direction=inbound")).filter(
        (item) => item.target_id === id,
      );
      return items.length >= 5 ? items : undefined;
    });
    expect(about.map(({ kind }) => kind).sort()).toEqual([
      "delete",
      "edit",
      "reaction",
      "reaction",
      "reaction",
    ]);
    await moment();
    expect(posts(world, "814")).toHaveLength(1);
  });
});

describe("a line that is lost", () => {
  test("is resumed, and what was missed is answered once", async () => {
    await emit(TALK, { channel: "815", text: "before" });
    await postedTo(world, "815", "echo: before");
    const { resumes } = state();
    world.discord.gateway.act("drop", { applicationId: applicationOf(TALK), resumable: true });
    await emit(TALK, { channel: "815", text: "missed" });
    await postedTo(world, "815", "echo: missed");
    expect(state().resumes).toBeGreaterThan(resumes);
    await moment();
    expect(posts(world, "815").map(({ content }) => content)).toEqual([
      "echo: before",
      "echo: missed",
    ]);
  });

  test("whose session is gone is opened anew, and what was missed is fetched", async () => {
    await emit(TALK, { channel: "816", text: "known channel" });
    await postedTo(world, "816", "echo: known channel");
    const { identifies } = state();
    world.discord.gateway.act("invalid", { applicationId: applicationOf(TALK), resumable: false });
    await emit(TALK, { channel: "816", text: "in between" });
    await until(
      "identified again",
      () => (state().identifies > identifies ? true : undefined),
      12_000,
    );
    await emit(TALK, { channel: "816", text: "after" });
    await postedTo(world, "816", "echo: after");
    await postedTo(world, "816", "echo: in between");
    await moment();
    expect(posts(world, "816")).toHaveLength(3);
  });
});

describe("files", () => {
  test("attachments are stored before their links expire", async () => {
    await emit(TALK, { channel: "817", text: "two files", attachments: ["image", "document"] });
    await postedTo(world, "817", "echo: two files");
    const item = await until("stored files", async () =>
      (await acme().history("&direction=inbound")).find(
        ({ content }) =>
          content.text === "two files" &&
          content.media.every(({ source }) => source.from === "stored"),
      ),
    );
    expect(item.content.media.map(({ kind }) => kind)).toEqual(["image", "document"]);
    const link = await acme().get(`/messages/${item.id}/media/0`);
    const file = await fetch(String(link.body.url));
    expect(Buffer.from(await file.arrayBuffer())).toEqual(PNG_BYTES);

    const key = item.content.media[0]?.source.key;
    const media = [{ kind: "image", source: { from: "stored", key }, file_name: "back.png" }];
    await send("818", { content: { type: "media", media, text: "back to you" } });
    const post = await until("uploaded", () => posts(world, "818")[0]);
    expect(JSON.stringify(post)).toContain("back to you");
    const [message] = await messagesOf("818");
    expect(message?.attachments).toEqual([
      expect.objectContaining({ filename: "back.png", size: PNG_BYTES.length }),
    ]);

    const url = `${world.urls.receiver}/media/pixel.png`;
    const far = [{ kind: "image", source: { from: "url", url }, file_name: "far.png" }];
    await send("823", { content: { type: "media", media: far } });
    await until("uploaded", () => posts(world, "823")[0]);
    expect((await messagesOf("823"))[0]?.attachments).toEqual([
      expect.objectContaining({ filename: "far.png", size: PNG_BYTES.length }),
    ]);
  });
});

describe("limits", () => {
  test("429 is waited for as long as Discord says", async () => {
    world.discord.fault({
      next: 1,
      kind: "status",
      status: 429,
      retryAfter: 1,
      path: "/819/messages",
    });
    const startMs = Date.now();
    await send("819", { text: "patience" });
    await until("posted", () => {
      const fine = discordCalls(world, /^POST \/channels\/819\/messages$/).find(
        ({ fault }) => !fault,
      );
      return fine;
    });
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(1000);
  });

  test("an answer that is lost is asked for again under the same nonce: one message", async () => {
    world.discord.fault({ next: 1, kind: "reset-after", path: "/820/messages" });
    await send("820", { text: "only one" });
    await until("tried twice", () => (posts(world, "820").length === 2 ? true : undefined));
    expect(new Set(posts(world, "820").map(({ nonce }) => nonce)).size).toBe(1);
    expect(await messagesOf("820")).toHaveLength(1);
  });

  test("a reply that Discord forbids fails for good", async () => {
    await world.side(world.urls.discord, "channels", { channel: "822", error: 50013 });
    const id = await send("822", { text: "not allowed" });
    const dead = await until("dead letter", async () =>
      (await acme().items("/dead-letters")).find(({ message }) => message === id),
    );
    expect(dead.reason).toBe("missing_permissions");
  });
});

async function emit(n: number, what: Record<string, unknown>): Promise<string> {
  const { id } = await world.discord.emit({ applicationId: applicationOf(n), ...what });
  return String(id);
}

async function send(to: string, body: Record<string, unknown>): Promise<string> {
  const answer = await acme().post("/messages/send", { connection: "talk", to, ...body });
  expect(answer).toMatchObject({ status: 202 });
  return String(answer.body.id);
}

async function messagesOf(channel: string): Promise<readonly Record<string, unknown>[]> {
  const response = await fetch(`${world.urls.discord}/api/v10/channels/${channel}/messages`, {
    headers: { authorization: `Bot bot-token-${TALK}`, "user-agent": "DiscordBot (test, 1)" },
  });
  return (await response.json()) as Record<string, unknown>[];
}

function state(): GatewayState {
  return world.discord.gateway.state() as unknown as GatewayState;
}

function isConnected(n: number): boolean {
  return state().sessions.some((one) => one.applicationId === applicationOf(n) && one.connected);
}

function connected(n: number): Promise<true> {
  return until(`${n} connected`, () => (isConnected(n) ? true : undefined));
}

function found(wanted: (item: MessageItem) => boolean): Promise<MessageItem> {
  return until("stored message", async () =>
    (await acme().history("&direction=inbound")).find(wanted),
  );
}
