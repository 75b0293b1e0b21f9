/**
 * Drives the pure Gateway machine of one bot: carries out its actions over a real socket, the hub and the clock, and
 * feeds the results back as events. Decides nothing itself. The bot's token is fetched at every connect and kept
 * in memory only as long as that socket.
 */
import { encode } from "../domain/gateway/frames.ts";
import { CLOSE_ABNORMAL, CLOSE_RESUMABLE } from "../domain/gateway/protocol.ts";
import type {
  BotState,
  Gap,
  GatewayAction,
  GatewayEvent,
  SavedBot,
} from "../domain/gateway/state.ts";
import { lowWater, restore, savedOf } from "../domain/gateway/state.ts";
import { step } from "../domain/gateway/step.ts";
import type { GatewayBot, GatewayPorts, SocketHandle } from "./gateway-port.ts";
import { backfill, discover } from "./gateway-rest.ts";

/** A hub that does not answer within this time is taken to have refused; what it took is deduplicated. */
const HAND_OVER_TIMEOUT_MS = 30_000;
const ADDRESS_SUFFIX = "/?v=10&encoding=json";

/** One bot's present: states, counts and ids only. */
export interface GatewayStatus {
  readonly link: BotState["link"]["is"];
  /** With `fatal`: Discord's close code. */
  readonly code?: number;
  readonly acceptedSeq: number;
  readonly waiting: number;
  readonly failures: number;
  readonly gaps: number;
  readonly gapsDropped: number;
  readonly channels: number;
}

export class GatewayClient {
  readonly #connectionId: string;
  readonly #ports: GatewayPorts;
  #state: BotState;
  #bot: GatewayBot | undefined;
  #socket: SocketHandle | undefined;
  /** Rises with every socket given up: what an older one still says is not heard. */
  #epoch = 0;
  #stopped = false;
  #cancelTimer: () => void = () => {};

  constructor(connectionId: string, saved: SavedBot | undefined, ports: GatewayPorts) {
    this.#connectionId = connectionId;
    this.#ports = ports;
    this.#state = restore(saved);
  }

  /** Does what is due; safe to call at any time. Also what starts a new client. */
  tick(): void {
    this.#feed({ is: "tick" });
  }

  /** Ends for good; the session stays resumable at the server. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
    this.#close(CLOSE_RESUMABLE);
  }

  status(): GatewayStatus {
    const { link, waiting, failures, gaps, gapsDropped, seen } = this.#state;
    return {
      link: link.is,
      ...(link.is === "fatal" && { code: link.code }),
      acceptedSeq: lowWater(this.#state),
      waiting: waiting.length,
      failures,
      gaps: gaps.length,
      gapsDropped,
      channels: seen.length,
    };
  }

  #feed(event: GatewayEvent): void {
    if (this.#stopped) return;
    const { state, actions } = step(this.#state, event, this.#ports.nowMs(), this.#ports.random);
    this.#state = state;
    for (const action of actions) this.#act(action);
  }

  #act(action: GatewayAction): void {
    switch (action.do) {
      case "connect":
        this.#start(this.#connect(action.url));
        break;
      case "send":
        this.#send(action);
        break;
      case "close":
        this.#close(action.code);
        break;
      case "accept":
        this.#start(this.#accept(action.frames));
        break;
      case "backfill":
        this.#start(this.#backfill(action.gaps));
        break;
      case "persist":
        this.#ports.save(savedOf(this.#state));
        break;
      case "schedule":
        this.#schedule(action.atMs);
        break;
    }
  }

  /** Each of these catches its own failures and turns them into an event. */
  #start(work: Promise<void>): void {
    work.catch(() => this.#feed({ is: "tick" }));
  }

  async #connect(url: string | undefined): Promise<void> {
    const epoch = ++this.#epoch;
    const current = () => epoch === this.#epoch && !this.#stopped;
    try {
      const bot = await this.#ports.hub.gatewayBot(this.#connectionId);
      if (!current()) return;
      if (bot === null) {
        this.#ports.gone();
        return;
      }
      this.#bot = bot;
      const address = url ?? (await this.#address(bot));
      if (!current()) return;
      await this.#ports.open(withVersion(address), {
        opened: (socket) => {
          if (current()) {
            this.#socket = socket;
            this.#feed({ is: "open" });
          } else socket.close(CLOSE_RESUMABLE);
        },
        message: (text) => {
          if (current()) this.#feed({ is: "frame", text });
        },
        closed: (code) => {
          if (current()) this.#lost(code);
        },
      });
    } catch {
      if (current()) this.#lost(CLOSE_ABNORMAL);
    }
  }

  async #address(bot: GatewayBot): Promise<string> {
    const { url, limits } = await discover(bot, this.#ports);
    if (limits) this.#feed({ is: "limits", ...limits });
    return url;
  }

  #lost(code: number): void {
    this.#epoch++;
    this.#socket = undefined;
    this.#feed({ is: "close", code });
  }

  #send({ frame }: Extract<GatewayAction, { do: "send" }>): void {
    try {
      this.#socket?.send(encode(frame, this.#bot?.token ?? ""));
    } catch {
      // A socket that cannot send reports its end by itself, or misses the next heartbeat's answer.
    }
  }

  #close(code: number): void {
    this.#epoch++;
    const socket = this.#socket;
    this.#socket = undefined;
    try {
      socket?.close(code);
    } catch {
      // Closed already.
    }
  }

  async #accept(frames: readonly string[]): Promise<void> {
    try {
      const handed = this.#ports.hub.gatewayFrames(this.#connectionId, [...frames]);
      const { accepted } = await this.#within(HAND_OVER_TIMEOUT_MS, handed);
      this.#feed({ is: "accepted", count: accepted });
    } catch {
      this.#feed({ is: "refused" });
    }
  }

  async #within<T>(ms: number, work: Promise<T>): Promise<T> {
    let cancel = () => {};
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#ports.later(ms, () => reject(new Error("timeout")));
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }

  async #backfill(gaps: readonly Gap[]): Promise<void> {
    const bot = this.#bot;
    const left = bot ? await backfill(this.#connectionId, bot, gaps, this.#ports) : gaps;
    this.#feed({ is: "backfilled", left });
  }

  #schedule(atMs: number): void {
    this.#cancelTimer();
    const ms = Math.max(0, atMs - this.#ports.nowMs());
    this.#cancelTimer = this.#ports.later(ms, () => this.tick());
  }
}

function withVersion(address: string): string {
  return `${address.endsWith("/") ? address.slice(0, -1) : address}${ADDRESS_SUFFIX}`;
}
