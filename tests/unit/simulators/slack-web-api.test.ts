/** The real Web API client against the simulated Slack. */
import { LogLevel, WebClient } from "@slack/web-api";
import { afterEach, describe, expect, test } from "vitest";
import {
  type SlackOptions,
  type SlackSimulator,
  startSlack,
} from "../../../simulators/slack/simulator.ts";

let slack: SlackSimulator;
let client: WebClient;

const start = async (options: SlackOptions = {}, retries = 1): Promise<void> => {
  slack = await startSlack({
    accounts: [{ team: "T1", tenant: "acme", botToken: "xoxb-1", botUserId: "U_BOT", appId: "A1" }],
    ...options,
  });
  client = newClient("xoxb-1", retries);
};
const newClient = (token: string, retries = 1) =>
  new WebClient(token, {
    slackApiUrl: `${slack.url}/api/`,
    logLevel: LogLevel.ERROR,
    retryConfig: { retries, minTimeout: 1, maxTimeout: 5 },
  });
const side = (path: string, body: unknown, method = "POST") =>
  fetch(`${slack.url}/_sim/${path}`, { method, body: JSON.stringify(body) });
const errorOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: { data?: { error?: string } }) => error.data?.error,
  );

afterEach(() => slack.stop());

describe("messages", () => {
  test("a post is stored with its metadata and found in history and replies", async () => {
    await start();
    const metadata = { event_type: "hub_message", event_payload: { id: "m1" } };
    const posted = await client.chat.postMessage({ channel: "C1", text: "hello", metadata });
    expect(posted).toMatchObject({
      ok: true,
      channel: "C1",
      message: { bot_id: "B0BOT", text: "hello" },
    });
    await client.chat.postMessage({ channel: "C1", text: "reply", thread_ts: posted.ts ?? "" });
    const plain = await client.conversations.history({ channel: "C1" });
    expect(plain.messages?.map(({ text }) => text)).toEqual(["reply", "hello"]);
    expect(plain.messages?.[1]?.metadata).toBeUndefined();
    const all = await client.conversations.history({
      channel: "C1",
      include_all_metadata: true,
      oldest: posted.ts ?? "",
      inclusive: true,
    });
    expect(all.messages?.[1]?.metadata).toEqual(metadata);
    const thread = await client.conversations.replies({ channel: "C1", ts: posted.ts ?? "" });
    expect(thread.messages?.map(({ text }) => text)).toEqual(["hello", "reply"]);
  });

  test("history pages by cursor", async () => {
    await start();
    for (const text of ["1", "2", "3"]) await client.chat.postMessage({ channel: "C1", text });
    const texts: (string | undefined)[] = [];
    for await (const page of client.paginate("conversations.history", {
      channel: "C1",
      limit: 2,
    })) {
      texts.push(
        ...(page as unknown as { messages: { text: string }[] }).messages.map(({ text }) => text),
      );
    }
    expect(texts).toEqual(["3", "2", "1"]);
  });

  test("edits, deletes and reactions work on own messages only", async () => {
    await start();
    const { ts = "" } = await client.chat.postMessage({ channel: "C1", text: "a" });
    await client.chat.update({ channel: "C1", ts, text: "b" });
    await client.reactions.add({ channel: "C1", timestamp: ts, name: "eyes" });
    expect(
      await errorOf(client.reactions.add({ channel: "C1", timestamp: ts, name: "eyes" })),
    ).toBe("already_reacted");
    const seen = await client.conversations.history({ channel: "C1" });
    expect(seen.messages?.[0]).toMatchObject({
      text: "b",
      reactions: [{ name: "eyes", count: 1 }],
    });
    await client.reactions.remove({ channel: "C1", timestamp: ts, name: "eyes" });
    const { ts: foreign } = await slack.emit({ team: "T1", channel: "C1", user: "U1", text: "x" });
    expect(await errorOf(client.chat.delete({ channel: "C1", ts: String(foreign) }))).toBe(
      "cant_delete_message",
    );
    await client.chat.delete({ channel: "C1", ts });
    expect(await errorOf(client.chat.update({ channel: "C1", ts, text: "c" }))).toBe(
      "message_not_found",
    );
  });

  test("a user's id opens the direct conversation", async () => {
    await start();
    const opened = await client.conversations.open({ users: "U77" });
    expect(opened.channel?.id).toBe("D77");
    expect((await client.chat.postMessage({ channel: "U77", text: "hi" })).channel).toBe("D77");
  });
});

