/** Tenants on one hub and on one of its queues: a loud one, a quiet one, and one with a small limit. */
import { rmSync } from "node:fs";
import { effectsOf } from "../../../dev/crash/effects.ts";
import { temporaryState } from "../../../dev/state.ts";
import { devTenant, ECHO_ROUTE } from "../../../dev/tenants.ts";
import { signedWebhook, type WebhookSource } from "../../../dev/webhooks.ts";
import { startWorld } from "../../../dev/world.ts";
import { hash32 } from "../../../platform/queues.ts";
import { TenantInput } from "../../../schema/tenant.ts";

/** Producers of `wrangler.toml`: a tenant always rings on the same one. */
const INBOUND_QUEUES = 4;

export interface Neighbours {
  /** One message through the tenant's WhatsApp, signed and posted once. */
  say(tenant: string, conversation: number, number: number): Promise<Response>;
  /** Texts that were sent, in the order in which the platform got them. */
  replies(): readonly string[];
  rows<T>(sql: string): Promise<readonly T[]>;
  stop(): Promise<void>;
}

/** Names of tenants that share one queue, the worst there is. */
export function neighboursOf(name: string, count: number): readonly string[] {
  const same = (other: string): boolean =>
    hash32(other) % INBOUND_QUEUES === hash32(name) % INBOUND_QUEUES;
  const others = Array.from({ length: count * 40 }, (_, index) => `neighbour-${index}`);
  return others.filter(same).slice(0, count);
}

/** `limits`: messages per minute by tenant; a tenant without one has the default. */
export async function startNeighbours(
  tenants: readonly string[],
  limits: Readonly<Record<string, number>>,
): Promise<Neighbours> {
  const stateDir = temporaryState();
  const kits = tenants.map((id) =>
    devTenant({
      id,
      key: "neighbours",
      routes: { whatsapp: ECHO_ROUTE },
      policy: { kind: "serial" },
    }),
  );
  const world = await startWorld({
    stateDir,
    tenants: kits.map(({ tenant }) => {
      const messagesPerMinute = limits[tenant.id];
      const config = messagesPerMinute === undefined ? {} : { limits: { messagesPerMinute } };
      return TenantInput.parse({ ...tenant, config });
    }),
    sources: kits.flatMap((kit) => kit.sources),
    quietPlatforms: true,
    bindings: { RING_AFTER_MS: "1000" },
    onLog: () => undefined,
  });
  const { hub, simulators } = world;
  const sources = new Map(kits.map((kit) => [kit.tenant.id, kit.sources[0] as WebhookSource]));
  return {
    say: (tenant, conversation, number) => {
      const source = sources.get(tenant);
      if (!source) throw new Error(`no tenant ${tenant}`);
      const text = markOf(tenant, conversation, number);
      const message = { conversation, number, text, atMs: Date.now() };
      const { path, headers, body } = signedWebhook(source, message);
      return fetch(hub.url + path, { method: "POST", headers: { ...headers }, body });
    },
    replies: () =>
      simulators.platforms
        .flatMap((one) => effectsOf(one.calls()))
        .map(({ text }) => MARK.exec(text)?.[0] ?? text),
    rows: async <T>(sql: string) => {
      const db = await hub.mf.getD1Database("DB");
      return (await db.prepare(sql).all<T>()).results;
    },
    stop: async () => {
      await world.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** As `dev/crash/judge.ts` finds them. */
const MARK = /\[\[[\w-]+\/[\w-]+:\d+\]\]/;

/** What a message says, and its reply repeats. */
export function markOf(tenant: string, conversation: number, number: number): string {
  return `[[${tenant}/${conversation}:${number}]]`;
}
