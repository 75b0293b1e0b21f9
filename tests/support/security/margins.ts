/** A hub in which every canary was planted, and every place in which one must not be found. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { temporaryState } from "../../../dev/state.ts";
import { type DevTenantKit, devTenant, ECHO_ROUTE } from "../../../dev/tenants.ts";
import { type SignedWebhook, signedWebhook, type WebhookSource } from "../../../dev/webhooks.ts";
import { startWorld, type World } from "../../../dev/world.ts";
import { TenantInput } from "../../../schema/tenant.ts";
import { type Api, apiOf } from "../channels/api.ts";
import { type Customer, startCustomer } from "../channels/customer.ts";
import { slackEvent } from "../faults.ts";
import { eventually } from "../runtime.ts";
import { CANARY_TEXT, CREDENTIALS, HUB_SECRETS, INSTANCE_KEY, PEOPLE } from "./canaries.ts";
import { type Collector, startCollector } from "./collector.ts";

const ECHOES = { whatsapp: ECHO_ROUTE, slack: ECHO_ROUTE, discord: ECHO_ROUTE };
/** A conversation number whose phone is the canary: `dev/webhooks.ts` counts from 5511900000000. */
const CONVERSATION = Number(PEOPLE.phone) - 5_511_900_000_000;
const FAILING = "acme-failing";

type Row = Readonly<Record<string, unknown>>;

export interface MarginsWorld {
  readonly world: World;
  readonly collector: Collector;
  readonly logs: readonly string[];
  readonly acme: Api;
  readonly globex: Api;
  readonly operator: Api;
  /** Every answer of 400 and above so far, whole. */
  readonly refusals: string[];
  readonly metrics: () => Promise<string>;
  readonly tables: () => Promise<ReadonlyMap<string, readonly Row[]>>;
  /** Content of every file the hub keeps, by path. */
  readonly files: () => ReadonlyMap<string, string>;
  readonly stop: () => Promise<void>;
}

