import { verifySlackRequest } from "@slack/bolt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type SlackSimulator, startSlack } from "../../../simulators/slack/simulator.ts";
import { type Listener, listen } from "./listener.ts";

let hub: Listener;
let slack: SlackSimulator;

beforeEach(async () => {
  hub = await listen();
  slack = await startSlack({
    timeScale: 0.0001,
    accounts: [
      {
        team: "T1",
        signingSecret: "shh",
        botToken: "xoxb-1",
        botUserId: "U_BOT",
        eventsUrl: `${hub.url}/hook`,
      },
    ],
  });
});
afterEach(async () => {
  await slack.stop();
  await hub.stop();
});

const say = (body: object) =>
  slack.emit({ team: "T1", channel: "C1", user: "U1", wait: true, ...body });
const event = (index: number) => hub.heard[index]?.body.event as Record<string, unknown>;
const form = (index: number) => new URLSearchParams(hub.heard[index]?.raw);

test("a message that names the bot comes twice with one ts and two event ids", async () => {
  const { ts } = await say({ text: "<@U_BOT> hi" });
  expect(hub.heard.map(({ body }) => (body.event as { type: string }).type).sort()).toEqual([
    "app_mention",
    "message",
  ]);
  expect([event(0).ts, event(1).ts]).toEqual([ts, ts]);
  expect(hub.heard[0]?.body.event_id).not.toBe(hub.heard[1]?.body.event_id);
  expect(hub.heard[0]?.body).toMatchObject({ team_id: "T1", type: "event_callback" });
});

test("repeated deliveries share their event id and are signed", async () => {
  await say({ text: "x", repeat: 3 });
  expect(new Set(hub.heard.map(({ body }) => body.event_id)).size).toBe(1);
  for (const { headers, raw } of hub.heard) {
    const signed = {
      "x-slack-signature": String(headers["x-slack-signature"]),
      "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]),
    };
    expect(() =>
      verifySlackRequest({ signingSecret: "shh", body: raw, headers: signed }),
    ).not.toThrow();
  }
  expect(hub.heard).toHaveLength(3);
});

test("edits, unfurls, deletes, reactions, threads and files have their own shapes", async () => {
  const { ts } = await say({ text: "a" });
  await say({ edit: { ts } });
  await say({ edit: { ts, text: "b" } });
  await say({ delete: ts });
  await say({ reaction: { ts, name: "eyes" } });
  await say({ text: "in thread", thread_ts: ts });
  await say({ text: "", files: ["image", { kind: "document", stub: true }] });
  expect(event(1)).toMatchObject({ subtype: "message_changed", message: { ts, text: "a" } });
  expect((event(1).message as { edited?: unknown }).edited).toBeUndefined();
  expect(event(2)).toMatchObject({
    message: { text: "b", edited: { user: "U1" } },
    previous_message: { text: "a" },
  });
  expect(event(3)).toMatchObject({ subtype: "message_deleted", deleted_ts: ts });
  expect(event(4)).toMatchObject({ type: "reaction_added", item: { channel: "C1", ts } });
  expect(event(5)).toMatchObject({ thread_ts: ts, parent_user_id: "U1" });
  expect(event(6)).toMatchObject({
    subtype: "file_share",
    files: [{ mimetype: "image/png" }, { file_access: "check_file_info" }],
  });
});

test("the bot's own posts come back marked as its own", async () => {
  await fetch(`${slack.url}/api/chat.postMessage`, {
    method: "POST",
    headers: { authorization: "Bearer xoxb-1" },
    body: new URLSearchParams({ channel: "C1", text: "mine" }),
  });
  await hub.until((heard) => heard.length === 1);
  expect(event(0)).toMatchObject({ user: "U_BOT", bot_id: "B0BOT", text: "mine" });
});

test("commands and buttons are forms; their response_url takes five messages", async () => {
  await say({ command: "/hub", text: "olá mundo" });
  expect(form(0).get("text")).toBe("olá mundo");
  await say({ action: { action_id: "ok", value: "1", message_ts: "1.000001" } });
  const payload = JSON.parse(form(1).get("payload") ?? "{}") as {
    actions: unknown[];
    type: string;
  };
  expect(payload).toMatchObject({
    type: "block_actions",
    actions: [{ action_id: "ok", value: "1" }],
  });
  const url = form(0).get("response_url") ?? "";
  const statuses: number[] = [];
  for (let use = 0; use < 6; use += 1) {
    const body = JSON.stringify({ text: "answer" });
    statuses.push((await fetch(url, { method: "POST", body })).status);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 404]);
});

test("an answer with X-Slack-No-Retry is final, url_verification carries a challenge", async () => {
  await say({ verify: true });
  expect(hub.heard[0]?.body).toMatchObject({ type: "url_verification" });
  hub.answers = [500, 500];
  await say({ text: "x" });
  hub.answers = [500, 500];
  hub.answerHeaders = { "x-slack-no-retry": "1" };
  await say({ text: "y" });
  expect(slack.deliveries().map(({ status }) => status)).toEqual([200, 500, 500, 200, 500]);
});
