/**
 * Machine and driver together against the simulated Discord: a real HTTP server and WebSocket. The bot's clock runs
 * twenty times as fast, so that waits of seconds take none.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { discordAdapter } from "../../../../channels/discord/adapter.ts";
import type { SavedBot } from "../../../../domain/gateway/state.ts";
import type { GatewayPorts, SocketEvents } from "../../../../platform/gateway-port.ts";
import { GatewayClient } from "../../../../platform/gateway-socket.ts";
import type { ParsedMessage } from "../../../../schema/parsed.ts";
import { type DiscordSimulator, startDiscord } from "../../../../simulators/discord/simulator.ts";

const APPLICATION = "700000000000000001";
const SPEED = 20;

let discord: DiscordSimulator;
let client: GatewayClient;
let saved: SavedBot | undefined;
let taken: string[];
let refusals: number;

beforeEach(async () => {
  discord = await startDiscord({
    accounts: [{ applicationId: APPLICATION, botToken: "the-token" }],
    heartbeatMs: 10_000,
  });
  saved = undefined;
  taken = [];
  refusals = 0;
});

afterEach(async () => {
  client.stop();
  await discord.stop();
});

function openSocket(url: string, events: SocketEvents): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      events.opened({
        send: (text) => socket.send(text),
        close: (code) => socket.close(code),
      });
      resolve();
    });
    socket.addEventListener("message", ({ data }) => events.message(String(data)));
    socket.addEventListener("error", () => reject(new Error("no socket")));
    socket.addEventListener("close", ({ code }) => events.closed(code));
  });
}

function ports(): GatewayPorts {
  return {
    hub: {
      gatewayBot: async () => ({
        token: "the-token",
        applicationId: APPLICATION,
        url: discord.url,
      }),
      gatewayFrames: async (_id, frames) => {
        if (refusals-- > 0) throw new Error("hub is down");
        taken.push(...frames);
        return { accepted: frames.length };
      },
    },
    fetch: (url, init) => fetch(url, init),
    open: openSocket,
    save: (state) => {
      saved = structuredClone(state);
    },
    gone: () => {},
    nowMs: () => Date.now() * SPEED,
    random: () => 0.5,
    later: (ms, run) => {
      const timer = setTimeout(run, ms / SPEED);
      return () => clearTimeout(timer);
    },
  };
}

async function until(what: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(what()).toBe(true), { timeout: 20_000, interval: 10 });
}

async function start(from?: SavedBot): Promise<void> {
  client = new GatewayClient("d1", from, ports());
  client.tick();
  await until(() => client.status().link === "ready");
}

function say(text: string): Promise<unknown> {
  return discord.emit({ applicationId: APPLICATION, text });
}

/** What the adapter makes of the frames the hub got. */
function messages(): ParsedMessage[] {
  return taken.flatMap((frame) => {
    const raw = {
      method: "POST",
      suffix: "",
      header: () => null,
      body: new Uint8Array(Buffer.from(frame)),
    };
    const connection = {
      id: "d1",
      tenant: "acme",
      channel: "discord" as const,
      applicationId: APPLICATION,
      credentials: { publicKey: "" },
    };
    const reading = discordAdapter.parse(raw, { connection, nowMs: Date.now() });
    return reading.ok ? reading.value.messages : [];
  });
}

const texts = () => messages().map(({ content }) => content.text);
const counts = () => discord.gateway.state() as { identifies: number; resumes: number };

describe("a bot at the simulated Discord", () => {
  it("receives what people write, in order, and its heart keeps beating", async () => {
    await start();
    for (const text of ["one", "two", "three"]) await say(text);
    await until(() => taken.length === 3);
    expect(texts()).toEqual(["one", "two", "three"]);
    expect(messages().every(({ group }) => group)).toBe(true);
    await until(() => Number((discord.gateway.state() as { heartbeats: number }).heartbeats) > 1);
    expect(client.status().link).toBe("ready");
  });

  it("resumes after a broken socket and misses nothing said meanwhile", async () => {
    await start();
    await say("before");
    await until(() => taken.length === 1);
    discord.gateway.act("drop", {});
    await say("meanwhile");
    await until(() => taken.length === 2);
    expect(texts()).toEqual(["before", "meanwhile"]);
    expect(counts()).toMatchObject({ identifies: 1, resumes: 1 });
  });

  it("resumes when told to reconnect, and when its heartbeats go unanswered", async () => {
    await start();
    discord.gateway.act("reconnect", {});
    await until(() => counts().resumes === 1 && client.status().link === "ready");
    discord.gateway.act("zombie", {});
    await until(() => counts().resumes === 2);
    expect(counts().identifies).toBe(1);
  }, 15_000);

  it("fetches over REST what a lost session hid, and the adapter sees the same messages", async () => {
    await start();
    await say("known");
    await until(() => taken.length === 1);
    discord.gateway.act("invalid", {});
    await say("hidden one");
    await say("hidden two");
    await until(() => taken.length === 3);
    expect(texts()).toEqual(["known", "hidden one", "hidden two"]);
    expect(messages().map(({ group }) => group)).toEqual([true, true, true]);
    await until(() => client.status().gaps === 0);
    await say("live again");
    await until(() => taken.length === 4);
    expect(counts().identifies).toBe(2);
  });

  it("goes on after a restart from what was saved, without a new session", async () => {
    await start();
    await say("before");
    await until(() => taken.length === 1);
    client.stop();
    await say("while down");
    expect(saved?.session).toBeDefined();
    await start(saved);
    await until(() => texts().includes("while down"));
    const keys = messages().map(({ eventKey }) => eventKey);
    expect(new Set(keys).size).toBe(2);
    expect(counts()).toMatchObject({ identifies: 1, resumes: 1 });
  });

  it("loses nothing while the hub is down", async () => {
    await start();
    refusals = 3;
    for (const text of ["a", "b", "c"]) await say(text);
    await until(() => taken.length >= 3);
    expect([...new Set(messages().map(({ eventKey }) => eventKey))]).toHaveLength(3);
    expect(texts()).toEqual(["a", "b", "c"]);
  });

  it("tries again while the Gateway refuses connections", async () => {
    discord.gateway.act("refuse", { next: 2 });
    await start();
    expect(counts().identifies).toBe(1);
  });

  it("stops for good at a token that Discord does not take", async () => {
    await start();
    discord.gateway.act("close", { code: 4004 });
    await until(() => client.status().link === "fatal");
    expect(client.status().code).toBe(4004);
    expect(saved?.fatal).toBe(4004);
  });
});
