/** The adapter against the simulated Slack: it understands every request, and we everything it sends. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { slackAdapter } from "../../../../channels/slack/adapter.ts";
import { fileRequest, isLoginPage } from "../../../../channels/slack/file-download.ts";
import {
  exchangeRequest,
  identityRequest,
  readIdentity,
  readInstallation,
  readRefresh,
  refreshRequest,
} from "../../../../channels/slack/oauth.ts";
import type {
  OutboundMessage,
  OutboundRequest,
  StepResponse,
} from "../../../../schema/outbound.ts";
import type { ParsedMessage } from "../../../../schema/parsed.ts";
import { type SlackSimulator, startSlack } from "../../../../simulators/slack/simulator.ts";
import { bodyWebhook, CONNECTION, outbound, SECRET } from "./webhooks.ts";

const BYTES = new Uint8Array([1, 2, 3, 4]);
const APP = { clientId: "1.2", clientSecret: "client-secret" };

let simulator: SlackSimulator;
let receiver: Server;
let received: { headers: Record<string, string>; body: Uint8Array<ArrayBuffer> }[] = [];
let connection = CONNECTION;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = request.headers as Record<string, string>;
      received.push({ headers, body: new Uint8Array(Buffer.concat(chunks)) });
      response.end();
    });
  });
  await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
  const { port } = receiver.address() as AddressInfo;
  const account = {
    team: "T0ACME",
    appId: "A0HUB",
    botUserId: "U0BOT",
    botId: "B0HUB",
    botToken: "xoxb-test",
    refreshToken: "xoxe-first",
    signingSecret: SECRET,
    eventsUrl: `http://127.0.0.1:${port}/`,
    ...APP,
  };
  simulator = await startSlack({ accounts: [account] });
  connection = { ...CONNECTION, baseUrl: simulator.url };
});

afterAll(async () => {
  await simulator.stop();
  await new Promise((closed) => receiver.close(closed));
});

beforeEach(() => {
  received = [];
});

async function call(request: OutboundRequest) {
  const { body } = request;
  const form = "application/x-www-form-urlencoded";
  const [content, type] =
    body.as === "json"
      ? [JSON.stringify(body.json), undefined]
      : body.as === "form"
        ? [new URLSearchParams(body.fields).toString(), form]
        : body.as === "media"
          ? [BYTES, body.contentType]
          : [undefined, undefined];
  const response = await fetch(request.url, {
    method: request.method,
    headers: { ...request.headers, ...(type === undefined ? {} : { "content-type": type }) },
    ...(content === undefined ? {} : { body: content }),
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** Sends a message to its end; the steps with what the platform answered. */
async function send(message: OutboundMessage): Promise<StepResponse[]> {
  const steps: StepResponse[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const next = slackAdapter.next(message, connection, steps);
    if (next === "done") {
      return steps;
    }
    if ("refused" in next) {
      throw new Error(next.refused);
    }
    const answer = await call(next);
    const outcome = slackAdapter.readResponse(next, answer.status, answer.headers, answer.body);
    if (outcome.outcome !== "delivered") {
      throw new Error(`${next.step}: ${outcome.outcome} ${outcome.reason}`);
    }
    steps.push({ step: next.step, ...outcome });
  }
  throw new Error("no end");
}

/** What one gesture of a person becomes, signature checked. */
async function happens(gesture: Record<string, unknown>): Promise<readonly ParsedMessage[]> {
  received = [];
  await simulator.emit({
    team: "T0ACME",
    channel: "C0GENERAL",
    user: "U0ANA",
    wait: true,
    ...gesture,
  });
  const messages: ParsedMessage[] = [];
  for (const { headers, body } of received) {
    const raw = bodyWebhook(body, headers["content-type"] ?? "", headers);
    const nowMs = Date.now();
    expect(await slackAdapter.verify(raw, connection, nowMs)).toEqual({
      ok: true,
      value: undefined,
    });
    const parsed = slackAdapter.parse(raw, { connection, nowMs });
    if (!parsed.ok) {
      throw new Error(parsed.failure.detail);
    }
    messages.push(...parsed.value.messages);
  }
  return messages;
}

