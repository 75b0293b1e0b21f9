/** What the Gateway client needs of the world around it; the hub's side is `workers`' GatewayIntake. Types only. */
import type { SavedBot } from "../domain/gateway/state.ts";

/** A bot as its connection stands now. The token is used and forgotten, never stored with the socket's state. */
export interface GatewayBot {
  readonly token: string;
  /** http(s): origin of the REST API, which names the Gateway; ws(s): the Gateway itself. Default: the public ones. */
  readonly url?: string;
  readonly applicationId: string;
}

/** The hub, as the Gateway sees it. Both calls may fail; they are repeated. */
export interface GatewayHub {
  /** null: the connection is gone or switched off. */
  gatewayBot(connectionId: string): Promise<GatewayBot | null>;
  /** Frames `{op:0,t,s,d,session?,own_roles?}` in order; `accepted` of them, from the front, are durable now. */
  gatewayFrames(connectionId: string, frames: string[]): Promise<{ readonly accepted: number }>;
}

export interface SocketHandle {
  send(text: string): void;
  close(code: number): void;
}

/** `opened` comes first, `closed` last and once; also where the socket could not be opened after all. */
export interface SocketEvents {
  opened(socket: SocketHandle): void;
  message(text: string): void;
  closed(code: number): void;
}

export interface GatewayPorts {
  readonly hub: GatewayHub;
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** Rejects where there is no socket to be had. */
  readonly open: (url: string, events: SocketEvents) => Promise<void>;
  readonly save: (saved: SavedBot) => void;
  /** The connection is gone: forget the bot. */
  readonly gone: () => void;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Runs once after `ms`; the result cancels it. */
  readonly later: (ms: number, run: () => void) => () => void;
}
