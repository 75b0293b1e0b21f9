/**
 * The Gateway's WebSocket: HELLO, IDENTIFY, heartbeats, dispatches, RESUME with replay, and the ways in
 * which it ends. Close codes and opcodes are those of Discord's Gateway v10 documentation.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { asRecord, asText } from "../http.ts";
import {
  act,
  type Connection,
  connectionOf,
  end,
  type GatewayAction,
  type Hub,
  send,
  sendText,
} from "./gateway-connection.ts";
import { intentsProblem, reaches, record, type Session, visible } from "./gateway-session.ts";
import { type Bot, botUser, type World } from "./world.ts";

const HEARTBEAT_MS = 41_250;
const PAYLOAD_BYTES_MAX = 4096;
const SENDS_PER_MINUTE_MAX = 120;
const CLOSE = {
  unknownOp: 4001,
  decode: 4002,
  notAuthenticated: 4003,
  badToken: 4004,
  twice: 4005,
  badSeq: 4007,
  rate: 4008,
  badShard: 4010,
} as const;

export interface GatewayOptions {
  /** Default 41250, as Discord's. */
  readonly heartbeatMs?: number;
}

/** What tests and the side door do to the Gateway. */
export interface Gateway {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Numbers and sends a dispatch to every session of the bot it reaches; absent ones get it on RESUME. */
  dispatch(bot: Bot, type: string, data: Record<string, unknown>): number;
  /** `drop` (no close frame), `reconnect` (op 7), `invalid` (op 9), `close` (code), `zombie`, `refuse`. */
  act(action: string, how: GatewayAction): boolean;
  state(): Record<string, unknown>;
  reset(): void;
  stop(): void;
}

/** A Gateway without sessions. */
export function createGateway(world: World, options: GatewayOptions = {}): Gateway {
  const server = new WebSocketServer({ noServer: true });
  const hub: Hub = {
    world,
    heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
    sessions: new Map(),
    connections: new Set(),
    counts: { identifies: 0, resumes: 0, heartbeats: 0, closes: [] },
    refusals: 0,
  };
  return {
    upgrade: (request, socket, head) => {
      if (hub.refusals > 0) {
        hub.refusals -= 1;
        socket.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
        return;
      }
      server.handleUpgrade(request, socket, head, (opened) => welcome(hub, opened));
    },
    dispatch: (bot, type, data) => dispatch(hub, bot, type, data),
    act: (action, how) => act(hub, action, how),
    state: () => ({
      ...hub.counts,
      connections: hub.connections.size,
      sessions: [...hub.sessions.values()].map((session) => ({
        id: session.id,
        applicationId: session.bot.applicationId,
        shard: session.shard,
        seq: session.seq,
        connected: session.socket !== undefined,
        resumes: session.resumes,
      })),
    }),
    reset: () => {
      hub.counts.identifies = 0;
      hub.counts.resumes = 0;
      hub.counts.heartbeats = 0;
      hub.counts.closes.length = 0;
    },
    stop: () => {
      for (const { socket } of hub.connections) socket.terminate();
      server.close();
    },
  };
}

function welcome(hub: Hub, socket: WebSocket): void {
  const connection: Connection = { socket, session: undefined, zombie: false, sends: [] };
  hub.connections.add(connection);
  socket.on("message", (data) => receive(hub, connection, data));
  socket.on("error", () => socket.terminate());
  socket.on("close", (code) => {
    hub.connections.delete(connection);
    const { session } = connection;
    if (session?.socket === socket) session.socket = undefined;
    if (session !== undefined && (code === 1000 || code === 1001)) hub.sessions.delete(session.id);
  });
  send(connection, { op: 10, d: { heartbeat_interval: hub.heartbeatMs, _trace: [] } });
}

function receive(hub: Hub, connection: Connection, data: RawData): void {
  const code = respond(hub, connection, String(data));
  if (code !== undefined) end(hub, connection, code);
}

/** Acts on one frame; gives the code to close with when the frame is not acceptable. */
function respond(hub: Hub, connection: Connection, text: string): number | undefined {
  if (Buffer.byteLength(text) > PAYLOAD_BYTES_MAX) return CLOSE.decode;
  if (isFlooding(connection)) return CLOSE.rate;
  const frame = parse(text);
  if (frame === undefined) return CLOSE.decode;
  switch (frame.op) {
    case 1:
      hub.counts.heartbeats += 1;
      send(connection, { op: 11 });
      return undefined;
    case 2:
      return identify(hub, connection, asRecord(frame.d));
    case 6:
      return resume(hub, connection, asRecord(frame.d));
    case 3:
    case 4:
    case 8:
      return connection.session === undefined ? CLOSE.notAuthenticated : undefined;
    default:
      return CLOSE.unknownOp;
  }
}

