/** A hub with two tenants on quiet simulators, whose bindings fail as a test says, and what can be seen of it from outside. */
import { createHmac } from "node:crypto";
import { rmSync } from "node:fs";
import { effectsOf } from "../../dev/crash/effects.ts";
import type { Hub } from "../../dev/runtime.ts";
import { temporaryState } from "../../dev/state.ts";
import { type DevTenantKit, devTenant, ECHO_ROUTE } from "../../dev/tenants.ts";
import { type SignedWebhook, signedWebhook, type WebhookSource } from "../../dev/webhooks.ts";
import { startWorld, type World } from "../../dev/world.ts";
import type { Fault } from "../../domain/faults/plan.ts";
import type { Route } from "../../schema/route.ts";
import { TenantInput } from "../../schema/tenant.ts";
import type { Simulator } from "../../simulators/simulator.ts";
import { PATIENCE_MS } from "./runtime.ts";

/** Waits of the alarm are this short here, in ms. */
export const RING_AFTER_MS = 250;
const PLAN_KEY = "faults/plan.json";
/** The seam trusts a plan for 25 ms. */
const PLAN_SETTLE_MS = 60;

export type Channel = "whatsapp" | "slack" | "discord";
export type Planned = Pick<Fault, "target"> & Partial<Fault>;

/** One message of a person, of tenant "acme" on WhatsApp unless it says otherwise. */
export interface Said {
  readonly tenant?: string;
  readonly channel?: Channel;
  /** Conversation, from 0. */
  readonly in: number;
  readonly number: number;
  readonly text?: string;
}