describe("failures", () => {
  test("are HTTP 200 with ok false", async () => {
    await start();
    await side("channels", { channel: "C_OUT", error: "not_in_channel" });
    expect(await errorOf(client.chat.postMessage({ channel: "C_OUT", text: "x" }))).toBe(
      "not_in_channel",
    );
    expect(await errorOf(client.chat.postMessage({ channel: "C1", text: "" }))).toBe("no_text");
    expect(
      await errorOf(client.chat.postMessage({ channel: "C1", text: "x".repeat(40_001) })),
    ).toBe("msg_too_long");
    expect(await errorOf(newClient("nope").auth.test())).toBe("invalid_auth");
    expect(await errorOf(client.apiCall("chat.nothing"))).toBe("unknown_method");
    const raw = await fetch(`${slack.url}/api/auth.test`, { method: "POST" });
    expect([raw.status, await raw.json()]).toEqual([200, { ok: false, error: "not_authed" }]);
  });

  test("one post a second and channel: the client waits for Retry-After and gets through", async () => {
    await start({ rateLimit: true }, 2);
    await client.chat.postMessage({ channel: "C1", text: "1" });
    await client.chat.postMessage({ channel: "C2", text: "other channel" });
    const before = Date.now();
    await client.chat.postMessage({ channel: "C1", text: "2" });
    expect(Date.now() - before).toBeGreaterThan(900);
    expect(slack.calls().filter(({ path }) => path.endsWith("postMessage"))).toHaveLength(4);
  });

  test("planned faults: a reset and a 503 are retried, a reset after the work leaves the message", async () => {
    await start({}, 3);
    await side("faults", { next: 1, kind: "reset" });
    await side("faults", { next: 1, kind: "status", status: 503 });
    await client.chat.postMessage({ channel: "C1", text: "once" });
    expect(slack.calls().map(({ fault }) => fault)).toEqual(["reset", "status", undefined]);
    await side("faults", { next: 1, kind: "reset-after" });
    await client.chat.postMessage({ channel: "C1", text: "twice" });
    const seen = await client.conversations.history({ channel: "C1" });
    expect(seen.messages?.map(({ text }) => text)).toEqual(["twice", "twice", "once"]);
  });
});

describe("files", () => {
  test("uploadV2 takes its three steps and the file downloads only with the token", async () => {
    await start();
    const uploaded = await client.filesUploadV2({
      channel_id: "C1",
      filename: "a.txt",
      file: Buffer.from("content"),
      initial_comment: "see",
    });
    expect(uploaded.ok).toBe(true);
    const seen = await client.conversations.history({ channel: "C1" });
    const [message] = seen.messages ?? [];
    expect(message).toMatchObject({ subtype: "file_share", text: "see" });
    const url = message?.files?.[0]?.url_private_download ?? "";
    const good = await fetch(url, { headers: { authorization: "Bearer xoxb-1" } });
    expect(await good.text()).toBe("content");
    const bad = await fetch(url, { headers: { authorization: "Bearer no" } });
    expect([bad.status, bad.headers.get("content-type")]).toEqual([
      200,
      "text/html; charset=utf-8",
    ]);
    expect(slack.calls().every(({ tenant }) => tenant === "acme")).toBe(true);
  });
});

describe("OAuth", () => {
  test("a code is exchanged once; refresh tokens rotate and work once", async () => {
    await start({
      accounts: [
        { team: "T1", clientId: "c", clientSecret: "s", refreshToken: "r0", botToken: "old" },
      ],
    });
    const { code } = (await (await side("code", { team: "T1" })).json()) as { code: string };
    const anonymous = new WebClient(undefined, { slackApiUrl: `${slack.url}/api/` });
    const client_id = "c";
    const client_secret = "s";
    const granted = await anonymous.oauth.v2.access({ client_id, client_secret, code });
    expect(granted).toMatchObject({ token_type: "bot", team: { id: "T1" }, expires_in: 43_200 });
    expect((await newClient(granted.access_token ?? "").auth.test()).team_id).toBe("T1");
    expect(await errorOf(anonymous.oauth.v2.access({ client_id, client_secret, code }))).toBe(
      "invalid_code",
    );
    const refresh = {
      client_id,
      client_secret,
      grant_type: "refresh_token",
      refresh_token: granted.refresh_token ?? "",
    };
    const next = (await anonymous.apiCall("oauth.v2.access", refresh)) as typeof granted;
    expect(next.refresh_token).not.toBe(granted.refresh_token);
    expect(await errorOf(anonymous.apiCall("oauth.v2.access", refresh))).toBe(
      "invalid_refresh_token",
    );
    await side("tokens", { team: "T1", error: "token_expired" });
    expect(await errorOf(newClient(next.access_token ?? "").auth.test())).toBe("token_expired");
  });

  test("consent redirects with code and state", async () => {
    await start();
    const query = new URLSearchParams({
      redirect_uri: "http://hub.test/cb",
      state: "st",
      team: "T1",
    });
    const response = await fetch(`${slack.url}/oauth/v2/authorize?${query}`, {
      redirect: "manual",
    });
    const target = new URL(response.headers.get("location") ?? "");
    expect([response.status, target.searchParams.get("state")]).toEqual([302, "st"]);
    expect(target.searchParams.get("code")).toMatch(/^code-/);
  });
});
