/** The real REST client against the simulated Discord. */
import { DiscordAPIError, RateLimitError, REST } from "@discordjs/rest";
import { verifyKey } from "discord-interactions";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type DiscordOptions,
  type DiscordSimulator,
  startDiscord,
} from "../../../simulators/discord/simulator.ts";
import { type Listener, listen } from "./listener.ts";

const CHANNEL = "800000000000000001";
const MESSAGES = `/channels/${CHANNEL}/messages` as const;
type Body = Record<string, unknown> & { id: string; content: string };

let hub: Listener;
let discord: DiscordSimulator;
let rest: REST;

const start = async (options: DiscordOptions = {}): Promise<void> => {
  discord = await startDiscord({
    timeScale: 0.001,
    accounts: [
      {
        applicationId: "700000000000000001",
        tenant: "acme",
        botToken: "tok",
        interactionsUrl: `${hub.url}/interactions`,
        eventsUrl: `${hub.url}/events`,
      },
    ],
    ...options,
  });
  rest = new REST({
    version: "10",
    api: `${discord.url}/api`,
    retries: 1,
    timeout: 2_000,
  }).setToken("tok");
};
const side = (path: string, body: unknown) =>
  fetch(`${discord.url}/_sim/${path}`, { method: "POST", body: JSON.stringify(body) });
const post = (body: unknown) => rest.post(MESSAGES, { body }) as Promise<Body>;
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (error instanceof DiscordAPIError ? error.code : String(error)),
  );

beforeEach(async () => {
  hub = await listen();
});
afterEach(async () => {
  await discord.stop();
  await hub.stop();
});

describe("messages", () => {
  test("an enforced nonce gives the first message again, a plain one does not", async () => {
    await start();
    const body = {
      content: "hi",
      nonce: "n1",
      enforce_nonce: true,
      allowed_mentions: { parse: [] },
    };
    const first = await post(body);
    expect((await post(body)).id).toBe(first.id);
    expect((await post({ content: "hi", nonce: "n1" })).id).not.toBe(first.id);
    expect((await rest.get(MESSAGES)) as Body[]).toHaveLength(2);
    expect(discord.calls()[0]).toMatchObject({
      tenant: "acme",
      path: `/api/v10${MESSAGES}`,
      body: { allowed_mentions: { parse: [] } },
    });
  });

  test("are listed after an id, edited, reacted to and deleted", async () => {
    await start();
    const ids: string[] = [];
    for (const content of ["1", "2", "3"]) ids.push((await post({ content })).id);
    const later = (await rest.get(MESSAGES, {
      query: new URLSearchParams({ after: ids[0] ?? "" }),
    })) as Body[];
    expect(later.map(({ content }) => content)).toEqual(["3", "2"]);
    await rest.patch(`${MESSAGES}/${ids[0]}`, { body: { content: "one" } });
    await rest.put(`${MESSAGES}/${ids[0]}/reactions/${encodeURIComponent("👍")}/@me`);
    expect(await rest.get(`${MESSAGES}/${ids[0]}`)).toMatchObject({
      content: "one",
      edited_timestamp: expect.any(String),
      reactions: [{ emoji: { name: "👍" }, me: true }],
    });
    await rest.delete(`${MESSAGES}/${ids[0]}`);
    expect(await codeOf(rest.get(`${MESSAGES}/${ids[0]}`))).toBe(10008);
  });

  test("files go as a form and come back under an expiring URL", async () => {
    await start();
    const message = (await rest.post(MESSAGES, {
      body: { content: "see" },
      files: [{ name: "a.txt", data: Buffer.from("content"), contentType: "text/plain" }],
    })) as Body & { attachments: { url: string }[] };
    expect(message.content).toBe("see");
    const url = message.attachments[0]?.url ?? "";
    expect(await (await fetch(url)).text()).toBe("content");
    expect((await fetch(url.replace(/ex=[0-9a-f]+/, "ex=1"))).status).toBe(404);
  });

  test("a person's direct channel is always the same", async () => {
    await start();
    const open = () =>
      rest.post("/users/@me/channels", { body: { recipient_id: "5" } }) as Promise<Body>;
    expect((await open()).id).toBe((await open()).id);
  });
});

