/**
 * The Gateway object in workerd: real storage, alarms and WebSockets; Discord's side is a scripted server behind
 * `fetch`, the hub's side a fake in place of the service binding.
 */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DiscordGateway } from "../../durable-objects/discord-gateway.ts";
import type { GatewayHub } from "../../platform/gateway-port.ts";

const NAMESPACE = (env as unknown as Env).DISCORD_GATEWAY;
const TOKEN = "very-secret-token";

type Frame = { op: number; d: Record<string, unknown> };

/** Discord's side: what the bot said, and the socket to speak back on. */
interface Server {
  readonly said: Frame[];
  readonly urls: string[];
  /** Pages of messages for the REST API, by channel. */
  readonly missed: Map<string, { id: string; channel_id: string }[]>;
  socket: WebSocket | undefined;
  send(frame: object): void;
}

let server: Server;
let taken: string[];
let hubRefuses: number;

beforeEach(() => {
  taken = [];
  hubRefuses = 0;
  server = {
    said: [],
    urls: [],
    missed: new Map(),
    socket: undefined,
    send: (frame) => server.socket?.send(JSON.stringify(frame)),
  };
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = String(input);
    server.urls.push(url);
    if (url.includes("/api/v10/gateway/bot")) {
      const limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 };
      return Response.json({ url: "wss://gateway.test", session_start_limit: limit });
    }
    const channel = /channels\/(\d+)\/messages/.exec(url)?.[1];
    if (channel !== undefined) return Response.json(server.missed.get(channel) ?? []);
    const upgrade = new Headers(init?.headers as HeadersInit).get("upgrade");
    if (upgrade !== "websocket") return new Response("?", { status: 400 });
    return welcome();
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** Accepts a socket and greets as the Gateway does. */
function welcome(): Response {
  const { 0: client, 1: own } = new WebSocketPair();
  own.accept();
  own.addEventListener("message", ({ data }) => {
    const frame = JSON.parse(String(data)) as Frame;
    server.said.push(frame);
    if (frame.op === 1) own.send('{"op":11}');
    if (frame.op === 2) own.send(JSON.stringify(readyFrame()));
    if (frame.op === 6) own.send('{"op":0,"t":"RESUMED","s":90,"d":{}}');
  });
  server.socket = own;
  own.send(JSON.stringify({ op: 10, d: { heartbeat_interval: 40_000 } }));
  return new Response(null, { status: 101, webSocket: client });
}

function readyFrame() {
  const session = {
    session_id: `sess-${server.said.length}`,
    resume_gateway_url: "wss://resume.test",
  };
  return { op: 0, t: "READY", s: 1, d: { ...session, user: { id: "7" } } };
}

const hub: GatewayHub = {
  gatewayBot: async (id) => (id === "gone" ? null : { token: TOKEN, applicationId: "7" }),
  gatewayFrames: async (_id, frames) => {
    if (hubRefuses > 0) {
      hubRefuses--;
      throw new Error("hub is down");
    }
    taken.push(...frames);
    return { accepted: frames.length };
  },
};

/** Runs inside the object, with the fake hub in place of the binding. */
function within<T>(name: string, work: (gateway: DiscordGateway) => Promise<T>): Promise<T> {
  return runInDurableObject(NAMESPACE.getByName(name), (bound: DiscordGateway) => {
    // What is bound loads the object behind it (`workers/loaded-objects.ts`).
    const gateway = (bound as unknown as { readonly object: DiscordGateway }).object;
    Object.defineProperty(gateway, "env", { value: { SELF: hub }, configurable: true });
    return work(gateway);
  });
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await what()).toBe(true), { timeout: 20_000, interval: 10 });
}

const bot = (connectionId: string, tenant = "acme") => ({ tenant, connectionId });
const linkOf = (gateway: DiscordGateway, id: string) =>
  gateway.status().then((all) => all.find((one) => one.connectionId === id)?.link);

function message(s: number, id = String(1000 + s)) {
  return { op: 0, t: "MESSAGE_CREATE", s, d: { id, channel_id: "20", guild_id: "30" } };
}

function storedText(name: string): Promise<string> {
  return runInDurableObject(NAMESPACE.getByName(name), (_, state) =>
    JSON.stringify([
      state.storage.sql.exec("SELECT * FROM bots").toArray(),
      [...state.storage.kv.list()],
    ]),
  );
}

async function connected(name: string, id = "d1") {
  await within(name, async (gateway) => {
    await gateway.ensure([bot(id)]);
    await until(async () => (await linkOf(gateway, id)) === "ready");
  });
}