function identify(
  hub: Hub,
  connection: Connection,
  data: Record<string, unknown>,
): number | undefined {
  if (connection.session !== undefined) return CLOSE.twice;
  const bot = hub.world.bots.find(({ token }) => token === bare(data.token));
  if (bot === undefined) return CLOSE.badToken;
  const problem = intentsProblem(bot, data.intents);
  if (problem !== undefined) return problem;
  const shard = shardOf(data.shard);
  if (shard === undefined) return CLOSE.badShard;
  hub.counts.identifies += 1;
  bot.identifiesLeft = Math.max(0, bot.identifiesLeft - 1);
  const session: Session = {
    id: randomBytes(16).toString("hex"),
    bot,
    intents: Number(data.intents),
    shard,
    seq: 0,
    replay: [],
    socket: connection.socket,
    resumes: 0,
  };
  hub.sessions.set(session.id, session);
  connection.session = session;
  sendText(connection, record(session, "READY", ready(hub, session)));
  return undefined;
}

/** Sends what was missed and RESUMED, or INVALID_SESSION for a session that is not known. */
function resume(
  hub: Hub,
  connection: Connection,
  data: Record<string, unknown>,
): number | undefined {
  const session = hub.sessions.get(asText(data.session_id) ?? "");
  if (session === undefined) {
    send(connection, { op: 9, d: false });
    return undefined;
  }
  if (session.bot.token !== bare(data.token)) return CLOSE.badToken;
  const seq = typeof data.seq === "number" ? data.seq : -1;
  if (seq < 0 || seq > session.seq) return CLOSE.badSeq;
  hub.counts.resumes += 1;
  session.resumes += 1;
  session.socket?.terminate();
  session.socket = connection.socket;
  connection.session = session;
  for (const { s, frame } of session.replay) if (s > seq) sendText(connection, frame);
  sendText(connection, record(session, "RESUMED", { _trace: [] }));
  return undefined;
}

function dispatch(hub: Hub, bot: Bot, type: string, data: Record<string, unknown>): number {
  const guildId = asText(data.guild_id);
  let reached = 0;
  for (const session of hub.sessions.values()) {
    if (session.bot !== bot || !reaches(session, type, guildId)) continue;
    const frame = record(session, type, visible(session, data));
    const connection = connectionOf(hub, session);
    if (connection === undefined) continue;
    sendText(connection, frame);
    reached += 1;
  }
  return reached;
}

function ready(hub: Hub, session: Session): Record<string, unknown> {
  const guilds = new Set([...hub.world.channels.values()].map(({ guildId }) => guildId));
  guilds.delete(undefined);
  return {
    v: 10,
    user: { ...botUser(session.bot), verified: true, mfa_enabled: false, flags: 0, email: null },
    session_type: "normal",
    session_id: session.id,
    resume_gateway_url: hub.world.url.replace("http:", "ws:"),
    shard: session.shard,
    guilds: [...guilds].map((id) => ({ id, unavailable: true })),
    private_channels: [],
    relationships: [],
    application: { id: session.bot.applicationId, flags: 0 },
    _trace: ["simulator"],
  };
}

function isFlooding(connection: Connection): boolean {
  const now = Date.now();
  connection.sends = [...connection.sends.filter((at) => now - at < 60_000), now];
  return connection.sends.length > SENDS_PER_MINUTE_MAX;
}

function parse(text: string): { op: unknown; d: unknown } | undefined {
  try {
    const { op, d } = asRecord(JSON.parse(text));
    return { op, d };
  } catch {
    return undefined;
  }
}

function shardOf(value: unknown): readonly [number, number] | undefined {
  if (value === undefined) return [0, 1];
  const [id, count] = Array.isArray(value) ? value.map(Number) : [];
  const good = id !== undefined && count !== undefined && id >= 0 && id < count;
  return good ? [id, count] : undefined;
}

function bare(token: unknown): string {
  return (asText(token) ?? "").replace(/^Bot /, "");
}
