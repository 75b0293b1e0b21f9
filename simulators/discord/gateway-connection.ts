/** Open Gateway sockets: how they are written to, ended, and broken on purpose. */
import type { WebSocket } from "ws";
import type { Session } from "./gateway-session.ts";
import type { World } from "./world.ts";

export interface Connection {
  readonly socket: WebSocket;
  session: Session | undefined;
  zombie: boolean;
  sends: number[];
}

export interface Hub {
  readonly world: World;
  readonly heartbeatMs: number;
  readonly sessions: Map<string, Session>;
  readonly connections: Set<Connection>;
  readonly counts: { identifies: number; resumes: number; heartbeats: number; closes: number[] };
  refusals: number;
}

/** What the side door may ask for. Without `applicationId` every connection is meant. */
export interface GatewayAction {
  readonly applicationId?: string;
  readonly code?: number;
  readonly resumable?: boolean;
  readonly next?: number;
}

/** Carries an action out; false for one that does not exist. */
export function act(hub: Hub, action: string, how: GatewayAction): boolean {
  const chosen = [...hub.connections].filter(
    ({ session }) =>
      how.applicationId === undefined || session?.bot.applicationId === how.applicationId,
  );
  const each = (apply: (connection: Connection) => void): boolean => {
    for (const connection of chosen) apply(connection);
    return true;
  };
  switch (action) {
    case "drop":
      return each(({ socket }) => socket.terminate());
    case "reconnect":
      return each((connection) => send(connection, { op: 7, d: null }));
    case "invalid":
      return each((connection) => {
        if (how.resumable !== true && connection.session !== undefined) {
          hub.sessions.delete(connection.session.id);
        }
        send(connection, { op: 9, d: how.resumable === true });
      });
    case "close":
      return each((connection) => end(hub, connection, how.code ?? 4000));
    case "zombie":
      return each((connection) => {
        connection.zombie = true;
      });
    case "refuse":
      hub.refusals = how.next ?? 1;
      return true;
    default:
      return false;
  }
}

/** Closes with a code; codes that end a session for good forget it. */
export function end(hub: Hub, connection: Connection, code: number): void {
  hub.counts.closes.push(code);
  const ends = [4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014].includes(code);
  if (ends && connection.session !== undefined) hub.sessions.delete(connection.session.id);
  connection.socket.close(code);
}

export function connectionOf(hub: Hub, session: Session): Connection | undefined {
  return [...hub.connections].find(({ socket }) => socket === session.socket);
}

export function send(connection: Connection, frame: { op: number; d?: unknown }): void {
  sendText(connection, JSON.stringify({ t: null, s: null, d: null, ...frame }));
}

/** A zombie's line is dead: nothing reaches the other side. */
export function sendText(connection: Connection, text: string): void {
  if (!connection.zombie) connection.socket.send(text);
}
