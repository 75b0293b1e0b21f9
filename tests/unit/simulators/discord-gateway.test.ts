/** The real Gateway client, and a bare socket, against the simulated Gateway. */
import { REST } from "@discordjs/rest";
import { WebSocketManager, WebSocketShardEvents } from "@discordjs/ws";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type DiscordSimulator, startDiscord } from "../../../simulators/discord/simulator.ts";

const APP = "700000000000000001";
const CHANNEL = "800000000000000001";
/** GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT. */
const INTENTS = (1 << 0) | (1 << 9) | (1 << 12) | (1 << 15);

let discord: DiscordSimulator;
beforeEach(async () => {
  discord = await startDiscord({
    heartbeatMs: 60,
    accounts: [
      { applicationId: APP, botToken: "tok" },
      { applicationId: "700000000000000002", botToken: "plain", messageContent: false },
    ],
  });
});
afterEach(() => discord.stop());

const until = async (test: () => boolean): Promise<void> => {
  const deadline = Date.now() + 4_000;
  while (!test()) {
    if (Date.now() > deadline) throw new Error("not in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
const state = () =>
  discord.gateway.state() as {
    identifies: number;
    resumes: number;
    heartbeats: number;
    closes: number[];
    sessions: { connected: boolean; seq: number }[];
  };

describe("@discordjs/ws", () => {
  let manager: WebSocketManager;
  const texts: string[] = [];

  const connect = async (): Promise<void> => {
    texts.length = 0;
    const rest = new REST({ api: `${discord.url}/api` }).setToken("tok");
    manager = new WebSocketManager({
      token: "tok",
      intents: INTENTS,
      rest,
      compression: null,
      buildIdentifyThrottler: () => ({ waitForIdentify: () => Promise.resolve() }),
    });
    manager.on(WebSocketShardEvents.Error, () => undefined);
    manager.on(WebSocketShardEvents.Dispatch, (payload) => {
      if (payload.t === "MESSAGE_CREATE") texts.push(payload.d.content);
    });
    await manager.connect();
  };
  afterEach(() => manager.destroy());

  const say = (text: string) =>
    discord.emit({ applicationId: APP, channel: CHANNEL, user: "5", text });

  test("identifies, beats, hears people and its own bot's posts", async () => {
    await connect();
    await say("hello");
    await new REST({ api: `${discord.url}/api` })
      .setToken("tok")
      .post(`/channels/${CHANNEL}/messages`, { body: { content: "echo" } });
    await until(() => texts.length === 2 && state().heartbeats > 1);
    expect(texts).toEqual(["hello", "echo"]);
    expect(state()).toMatchObject({ identifies: 1, resumes: 0 });
  });

  test("after op 7 and after a dropped line it resumes and gets what it missed", async () => {
    await connect();
    await say("1");
    await until(() => texts.length === 1);
    discord.gateway.act("reconnect", {});
    await until(() => state().resumes === 1);
    discord.gateway.act("drop", {});
    await until(() => state().sessions.every(({ connected }) => !connected));
    await say("missed");
    await until(() => texts.length === 2 && state().resumes === 2);
    expect(texts).toEqual(["1", "missed"]);
    expect(state().identifies).toBe(1);
  });

  test("an invalid session leads to a new IDENTIFY", async () => {
    await connect();
    discord.gateway.act("invalid", { resumable: false });
    await until(() => state().identifies === 2);
    expect(state().sessions).toHaveLength(1);
  }, 10_000);

  test("a line that answers no heartbeat is given up and resumed", async () => {
    await connect();
    discord.gateway.act("zombie", {});
    await say("into the void");
    await until(() => state().resumes === 1 && texts.length === 1);
    expect(texts).toEqual(["into the void"]);
  });
});

describe("a bare socket", () => {
  const sockets: WebSocket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
  });

  /** Sends frames after HELLO; gives what came back and the close code, if it closes. */
  const talk = async (...frames: unknown[]) => {
    const socket = new WebSocket(`${discord.url.replace("http", "ws")}/?v=10&encoding=json`);
    sockets.push(socket);
    const heard: { op: number; t: string; d: Record<string, unknown> }[] = [];
    const ended = { code: 0 };
    socket.on("message", (data) => heard.push(JSON.parse(String(data))));
    socket.on("close", (code) => {
      ended.code = code;
    });
    socket.on("error", () => undefined);
    await until(() => heard.length > 0);
    for (const frame of frames)
      socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
    return { socket, heard, ended };
  };
  const identify = (fields: object = {}) => ({
    op: 2,
    d: {
      token: "tok",
      intents: INTENTS,
      properties: { os: "x", browser: "x", device: "x" },
      ...fields,
    },
  });

  test.each([
    ["a wrong token", [identify({ token: "no" })], 4004],
    ["unknown intents", [identify({ intents: 1 << 30 })], 4013],
    ["content without the grant", [identify({ token: "plain" })], 4014],
    ["a bad shard", [identify({ shard: [2, 2] })], 4010],
    ["IDENTIFY twice", [identify(), identify()], 4005],
    ["no JSON", ["{"], 4002],
    ["a frame over 4096 bytes", [{ op: 1, d: "x".repeat(4097) }], 4002],
    ["an unknown opcode", [{ op: 99 }], 4001],
    ["presence before IDENTIFY", [{ op: 3, d: {} }], 4003],
    [
      "more than 120 frames a minute",
      Array.from({ length: 121 }, () => ({ op: 1, d: null })),
      4008,
    ],
  ])("%s ends with its close code", async (_name, frames, code) => {
    const { ended } = await talk(...frames);
    await until(() => ended.code !== 0);
    expect(ended.code).toBe(code);
  });

  test("a session that is not known cannot be resumed; a close with 1000 forgets it", async () => {
    const unknown = await talk({ op: 6, d: { token: "tok", session_id: "x", seq: 1 } });
    await until(() => unknown.heard.length > 1);
    expect(unknown.heard[1]).toMatchObject({ op: 9, d: false });
    const first = await talk(identify());
    await until(() => first.heard.length > 1);
    expect(first.heard[1]).toMatchObject({ t: "READY", d: { v: 10, shard: [0, 1] } });
    first.socket.close(1000);
    await until(() => state().sessions.length === 0);
  });

  test("without MESSAGE_CONTENT a guild message is empty, a direct one and a mention are not", async () => {
    const intents = (1 << 9) | (1 << 12);
    const { heard } = await talk(identify({ token: "plain", intents }));
    await until(() => heard.length > 1);
    const say = (body: object) =>
      discord.emit({ applicationId: "700000000000000002", text: "x", ...body });
    await say({});
    await say({ dm: true, user: "5" });
    await say({ mentionBot: true });
    await until(() => heard.length === 5);
    expect(heard.slice(2).map(({ d }) => d.content)).toEqual(["", "x", "<@700000000000000002> x"]);
  });

  test("edits, pins, deletes and reactions are dispatched by intent", async () => {
    const { heard } = await talk(identify({ intents: INTENTS | (1 << 10) }));
    await until(() => heard.length > 1);
    const { id } = await discord.emit({ applicationId: APP, text: "a" });
    for (const body of [
      { edit: { id, text: "b" } },
      { pin: id },
      { reaction: { id, emoji: "🔥" } },
      { delete: id },
      { delete: ["1", "2"] },
    ]) {
      await discord.emit({ applicationId: APP, ...body });
    }
    await until(() => heard.length === 8);
    const [, , , edited, pinned, ...rest] = heard;
    expect(edited).toMatchObject({
      t: "MESSAGE_UPDATE",
      d: { content: "b", edited_timestamp: expect.any(String) },
    });
    expect(pinned).toMatchObject({ t: "MESSAGE_UPDATE", d: { pinned: true } });
    expect(rest.map(({ t }) => t)).toEqual([
      "MESSAGE_REACTION_ADD",
      "MESSAGE_DELETE",
      "MESSAGE_DELETE_BULK",
    ]);
  });
});