describe("the Gateway object", () => {
  test("finds the Gateway, identifies, and hands frames over in order with their session", async () => {
    await within("gateway:hands", async (gateway) => {
      expect(await gateway.ensure([bot("d1")])).toEqual({ held: ["d1"], full: [] });
      await until(async () => (await linkOf(gateway, "d1")) === "ready");
      expect(server.urls.slice(0, 2)).toEqual([
        "https://discord.com/api/v10/gateway/bot",
        "https://gateway.test/?v=10&encoding=json",
      ]);
      expect(server.said[0]).toMatchObject({ op: 2, d: { token: TOKEN } });
      for (const s of [2, 3, 4]) server.send(message(s));
      await until(() => taken.length === 3);
      expect(taken.map((text) => JSON.parse(text))).toMatchObject([
        { ...message(2), session: "sess-1" },
        { ...message(3), session: "sess-1" },
        { ...message(4), session: "sess-1" },
      ]);
    });
  });

  test("stores sessions and marks, never the token or a message", async () => {
    await connected("gateway:sealed");
    await within("gateway:sealed", async () => {
      server.send({ ...message(2), d: { ...message(2).d, content: "private words" } });
      await until(() => taken.length === 1);
    });
    const text = await storedText("gateway:sealed");
    expect(text).toContain("sess-1");
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain("private words");
  });

  /** `evictDurableObject` waits for open sockets and timers, so a new instance over the same storage stands in. */
  test("comes back after its memory is lost, by its alarm, resuming behind what was accepted", async () => {
    const name = "gateway:evicted";
    await connected(name);
    await within(name, async () => {
      for (let s = 2; s <= 60; s++) server.send(message(s));
      await until(() => taken.length === 59);
    });
    server.said.length = 0;
    await runInDurableObject(NAMESPACE.getByName(name), async (_, state) => {
      const again = new DiscordGateway(state, { ...(env as unknown as Env), SELF: hub });
      await again.alarm();
      await until(async () => (await linkOf(again, "d1")) === "ready");
    });
    const resume = server.said.find(({ op }) => op === 6);
    expect(resume?.d).toMatchObject({ session_id: "sess-1", token: TOKEN });
    const seq = Number(resume?.d.seq);
    expect(seq).toBeGreaterThanOrEqual(51);
    expect(seq).toBeLessThanOrEqual(60);
    expect(server.urls.at(-1)).toBe("https://resume.test/?v=10&encoding=json");
  });

  test("loses nothing while the hub refuses", async () => {
    const name = "gateway:refused";
    await connected(name);
    await within(name, async (gateway) => {
      hubRefuses = 1;
      server.send(message(2));
      server.send(message(3));
      await until(() => hubRefuses === 0);
      expect((await gateway.status())[0]).toMatchObject({ acceptedSeq: 1 });
      await until(() => taken.length === 2);
      expect(taken.map((text) => JSON.parse(text).s)).toEqual([2, 3]);
      await until(async () => (await gateway.status())[0]?.acceptedSeq === 3);
    });
  });

  test("fetches what was missed, oldest first and with its guild, when the session is lost", async () => {
    const name = "gateway:missed";
    await connected(name);
    await within(name, async () => {
      server.send(message(2));
      await until(() => taken.length === 1);
      server.missed.set("20", [
        { id: "1010", channel_id: "20" },
        { id: "1009", channel_id: "20" },
      ]);
      server.send({ op: 9, d: false });
      await until(() => taken.length === 3);
      expect(taken.slice(1).map((text) => JSON.parse(text))).toEqual([
        {
          op: 0,
          t: "MESSAGE_CREATE",
          s: null,
          d: { id: "1009", channel_id: "20", guild_id: "30" },
        },
        {
          op: 0,
          t: "MESSAGE_CREATE",
          s: null,
          d: { id: "1010", channel_id: "20", guild_id: "30" },
        },
      ]);
      expect(
        server.urls.some((url) => url.includes("/channels/20/messages?limit=100&after=1002")),
      ).toBe(true);
    });
  }, 20_000);

  test("does not come back from a fatal close code until it is dropped and ensured", async () => {
    const name = "gateway:fatal";
    await connected(name);
    await within(name, async (gateway) => {
      server.socket?.close(4004, "");
      await until(async () => (await linkOf(gateway, "d1")) === "fatal");
      const sockets = server.urls.length;
      await gateway.ensure([bot("d1")]);
      await gateway.alarm();
      expect(server.urls).toHaveLength(sockets);
      expect((await gateway.status())[0]).toMatchObject({ link: "fatal", code: 4004 });
      await gateway.drop("d1");
      expect(await gateway.status()).toEqual([]);
      await gateway.ensure([bot("d1")]);
      await until(async () => (await linkOf(gateway, "d1")) === "ready");
    });
  });

  test("packs many bots, each with a socket and a row of its own, up to its limit", async () => {
    await within("gateway:many", async (gateway) => {
      const bots = Array.from({ length: 52 }, (_, n) => bot(`d${n}`, n % 2 ? "acme" : "globex"));
      const { held, full } = await gateway.ensure(bots);
      expect([held.length, full]).toEqual([50, ["d50", "d51"]]);
      await until(async () => {
        const all = await gateway.status();
        return all.length === 50 && all.every(({ link }) => link === "ready");
      });
      const all = await gateway.status();
      expect(new Set(all.map(({ tenant }) => tenant))).toEqual(new Set(["acme", "globex"]));
      for (const { connectionId } of all) await gateway.drop(connectionId);
    });
  });

  test("forgets a bot whose connection is gone, and sleeps when it holds none", async () => {
    const name = "gateway:gone";
    await within(name, async (gateway) => {
      await gateway.ensure([bot("gone")]);
      await until(async () => (await gateway.status()).length === 0);
      await gateway.alarm();
    });
    await runDurableObjectAlarm(NAMESPACE.getByName(name));
    const alarm = await runInDurableObject(NAMESPACE.getByName(name), (_, state) =>
      state.storage.getAlarm(),
    );
    expect(alarm).toBeNull();
  });

  test("wakes itself within 30 seconds while it holds a bot", async () => {
    const name = "gateway:watched";
    await connected(name);
    const atMs = await runInDurableObject(NAMESPACE.getByName(name), (_, state) =>
      state.storage.getAlarm(),
    );
    expect((atMs ?? 0) - Date.now()).toBeGreaterThan(0);
    expect((atMs ?? 0) - Date.now()).toBeLessThanOrEqual(30_000);
  });
});
