/**
 * Holds the Gateway sockets of many Discord bots in one object (`gateway:<n>`), since an outgoing socket keeps its
 * object awake and awake objects are what costs. Stores connection state only: sessions, low-water marks and ids,
 * never tokens or messages. The one object that is shared by tenants; every row and call names its connection.
 * An alarm every 25 seconds watches over the clients and brings them back after an eviction or a deploy.
 */
import { DurableObject } from "cloudflare:workers";
import { SavedBot } from "../domain/gateway/state.ts";
import type { GatewayHub, GatewayPorts } from "../platform/gateway-port.ts";
import type { GatewayStatus } from "../platform/gateway-socket.ts";
import { GatewayClient } from "../platform/gateway-socket.ts";
import { openUpgraded } from "../platform/gateway-upgrade.ts";

/** Each bot may hold 1 MB of waiting frames of the object's 128 MB. */
const BOTS_MAX = 50;
const WATCH_MS = 25_000;

export interface GatewayMember {
  readonly tenant: string;
  readonly connectionId: string;
}

export type EnsureReply = {
  readonly held: readonly string[];
  /** No room here: put them into another object. */
  readonly full: readonly string[];
};

export type MemberStatus = GatewayMember & GatewayStatus;

/** `SELF` is the service binding back to the hub; where none is configured nothing connects. */
type HubEnv = Omit<Env, "SELF"> & { readonly SELF?: GatewayHub };

type Row = { connection: string; tenant: string; saved: string | null };

export class DiscordGateway extends DurableObject<HubEnv> {
  readonly #clients = new Map<string, GatewayClient>();

  constructor(ctx: DurableObjectState, env: HubEnv) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS bots (connection TEXT PRIMARY KEY, tenant TEXT NOT NULL, saved TEXT) WITHOUT ROWID",
    );
  }

  /** Takes these bots in, keeps those already here, starts what is not running. Idempotent. */
  async ensure(bots: readonly GatewayMember[]): Promise<EnsureReply> {
    const held = new Set(this.#rows().map((row) => row.connection));
    const full: string[] = [];
    for (const bot of bots) {
      if (held.has(bot.connectionId)) continue;
      if (held.size >= BOTS_MAX) full.push(bot.connectionId);
      else {
        this.#insert(bot);
        held.add(bot.connectionId);
      }
    }
    await this.#watch();
    return { held: [...held], full };
  }

  /** Closes the bot's socket and forgets its session. Also the way to try again after a fatal close code. */
  async drop(connectionId: string): Promise<void> {
    this.#forget(connectionId);
    if (this.#rows().length === 0) await this.ctx.storage.deleteAlarm();
  }

  /** Every bot held here: states, counts and ids only. */
  async status(): Promise<MemberStatus[]> {
    this.#startAll();
    return this.#rows().flatMap(({ connection, tenant }) => {
      const client = this.#clients.get(connection);
      return client ? [{ tenant, connectionId: connection, ...client.status() }] : [];
    });
  }

  override async alarm(): Promise<void> {
    await this.#watch();
  }

  /** Whatever a client does wrong, the next watch comes. */
  async #watch(): Promise<void> {
    try {
      this.#startAll();
      for (const client of this.#clients.values()) tickSafely(client);
    } finally {
      if (this.#rows().length > 0) await this.ctx.storage.setAlarm(Date.now() + WATCH_MS);
    }
  }

  #startAll(): void {
    for (const row of this.#rows()) {
      if (this.#clients.has(row.connection)) continue;
      const client = new GatewayClient(row.connection, savedIn(row), this.#ports(row.connection));
      this.#clients.set(row.connection, client);
    }
  }

  #ports(connection: string): GatewayPorts {
    const fetcher: GatewayPorts["fetch"] = (url, init) => fetch(url, init);
    return {
      hub: this.#hub(),
      fetch: fetcher,
      open: (url, events) => openUpgraded(url, events, fetcher),
      save: (saved) => this.#save(connection, saved),
      gone: () => this.#forget(connection),
      nowMs: () => Date.now(),
      random: () => Math.random(),
      later: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    };
  }

  #hub(): GatewayHub {
    const self = this.env.SELF;
    if (self) return self;
    const missing = () => Promise.reject(new Error("no service binding SELF"));
    return { gatewayBot: missing, gatewayFrames: missing };
  }

  #rows(): Row[] {
    const query = "SELECT connection, tenant, saved FROM bots ORDER BY connection";
    return this.ctx.storage.sql.exec<Row>(query).toArray();
  }

  #insert({ connectionId, tenant }: GatewayMember): void {
    const query = "INSERT INTO bots (connection, tenant) VALUES (?, ?)";
    this.ctx.storage.sql.exec(query, connectionId, tenant);
  }

  #save(connection: string, saved: SavedBot): void {
    const query = "UPDATE bots SET saved = ? WHERE connection = ?";
    this.ctx.storage.sql.exec(query, JSON.stringify(saved), connection);
  }

  #forget(connection: string): void {
    this.#clients.get(connection)?.stop();
    this.#clients.delete(connection);
    this.ctx.storage.sql.exec("DELETE FROM bots WHERE connection = ?", connection);
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }
}

function tickSafely(client: GatewayClient): void {
  try {
    client.tick();
  } catch {
    // The client's state is as it was before; its next tick tries again.
  }
}

/** What cannot be read back counts as a bot never seen: it identifies anew. */
function savedIn(row: Row): SavedBot | undefined {
  if (row.saved === null) return undefined;
  try {
    const saved = SavedBot.safeParse(JSON.parse(row.saved));
    return saved.success ? saved.data : undefined;
  } catch {
    return undefined;
  }
}
