/**
 * Tenants for development: one connection per channel, each with what its platform signs with. The
 * demonstration, the crash test and the benchmarks start from these; nothing here is a real secret.
 */
import { createHmac, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { ConnectionInput } from "../schema/connection.ts";
import type { TurnPolicy } from "../schema/policy.ts";
import type { Route } from "../schema/route.ts";
import type { WebhookSource } from "./webhooks.ts";

/** A tenant as `POST /tenants` takes it. */
interface DevTenant {
  readonly id: string;
  readonly name: string;
  readonly connections: readonly ConnectionInput[];
  readonly apiKeys: readonly { readonly key: string; readonly scopes: readonly string[] }[];
}

/** A tenant with the platforms' side of its connections. */
export interface DevTenantKit {
  readonly tenant: DevTenant;
  readonly sources: readonly WebhookSource[];
}

interface DevTenantOptions {
  readonly id: string;
  readonly name?: string;
  /** Per channel; a channel left out has no connection. */
  readonly routes: Partial<Record<"whatsapp" | "slack" | "discord", Route>>;
  readonly policy?: TurnPolicy;
  /** Tells further connections of one tenant apart; stands at the end of their ids. */
  readonly suffix?: string;
  /** What the platforms sign with is derived from this: the same key gives the same tenant again. */
  readonly key: string;
}

/** What a tenant's platforms sign with. */
interface TenantSecrets {
  readonly webhookSecret: string;
  readonly signingSecret: string;
  readonly discordKey: { readonly publicHex: string; readonly privateKey: KeyObject };
}

/** Answers every text with itself. */
export const ECHO_ROUTE: Route = {
  kind: "direct",
  rules: [{ match: ".*", reply: "echo: {{text}}" }],
};

/** Asks the simulated Hive, which answers with the text too. `timeoutMs`: how long an answer is waited for. */
export function hiveRoute(tenant: string, timeoutMs?: number): Route {
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    kind: "hive",
    baseUrl: "simulator",
    agent: "support",
    apiKey: `hive-key-of-${tenant}`,
  };
}

/** Builds a tenant and the sources of its webhooks. Connections are named `<tenant>-<channel>`. */
export function devTenant(options: DevTenantOptions): DevTenantKit {
  const secrets = secretsFrom(options.key, options.id);
  const pairs = [
    whatsapp(options, secrets),
    slack(options, secrets),
    discord(options, secrets),
  ].filter((pair) => pair !== undefined);
  return {
    tenant: {
      id: options.id,
      name: options.name ?? options.id,
      connections: pairs.map(([connection]) => connection),
      apiKeys: [{ key: `dev-key-of-${options.id}`, scopes: ["*"] }],
    },
    sources: pairs.map(([, source]) => source),
  };
}

/** DER head of an Ed25519 private key in PKCS #8; the 32-byte seed follows. Source: RFC 8410. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

function secretsFrom(key: string, tenant: string): TenantSecrets {
  const derive = (what: string): Buffer =>
    createHmac("sha256", key).update(`${tenant} ${what}`).digest();
  const seed = derive("discord");
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, seed]),
    format: "der",
    type: "pkcs8",
  });
  const der = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    webhookSecret: derive("evolution").toString("base64url"),
    signingSecret: derive("slack").toString("hex").slice(0, 32),
    discordKey: { publicHex: der.subarray(-32).toString("hex"), privateKey },
  };
}

type Pair = readonly [ConnectionInput, WebhookSource];

function common(options: DevTenantOptions, route: Route) {
  return {
    baseUrl: "simulator",
    route,
    ...(options.policy && { policy: options.policy }),
  };
}

function whatsapp(options: DevTenantOptions, secrets: TenantSecrets): Pair | undefined {
  const route = options.routes.whatsapp;
  if (!route) {
    return undefined;
  }
  const suffix = options.suffix ?? "";
  const [id, instance] = [`${options.id}-whatsapp${suffix}`, `${options.id}-support${suffix}`];
  const { webhookSecret } = secrets;
  return [
    {
      ...common(options, route),
      id,
      channel: "whatsapp",
      provider: "evolution",
      instance,
      credentials: { apiKey: `evolution-key-of-${options.id}`, webhookSecret },
    },
    { channel: "whatsapp", connection: id, instance, webhookSecret },
  ];
}

function slack(options: DevTenantOptions, secrets: TenantSecrets): Pair | undefined {
  const route = options.routes.slack;
  if (!route) {
    return undefined;
  }
  const [id, name] = [`${options.id}-slack`, options.id.toUpperCase().replace(/\W/g, "")];
  const [teamId, appId] = [`T${name}`, `A${name}`];
  const { signingSecret } = secrets;
  return [
    {
      ...common(options, route),
      id,
      channel: "slack",
      teamId,
      appId,
      botUserId: "UBOT",
      credentials: { signingSecret, botToken: `xoxb-${options.id}` },
    },
    { channel: "slack", connection: id, teamId, appId, signingSecret },
  ];
}

function discord(options: DevTenantOptions, secrets: TenantSecrets): Pair | undefined {
  const route = options.routes.discord;
  if (!route) {
    return undefined;
  }
  const id = `${options.id}-discord`;
  const applicationId = String(APPLICATION_ID_MIN + numberOf(options.id));
  const { publicHex, privateKey } = secrets.discordKey;
  return [
    {
      ...common(options, route),
      id,
      channel: "discord",
      applicationId,
      credentials: { publicKey: publicHex, botToken: `discord-token-of-${options.id}` },
    },
    { channel: "discord", connection: id, applicationId, privateKey },
  ];
}

const APPLICATION_ID_MIN = 100_000_000_000;

/** A stable number below a billion for a name. */
function numberOf(name: string): number {
  return [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1_000_000_000, 7);
}
