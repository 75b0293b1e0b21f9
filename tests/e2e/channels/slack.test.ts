/** Slack, end to end: messages, threads, mentions, commands, buttons and changes, and how answers are posted. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MessageItem } from "../../support/channels/api.ts";
import {
  openSlack,
  posted,
  postedTexts,
  slackCalls,
  slackConnection,
  teamOf,
} from "../../support/channels/slack.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";

let world: ChannelWorld;
const acme = () => world.api("acme");

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({
    id: "acme",
    connections: [slackConnection("talk"), slackConnection("gestures"), slackConnection("limits")],
  });
  await world.addTenant({
    id: "editors",
    config: { editTurns: true },
    connections: [slackConnection("edits")],
  });
  for (const id of ["talk", "gestures", "limits", "edits"]) openSlack(world, id);
});
afterAll(() => world?.stop());

describe("messages", () => {
  test("a message in a channel is answered there, once, and the bot's own post is no message", async () => {
    await emit("talk", { channel: "C0ONE", text: "hello" });
    await posted(world, "C0ONE", "echo: hello");
    await moment();
    expect(postedTexts(world, "C0ONE")).toEqual(["echo: hello"]);
    const items = (await acme().history("&connection=talk")).filter(({ content }) =>
      content.text.endsWith("hello"),
    );
    expect(items.map(({ direction }) => direction)).toEqual(["outbound", "inbound"]);
  });

  test("message and app_mention of one gesture have one effect", async () => {
    await emit("talk", { channel: "C0TWO", text: "<@UTALKBOT> are you there?", repeat: 3 });
    await until("an answer", () => postedTexts(world, "C0TWO")[0]);
    await moment();
    expect(postedTexts(world, "C0TWO")).toHaveLength(1);
    const items = (await acme().history("&connection=talk&direction=inbound")).filter(
      ({ content }) => content.text.includes("are you there?"),
    );
    expect(items).toHaveLength(1);
  });

  test("a reply in a thread is answered in the thread", async () => {
    const root = await emit("talk", { channel: "C0THREAD", text: "root" });
    await posted(world, "C0THREAD", "echo: root");
    await emit("talk", { channel: "C0THREAD", text: "in the thread", thread_ts: root });
    const call = await posted(world, "C0THREAD", "echo: in the thread");
    expect(call.body).toMatchObject({ thread_ts: root });
    const [first] = slackCalls(world, "chat.postMessage", "C0THREAD");
    expect(first?.body).not.toHaveProperty("thread_ts");
  });

  test("a direct message is answered", async () => {
    await emit("talk", { channel: "D0DIRECT", text: "in private" });
    await posted(world, "D0DIRECT", "echo: in private");
  });

  test("a long answer is split at Slack's limit, in order, and nothing is lost", async () => {
    const words = Array.from({ length: 1500 }, (_, index) => `word${index}`).join(" ");
    await send("talk", { to: "C0LONG", text: words });
    const texts = await until("all parts", () => {
      const parts = postedTexts(world, "C0LONG");
      return parts.join(" ").includes("word1499") ? parts : undefined;
    });
    expect(texts.length).toBeGreaterThan(1);
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThanOrEqual(4000);
    expect(texts.join(" ").split(/\s+/)).toEqual(words.split(" "));
  });

  test("Markdown becomes mrkdwn, and what looks like markup is escaped", async () => {
    await send("talk", { to: "C0MARK", text: "**bold** [link](https://a.example) <b> & ~~gone~~" });
    const text = await until("posted", () => postedTexts(world, "C0MARK")[0]);
    expect(text).toBe("*bold* <https://a.example|link> &lt;b&gt; &amp; ~gone~");
  });
});

describe("changes", () => {
  test("edit and delete are stored and not answered; a link that unfolds is no edit", async () => {
    const ts = await emit("talk", { channel: "C0EDIT", text: "first" });
    await posted(world, "C0EDIT", "echo: first");
    await emit("talk", { channel: "C0EDIT", edit: { ts } });
    await emit("talk", { channel: "C0EDIT", edit: { ts, text: "second" } });
    await emit("talk", { channel: "C0EDIT", delete: ts });
    const edit = await found((item) => item.kind === "edit" && item.target_id === ts);
    expect(edit.content.text).toBe("second");
    await found((item) => item.kind === "delete" && item.target_id === ts);
    await moment();
    expect(postedTexts(world, "C0EDIT")).toEqual(["echo: first"]);
    const edits = (await acme().history()).filter((item) => item.target_id === ts);
    expect(edits.map(({ kind }) => kind).sort()).toEqual(["delete", "edit"]);
  });

  test("with editTurns an edit is answered", async () => {
    const ts = await emit("edits", { channel: "C0AGAIN", text: "first" });
    await posted(world, "C0AGAIN", "echo: first");
    await emit("edits", { channel: "C0AGAIN", edit: { ts, text: "second" } });
    await posted(world, "C0AGAIN", "echo: second");
  });

  test("a reaction is stored each time it is toggled", async () => {
    const ts = await emit("talk", { channel: "C0REACT", text: "react" });
    await posted(world, "C0REACT", "echo: react");
    for (const remove of [false, true, false]) {
      await emit("talk", { channel: "C0REACT", reaction: { ts, name: "thumbsup", remove } });
    }
    await until("three reactions", async () => {
      const items = await acme().history("&connection=talk");
      const about = items.filter((item) => item.kind === "reaction" && item.target_id === ts);
      return about.length === 3 ? about : undefined;
    });
    expect(postedTexts(world, "C0REACT")).toEqual(["echo: react"]);
  });
});

describe("gestures", () => {
  test("a slash command is answered through its response_url", async () => {
    await emit("gestures", { channel: "C0CMD", command: "/hub", text: "status please" });
    const call = await until("an answer at the response_url", () =>
      world.slack.calls().find(({ path }) => path.startsWith("/commands/TGESTURES/")),
    );
    expect(JSON.stringify(call.body)).toContain("status please");
    expect(postedTexts(world, "C0CMD")).toEqual([]);
    const item = await found(({ kind }) => kind === "command");
    expect(item.content.metadata.command).toMatchObject({ name: "/hub", text: "status please" });
    expect(JSON.stringify(await acme().history())).not.toContain("/commands/TGESTURES/");
  });

  test("a card goes out with buttons, and a click on one is answered", async () => {
    const id = await send("gestures", {
      to: "C0CARD",
      content: {
        type: "card",
        text: "Shall I **book** it?",
        buttons: [
          { id: "yes", label: "Yes" },
          { id: "no", label: "No" },
        ],
      },
    });
    const call = await until("the card", () => slackCalls(world, "chat.postMessage", "C0CARD")[0]);
    expect(JSON.stringify((call.body as { blocks: unknown }).blocks)).toContain(
      '"action_id":"yes"',
    );
    const { platform_id: ts } = await sent(id);
    await emit("gestures", {
      channel: "C0CARD",
      action: { action_id: "yes", value: "yes", message_ts: ts },
    });
    const click = await found(({ kind }) => kind === "interaction");
    expect(click.target_id).toBe(ts);
    expect(click.content.metadata.interaction).toMatchObject({ id: "yes", action: "click" });
    const answer = await until("an answer at the response_url", () =>
      world.slack.calls().find(({ path }) => path.startsWith("/actions/TGESTURES/")),
    );
    expect(JSON.stringify(answer.body)).toContain("echo: ");
  });

  test("a reaction goes out and is taken back", async () => {
    const ts = await emit("gestures", { channel: "C0OUT", text: "like me" });
    await posted(world, "C0OUT", "echo: like me");
    const reaction = { type: "reaction", target: ts, emoji: "👍" };
    await send("gestures", { to: "C0OUT", content: reaction });
    await send("gestures", { to: "C0OUT", content: { ...reaction, remove: true } });
    const removed = await until("removed", () => slackCalls(world, "reactions.remove")[0]);
    const [added] = slackCalls(world, "reactions.add");
    expect(added?.body).toMatchObject({ channel: "C0OUT", timestamp: ts });
    expect(removed.body).toMatchObject({ timestamp: ts });
  });

  test("a sent message is edited and deleted", async () => {
    const id = await send("gestures", { to: "C0FIX", text: "tpyo" });
    const { platform_id: target } = await sent(id);
    await send("gestures", { to: "C0FIX", content: { type: "edit", target, text: "typo" } });
    await send("gestures", { to: "C0FIX", content: { type: "delete", target } });
    const gone = await until("deleted", () => slackCalls(world, "chat.delete")[0]);
    expect(gone.body).toMatchObject({ channel: "C0FIX", ts: target });
    expect(slackCalls(world, "chat.update")[0]?.body).toMatchObject({ ts: target, text: "typo" });
  });
});

describe("limits and refusals", () => {
  test("429 with Retry-After is waited for, and the messages keep their order", async () => {
    world.slack.fault({ next: 1, kind: "status", status: 429, retryAfter: 1, path: "postMessage" });
    const startMs = Date.now();
    await send("limits", { to: "C0BUSY", text: "one" });
    await send("limits", { to: "C0BUSY", text: "two" });
    await until("both posted", () => {
      const done = slackCalls(world, "chat.postMessage", "C0BUSY").filter(({ fault }) => !fault);
      return done.length === 2 ? done : undefined;
    });
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(1000);
    expect(postedTexts(world, "C0BUSY")).toEqual(["one", "one", "two"]);
  });

  test("a channel the bot is not in fails for good, with Slack's word for it", async () => {
    await world.side(world.urls.slack, "channels", {
      channel: "C0CLOSED",
      error: "not_in_channel",
    });
    const id = await send("limits", { to: "C0CLOSED", text: "let me in" });
    const dead = await until("dead letter", async () =>
      (await acme().items("/dead-letters")).find(({ message }) => message === id),
    );
    expect(JSON.stringify(dead)).toContain("not_in_channel");
    expect(slackCalls(world, "chat.postMessage", "C0CLOSED")).toHaveLength(1);
  });

  test("an answer lost after the post is found in the history, not posted again", async () => {
    world.slack.fault({ next: 1, kind: "reset-after", path: "chat.postMessage" });
    const id = await send("limits", { to: "C0LOST", text: "once" });
    await sent(id, 15_000);
    expect(postedTexts(world, "C0LOST")).toHaveLength(1);
  });
});

async function emit(id: string, what: Record<string, unknown>): Promise<string> {
  const answer = await world.slack.emit({ team: teamOf(id), wait: true, ...what });
  return String(answer.ts);
}

async function send(connection: string, body: Record<string, unknown>): Promise<string> {
  const answer = await acme().post("/messages/send", { connection, ...body });
  expect(answer).toMatchObject({ status: 202 });
  return String(answer.body.id);
}

function sent(id: string, timeoutMs?: number): Promise<MessageItem> {
  return until(
    `${id} sent`,
    async () => {
      const { body, status } = await acme().get(`/messages/${id}`);
      return status === 200 && body.status === "sent"
        ? (body as unknown as MessageItem)
        : undefined;
    },
    timeoutMs,
  );
}

function found(wanted: (item: MessageItem) => boolean): Promise<MessageItem> {
  return until("stored message", async () =>
    (await acme().history("&direction=inbound")).find(wanted),
  );
}