describe("sending", () => {
  it("posts, edits, reacts to and deletes a message", async () => {
    const [posted] = await send(outbound({ type: "text", text: "**hi**" }));
    const target = posted?.platformId ?? "";
    expect(target).toMatch(/^\d+\.\d+$/);
    await send(outbound({ type: "edit", target, text: "there" }));
    await send(outbound({ type: "reaction", target, emoji: "👍" }));
    await send(outbound({ type: "reaction", target, emoji: "👍" }));
    await send(outbound({ type: "reaction", target, emoji: "👍", remove: true }));
    await send(outbound({ type: "delete", target }));
    await send(outbound({ type: "delete", target }));
  });

  it("uploads a file into a thread", async () => {
    const [root] = await send(outbound({ type: "text", text: "root" }));
    const steps = await send(
      outbound(
        {
          type: "media",
          text: "the scan",
          media: [
            {
              kind: "image",
              source: { from: "stored", key: "k" },
              mime_type: "image/png",
              file_name: "a.png",
              size_bytes: BYTES.length,
            },
          ],
        },
        { conversationKey: `T0ACME:C0GENERAL:${root?.platformId}` },
      ),
    );
    expect(steps.map(({ step }) => step)).toEqual(["upload_url:0", "upload:0", "complete"]);
  });

  it("sends a card, and finds it and every part of a long text again", async () => {
    const buttons = [{ id: "yes", label: "Yes" }];
    const card = outbound(
      { type: "card", text: "Sure?", buttons },
      { id: "msg_card", createdAtMs: Date.now() },
    );
    const text = Array.from({ length: 1200 }, (_unused, i) => `word${i}`).join(" ");
    const long = outbound({ type: "text", text }, { id: "msg_long", createdAtMs: Date.now() });
    for (const message of [card, long]) {
      const steps = await send(message);
      const found = await lookUp(message);
      expect(found).toEqual({ found: "yes", platformId: steps.at(-1)?.platformId });
    }
    const never = outbound(
      { type: "text", text: "x" },
      { id: "msg_never", createdAtMs: Date.now() },
    );
    expect(await lookUp(never)).toEqual({ found: "no" });
  });

  async function lookUp(message: OutboundMessage) {
    const request = slackAdapter.reconciliation?.request(message, connection);
    const answer = await call(request as OutboundRequest);
    return slackAdapter.reconciliation?.read(message, answer.status, answer.body);
  }
});

describe("receiving", () => {
  it("reads what people do", async () => {
    const [written, mentioned] = await happens({ text: "hello <@U0BOT>" });
    expect(written).toMatchObject({ kind: "message", content: { text: "hello @U0BOT" } });
    expect(mentioned?.eventKey).toBe(written?.eventKey);
    const ts = written?.platformId;
    expect(await happens({ edit: { ts } })).toEqual([]);
    const [edited] = await happens({ edit: { ts, text: "hello again" } });
    expect(edited).toMatchObject({ kind: "edit", targetId: ts, content: { text: "hello again" } });
    const [unfurled] = await happens({ edit: { ts } });
    expect(unfurled?.eventKey ?? edited?.eventKey).toBe(edited?.eventKey);
    const [reacted] = await happens({ reaction: { ts, name: "heart" } });
    expect(reacted).toMatchObject({ kind: "reaction", targetId: ts });
    const [pressed] = await happens({ action: { action_id: "yes", value: "1", message_ts: ts } });
    expect(pressed).toMatchObject({ kind: "interaction", targetId: ts });
    const [deleted] = await happens({ delete: ts });
    expect(deleted).toMatchObject({ kind: "delete", targetId: ts });
  });

  it("can fetch a file a person sent, with the bot token only", async () => {
    const [sent] = await happens({ text: "a scan", files: ["image"] });
    const source = sent?.content.media[0]?.source;
    const url = source?.from === "url" ? source.url : "";
    const request = fileRequest(url, connection) as OutboundRequest;
    const file = await call(request);
    expect([file.status, isLoginPage(file.headers.get("content-type"), "image/png")]).toEqual([
      200,
      false,
    ]);
    const page = await call({ ...request, headers: {} });
    expect(isLoginPage(page.headers.get("content-type"), "image/png")).toBe(true);
  });

  it("answers a command through its response_url, then through the channel", async () => {
    const [command] = await happens({ command: "/order", text: "7" });
    expect(command).toMatchObject({ kind: "command", content: { text: "7" } });
    const responder = command?.responder;
    expect(responder?.via).toBe("slack_response_url");
    if (responder === undefined) {
      return;
    }
    const conversationKey = command?.conversationKey ?? "";
    const reply = outbound({ type: "text", text: "ok" }, { responder, conversationKey });
    for (let use = 0; use < 5; use++) {
      expect((await send(reply)).map(({ step }) => step)).toEqual(["respond:0"]);
    }
    expect((await send(reply)).map(({ step }) => step)).toEqual(["respond:0", "part:0"]);
  });
});

describe("installing", () => {
  it("exchanges a code, learns the bot's ids and rotates the token", async () => {
    const app = { ...APP, baseUrl: simulator.url };
    const door = await fetch(`${simulator.url}/_sim/code`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ team: "T0ACME" }),
    });
    const { code } = (await door.json()) as { code: string };
    const granted = await call(exchangeRequest(app, code, "https://hub.test/cb"));
    const install = readInstallation(granted.status, granted.body, Date.now());
    expect(install).toMatchObject({ ok: true, value: { teamId: "T0ACME", appId: "A0HUB" } });
    const tokens = install.ok ? install.value : undefined;
    const who = await call(identityRequest(tokens?.botToken ?? "", simulator.url));
    expect(readIdentity(who.status, who.body)).toEqual({
      ok: true,
      value: { teamId: "T0ACME", botUserId: "U0BOT", botId: "B0HUB" },
    });
    const refresh = refreshRequest(app, tokens?.refreshToken ?? "");
    const fresh = await call(refresh);
    expect(readRefresh(fresh.status, fresh.body, Date.now())).toMatchObject({ ok: true });
    const again = await call(refresh);
    expect(readRefresh(again.status, again.body, Date.now())).toEqual({
      ok: false,
      failure: { reason: "denied", code: "invalid_refresh_token" },
    });
  });
});