export interface FaultWorld {
  readonly world: World;
  readonly hub: Hub;
  readonly logs: string[];
  /** From now on these calls fail; none where the list is empty. */
  plan(faults: readonly Planned[], seed?: number): Promise<void>;
  source(tenant: string, channel: Channel): WebhookSource;
  platform(channel: Channel): Simulator;
  webhook(said: Said): SignedWebhook;
  /** Delivers a message once, as its platform would; resolves with the answer. */
  say(said: Said): Promise<Response>;
  knock(webhook: SignedWebhook): Promise<Response>;
  /** Texts that platforms were sent and carried out, in order, repeated idempotent calls once. */
  replies(filter?: { readonly tenant?: string; readonly containing?: string }): readonly string[];
  rows<T>(sql: string, ...values: readonly unknown[]): Promise<readonly T[]>;
  api(path: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

export interface FaultWorldOptions {
  readonly routes?: Partial<Record<Channel, Route>>;
  readonly bindings?: Readonly<Record<string, string>>;
  /** Simulators also send echoes and statuses. Default false. */
  readonly lively?: boolean;
  /** Tenants besides acme and globex, or instead of their connections. */
  readonly adapt?: (kit: DevTenantKit) => DevTenantKit;
}

const ALL_ECHO = { whatsapp: ECHO_ROUTE, slack: ECHO_ROUTE, discord: ECHO_ROUTE };

export async function startFaultWorld(options: FaultWorldOptions = {}): Promise<FaultWorld> {
  const stateDir = temporaryState();
  const logs: string[] = [];
  const routes = { ...ALL_ECHO, ...options.routes };
  const kits = ["acme", "globex"]
    .map((id) => devTenant({ id, key: "faults", policy: { kind: "serial" }, routes }))
    .map((kit) => options.adapt?.(kit) ?? kit);
  const world = await startWorld({
    stateDir,
    tenants: kits.map((kit) => TenantInput.parse(kit.tenant)),
    sources: kits.flatMap((kit) => kit.sources),
    quietPlatforms: options.lively !== true,
    bindings: {
      RING_AFTER_MS: String(RING_AFTER_MS),
      FAULT_PLAN: `store:${PLAN_KEY}`,
      ...options.bindings,
    },
    onLog: (line) => logs.push(line.message),
  });
  const { hub, simulators } = world;
  const source = (tenant: string, channel: Channel): WebhookSource => {
    const kit = kits.find((one) => one.tenant.id === tenant);
    const found = kit?.sources.find((one) => one.channel === channel);
    if (!found) throw new Error(`no ${channel} of ${tenant}`);
    return found;
  };
  const platform = (channel: Channel): Simulator => {
    const name = channel === "whatsapp" ? "evolution" : channel;
    const found = simulators.platforms.find((one) => one.name === name);
    if (!found) throw new Error(`no simulator ${name}`);
    return found;
  };
  const webhook = ({ tenant = "acme", channel = "whatsapp", ...said }: Said): SignedWebhook =>
    signedWebhook(source(tenant, channel), {
      conversation: said.in,
      number: said.number,
      text: said.text ?? markOf({ tenant, channel, ...said }),
      atMs: Date.now(),
    });
  const knock = (one: SignedWebhook): Promise<Response> =>
    fetch(hub.url + one.path, { method: "POST", headers: { ...one.headers }, body: one.body });
  return {
    world,
    hub,
    logs,
    source,
    platform,
    webhook,
    knock,
    say: (said) => knock(webhook(said)),
    plan: async (faults, seed = 1) => {
      const store = await hub.mf.getR2Bucket("STORE");
      await store.put(PLAN_KEY, JSON.stringify({ seed, faults, nonce: Math.random() }));
      await pause(PLAN_SETTLE_MS);
    },
    replies: ({ tenant, containing = "" } = {}) =>
      onePerKey(simulators.platforms.flatMap((one) => effectsOf(one.calls())))
        .filter((effect) => tenant === undefined || effect.tenant === tenant)
        .map((effect) => MARK.exec(effect.text)?.[0] ?? effect.text)
        .filter((text) => text.includes(containing)),
    rows: async <T>(sql: string, ...values: readonly unknown[]) => {
      const db = await hub.mf.getD1Database("DB");
      return (
        await db
          .prepare(sql)
          .bind(...values)
          .all<T>()
      ).results;
    },
    api: (path, init = {}) =>
      fetch(hub.url + path, {
        ...init,
        headers: {
          authorization: `Bearer ${hub.adminKey}`,
          "content-type": "application/json",
          ...init.headers,
        },
      }),
    stop: async () => {
      await world.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

const MARK = /\[\[[\w-]+\/[\w-]+:\d+\]\]/;

/** What a message says by default, and its reply repeats. */
export function markOf({ tenant = "acme", channel = "whatsapp", ...said }: Said): string {
  return `[[${tenant}/${channel}-${said.in}:${said.number}]]`;
}

function onePerKey<T extends { readonly text: string; readonly idempotencyKey?: string }>(
  effects: readonly T[],
): readonly T[] {
  const seen = new Set<string>();
  return effects.filter(({ idempotencyKey, text }) => {
    if (idempotencyKey === undefined) return true;
    const key = `${idempotencyKey} ${text}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Waits until the list is this long, and a moment longer for what should not come. */
export async function until(
  what: () => readonly unknown[],
  length: number,
  timeoutMs = PATIENCE_MS,
  restMs = 150,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (what().length < length) {
    if (Date.now() > deadline)
      throw new Error(`${what().length} of ${length} after ${timeoutMs} ms: ${what().join(" ")}`);
    await pause(20);
  }
  await pause(restMs);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A signed Slack event on the connection's own path, or on the one for the whole channel. */
export function slackEvent(
  source: WebhookSource,
  event: Readonly<Record<string, unknown>>,
  over: { readonly path?: string; readonly eventId?: string } = {},
): SignedWebhook {
  if (source.channel !== "slack") throw new Error("not a Slack source");
  const atSeconds = String(Math.floor(Date.now() / 1000));
  const body = JSON.stringify({
    team_id: source.teamId,
    api_app_id: source.appId,
    type: "event_callback",
    event_id: over.eventId ?? `Ev${Math.random()}`,
    event_time: Number(atSeconds),
    event,
  });
  const mac = createHmac("sha256", source.signingSecret).update(`v0:${atSeconds}:${body}`);
  return {
    path: over.path ?? `/webhooks/slack/${source.connection}`,
    headers: {
      "content-type": "application/json",
      "x-slack-request-timestamp": atSeconds,
      "x-slack-signature": `v0=${mac.digest("hex")}`,
    },
    body,
  };
}