/** Starts it and plants everything; resolves when all of it has been worked off. */
export async function startMarginsWorld(): Promise<MarginsWorld> {
  const stateDir = temporaryState();
  const logs: string[] = [];
  const [collector, customer] = await Promise.all([startCollector(), startCustomer()]);
  const kits = [planted(customer.url), devTenant({ id: "globex", key: "margins", routes: ECHOES })];
  const world = await startWorld({
    stateDir,
    tenants: kits.map((kit) => TenantInput.parse(kit.tenant)),
    sources: kits.flatMap((kit) => kit.sources),
    quietPlatforms: true,
    bindings: {
      ...HUB_SECRETS,
      OTLP_ENDPOINT: collector.url,
      RING_AFTER_MS: "100",
      ATTEMPTS_MAX: "1",
    },
    onLog: (line) => logs.push(line.message),
  });
  const { hub } = world;
  const base = {
    world,
    collector,
    logs,
    acme: apiOf(hub.url, CREDENTIALS.tenantKey),
    globex: apiOf(hub.url, "dev-key-of-globex"),
    operator: apiOf(hub.url, hub.adminKey),
    refusals: [],
    metrics: async () => (await get(`${hub.url}/metrics`, hub.adminKey)).text(),
    tables: () => readTables(world),
    files: () => readFiles(stateDir),
    stop: async () => {
      await world.stop();
      await collector.stop();
      customer.server.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
  await plant(base, kits[0]?.sources ?? [], customer);
  return base;
}

/** The tenant whose everything is a canary. */
function planted(agentUrl: string): DevTenantKit {
  const kit = devTenant({ id: "acme", key: "margins", routes: ECHOES });
  const { webhookSecret, signingSecret } = CREDENTIALS;
  const failing = {
    id: FAILING,
    channel: "whatsapp",
    provider: "evolution",
    instance: FAILING,
    baseUrl: "simulator",
    credentials: { apiKey: CREDENTIALS.evolutionKey, webhookSecret },
    route: { kind: "webhook", url: agentUrl, secret: CREDENTIALS.routeSecret },
  } as const;
  const connections = kit.tenant.connections.map((one) => {
    if (one.channel === "whatsapp") {
      const { evolutionKey: apiKey, jwtKey } = CREDENTIALS;
      return { ...one, credentials: { apiKey, webhookSecret, jwtKey } };
    }
    if (one.channel === "slack") {
      const { slackToken: botToken, clientSecret } = CREDENTIALS;
      return { ...one, credentials: { signingSecret, botToken, clientSecret } };
    }
    return { ...one, credentials: { ...one.credentials, botToken: CREDENTIALS.discordToken } };
  });
  const hive = { kind: "hive", baseUrl: "simulator", agent: "a", apiKey: CREDENTIALS.hiveKey };
  const tenant = {
    ...kit.tenant,
    config: { tracing: { export: true }, route: hive },
    connections: [...connections, failing],
    apiKeys: [{ key: CREDENTIALS.tenantKey, scopes: ["*"] }],
  };
  const sources = kit.sources.map((one): WebhookSource => {
    if (one.channel === "whatsapp") return { ...one, webhookSecret };
    return one.channel === "slack" ? { ...one, signingSecret } : one;
  });
  return { tenant, sources };
}

async function plant(
  world: MarginsWorld,
  sources: readonly WebhookSource[],
  customer: Customer,
): Promise<void> {
  customer.answers.push(...Array.from({ length: 20 }, () => [500, PEOPLE.agentSaid] as const));
  for (const webhook of [...said(sources), ...unreadable(sources)]) {
    const response = await post(world, webhook);
    if (response.status >= 300) throw new Error(`${webhook.path}: ${response.status}`);
    await response.text();
  }
  const sent = await world.acme.post("/messages/send", {
    connection: "acme-whatsapp",
    to: PEOPLE.phone,
    text: CANARY_TEXT,
  });
  if (sent.status !== 202) throw new Error(`send: ${JSON.stringify(sent)}`);
  await askWrongly(world, sources);
  await eventually("all of it answered or dead", () => workedOff(world), 30_000);
}

/** One message through every channel, and one to an agent that fails. */
function said(sources: readonly WebhookSource[]): readonly SignedWebhook[] {
  const message = { conversation: CONVERSATION, number: 1, text: CANARY_TEXT, atMs: Date.now() };
  return sources.flatMap((source) => {
    if (source.channel === "slack") {
      const profile = { real_name: PEOPLE.name, email: PEOPLE.mail };
      const event = { type: "message", channel_type: "im", channel: "D1", ts: "1795300000.000001" };
      return [
        slackEvent(source, { ...event, user: "U1", text: CANARY_TEXT, user_profile: profile }),
      ];
    }
    const webhook = named(signedWebhook(source, message));
    if (source.channel === "discord") return [signedWebhook(source, message)];
    const failing = { ...source, connection: FAILING, instance: FAILING };
    return [webhook, named(signedWebhook(failing, message))];
  });
}

/** Evolution's own envelope carries the instance's key, and the person's name. */
function named(webhook: SignedWebhook): SignedWebhook {
  const body = webhook.body
    .replace('"apikey":null', `"apikey":"${INSTANCE_KEY}"`)
    .replace(/"pushName":"[^"]*"/, `"pushName":"${PEOPLE.name}"`);
  return { ...webhook, body };
}

/** Rightly proven and impossible to read: kept whole as a dead letter. */
function unreadable(sources: readonly WebhookSource[]): readonly SignedWebhook[] {
  const source = sources.find((one) => one.channel === "whatsapp");
  if (!source) throw new Error("no WhatsApp source");
  const message = { conversation: CONVERSATION, number: 2, text: CANARY_TEXT, atMs: Date.now() };
  const webhook = named(signedWebhook(source, message));
  return [{ ...webhook, body: webhook.body.slice(0, -1) }];
}

/** Every kind of refusal, with canaries in the values of what was asked: paths and names are told back. */
async function askWrongly(world: MarginsWorld, sources: readonly WebhookSource[]): Promise<void> {
  const { acme, globex, refusals } = world;
  const { evolutionKey: apiKey, slackToken, serverKey, hiveKey } = CREDENTIALS;
  const wrong = { channel: "whatsapp", provider: "evolution", baseUrl: "simulator", instance: "n" };
  const answers = [
    await acme.post("/tenants/acme/connections", {
      ...wrong,
      id: "x",
      credentials: { apiKey, webhookSecret: 5, token: slackToken },
    }),
    await acme.post("/instances/create", {
      ...wrong,
      id: "y",
      number: PEOPLE.phone,
      credentials: { apiKey: serverKey, webhookSecret: CREDENTIALS.webhookSecret },
    }),
    await acme.patch("/tenants/acme", { config: { route: { kind: "hive", apiKey: hiveKey } } }),
    await acme.post("/messages/send", { connection: "none", to: PEOPLE.phone, text: CANARY_TEXT }),
    await acme.post("/messages/send", {
      to: PEOPLE.phone,
      text: CANARY_TEXT,
      reply_to: { a: PEOPLE.name },
    }),
    await acme.post("/messages/preview", { content: CANARY_TEXT, text: [PEOPLE.mail] }),
    await globex.get(`/messages/history?conversation=${PEOPLE.phone}`),
    await globex.post("/messages/send", { connection: "acme-slack", to: PEOPLE.phone, text: "x" }),
    await apiOf(world.world.hub.url, `${CREDENTIALS.tenantKey}0`).get("/messages/history"),
  ];
  for (const { status, body } of answers) {
    if (status < 400) throw new Error(`accepted: ${JSON.stringify(body)}`);
    refusals.push(JSON.stringify(body));
  }
  for (const webhook of said(sources)) {
    const spoiled = Object.entries(webhook.headers).map(([name, value]) => [
      name,
      /secret|signature/.test(name) ? `${value}0` : value,
    ]);
    const response = await post(world, { ...webhook, headers: Object.fromEntries(spoiled) });
    if (response.status !== 401) throw new Error(`not refused: ${response.status}`);
    refusals.push(await response.text());
  }
}

/** Four echoes or failures of what was said, and the send. */
async function workedOff({ world, collector }: MarginsWorld): Promise<true | undefined> {
  const db = await world.hub.mf.getD1Database("DB");
  const row = await db
    .prepare(
      `SELECT (SELECT count(*) FROM messages WHERE direction = 'outbound' AND status = 'sent') AS sent,
       (SELECT count(DISTINCT stage) FROM dead_letters) AS stages`,
    )
    .first<{ sent: number; stages: number }>();
  return row && row.sent >= 4 && row.stages >= 2 && collector.bodies.length > 0 ? true : undefined;
}

function post(world: MarginsWorld, webhook: SignedWebhook): Promise<Response> {
  const { path, headers, body } = webhook;
  return fetch(world.world.hub.url + path, { method: "POST", headers: { ...headers }, body });
}

function get(url: string, key: string): Promise<Response> {
  return fetch(url, { headers: { authorization: `Bearer ${key}` } });
}

async function readTables({ hub }: World): Promise<ReadonlyMap<string, readonly Row[]>> {
  const db = await hub.mf.getD1Database("DB");
  const names = await db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%cf_%'")
    .all<{ name: string }>();
  const tables = new Map<string, readonly Row[]>();
  for (const { name } of names.results) {
    tables.set(name, (await db.prepare(`SELECT * FROM "${name}"`).all<Row>()).results);
  }
  return tables;
}

function readFiles(directory: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // The development hub's own secrets lie there on purpose; these are given by the test.
    if (entry.isFile() && entry.name !== "secrets.json") {
      files.set(path.slice(directory.length), readFileSync(path, "latin1"));
    }
  }
  return files;
}