describe("failures", () => {
  test("have Discord's codes", async () => {
    await start();
    expect(await codeOf(post({ content: "x".repeat(2001) }))).toBe(50035);
    expect(await codeOf(post({ content: "" }))).toBe(50006);
    expect(await codeOf(post({ content: "x", message_reference: { message_id: "1" } }))).toBe(
      50035,
    );
    await side("channels", { channel: CHANNEL, error: 50013 });
    expect(await codeOf(post({ content: "x" }))).toBe(50013);
    const wrong = new REST({ api: `${discord.url}/api` }).setToken("nope");
    expect(await codeOf(wrong.get("/users/@me"))).toBe(0);
  });

  test("a call without DiscordBot User-Agent is blocked before the API", async () => {
    await start();
    const response = await fetch(`${discord.url}/api/v10/gateway`);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      403,
      "text/html; charset=UTF-8",
    ]);
  });

  test("the sixth message in five seconds is refused with the time to wait", async () => {
    await start({ rateLimit: true });
    const impatient = { rejectOnRateLimit: () => true };
    rest = new REST({ api: `${discord.url}/api`, ...impatient }).setToken("tok");
    for (let n = 0; n < 5; n += 1) await post({ content: String(n) });
    await expect(post({ content: "6" })).rejects.toBeInstanceOf(RateLimitError);
    const raw = await fetch(`${discord.url}/api/v10${MESSAGES}`, {
      method: "POST",
      headers: { authorization: "Bot tok", "user-agent": "DiscordBot (test, 1)" },
      body: JSON.stringify({ content: "7" }),
    });
    expect(raw.status).toBe(429);
    expect(raw.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(await raw.json()).toMatchObject({ global: false, retry_after: expect.any(Number) });
  });

  test("a planned 429 is waited out by the client", async () => {
    await start();
    await side("faults", { next: 1, kind: "status", status: 429, retryAfter: 0.05 });
    expect((await post({ content: "through" })).content).toBe("through");
    expect(discord.calls().map(({ fault }) => fault)).toEqual(["status", undefined]);
  });
});

describe("over HTTP", () => {
  const verified = (index: number) => {
    const { headers, raw = "" } = hub.heard[index] ?? {};
    const signature = String(headers?.["x-signature-ed25519"]);
    const time = String(headers?.["x-signature-timestamp"]);
    return verifyKey(raw, signature, time, discord.publicKey("700000000000000001") ?? "");
  };

  test("commands, buttons and events are signed with the application's key, forged pings are not", async () => {
    await start();
    await discord.emit({ command: { name: "ask", options: [] }, channel: CHANNEL, wait: true });
    await discord.emit({ button: { custom_id: "yes" }, dm: true, user: "5", wait: true });
    await discord.emit({ event: { type: "APPLICATION_AUTHORIZED", data: {} }, wait: true });
    await discord.emit({ ping: "forged", wait: true });
    expect(await Promise.all([0, 1, 2, 3].map(verified))).toEqual([true, true, true, false]);
    expect(hub.heard[0]?.body).toMatchObject({
      type: 2,
      data: { name: "ask" },
      member: { user: {} },
    });
    expect(hub.heard[1]?.body).toMatchObject({
      type: 3,
      data: { custom_id: "yes" },
      user: { id: "5" },
    });
  });

  test("an interaction's original is made by PATCH and followed up without Authorization", async () => {
    await start();
    await discord.emit({ command: "ask", channel: CHANNEL, wait: true });
    const token = String(hub.heard[0]?.body.token);
    const path = `/webhooks/700000000000000001/${token}` as const;
    const anonymous = new REST({ api: `${discord.url}/api` });
    const edit = { body: { content: "answer" }, auth: false } as const;
    const early = anonymous.patch(`${path}/messages/@original`, edit);
    expect(await codeOf(early), "nothing was acknowledged yet").toBe(10015);
    const callback = `/interactions/${String(hub.heard[0]?.body.id)}/${token}/callback` as const;
    await anonymous.post(callback, { body: { type: 5 }, auth: false });
    await anonymous.patch(`${path}/messages/@original`, edit);
    await anonymous.post(path, { body: { content: "more" }, auth: false });
    const seen = (await rest.get(MESSAGES)) as Body[];
    expect(seen.map(({ content }) => content)).toEqual(["more", "answer"]);
    await anonymous.delete(`${path}/messages/@original`, { auth: false });
    expect(await codeOf(anonymous.get(`${path}/messages/@original`, { auth: false }))).toBe(10008);
  });
});

test("fifty calls a second are the bot's limit over all routes", async () => {
  await start({ rateLimit: true });
  const headers = { authorization: "Bot tok", "user-agent": "DiscordBot (test, 1)" };
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, n) =>
      fetch(`${discord.url}/api/v10/channels/${n}/typing`, { method: "POST", headers }),
    ),
  );
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(10);
  expect(refused[0]?.headers.get("x-ratelimit-global")).toBe("true");
  expect(await refused[0]?.json()).toMatchObject({ global: true });
});
