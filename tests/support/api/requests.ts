/**
 * One request per operation that succeeds for the tenant it is made for. What an operation uses up (a
 * connection to delete, a dead letter to replay) is made anew each time.
 */
import { randomBytes } from "node:crypto";
import { ARCHIVE_REQUESTS } from "./archive.ts";
import { DELIVERY_REQUESTS } from "./deliveries.ts";
import { insertDeadLetter, makeKey, type Planted } from "./plant.ts";
import { PUBLISHING_REQUESTS } from "./publishing.ts";
import { REPLAY_REQUESTS } from "./replays.ts";
import { SCHEDULE_REQUESTS } from "./schedules.ts";
import { SUBSCRIPTION_REQUESTS } from "./subscriptions.ts";
import { TASK_REQUESTS } from "./tasks.ts";
import { WORKFLOW_REQUESTS } from "./workflows.ts";
import type { PlantedWorld } from "./world.ts";

export interface ApiRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

type Maker = (world: PlantedWorld, mine: Planted) => ApiRequest | Promise<ApiRequest>;

/** The path with its parameters filled in, percent-encoded. */
export function pathOf(template: string, params: Readonly<Record<string, string>> = {}): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((params[name] ?? name).toWellFormed()),
  );
}

const ofTenant: Maker = (_, { tenant }) => ({ params: { tenant } });
const ofMessage: Maker = (_, { message }) => ({ params: { message } });
const ofConversation: Maker = (_, { conversation }) => ({ params: { conversation } });
const ofInstance: Maker = (_, { connections }) => ({ params: { id: connections.whatsapp } });
const nothing: Maker = () => ({});

/** By operationId. */
export const REQUESTS: Readonly<Record<string, Maker>> = {
  ...DELIVERY_REQUESTS,
  ...PUBLISHING_REQUESTS,
  listTenants: nothing,
  createTenant: () => ({ body: { id: fresh("tenant") } }),
  getTenant: ofTenant,
  updateTenant: (_, { tenant, word }) => ({ params: { tenant }, body: { name: `${word} Ltd` } }),
  deleteTenant: async (world) => {
    const id = fresh("tenant");
    await world.must("POST", "/tenants", { id });
    return { params: { tenant: id } };
  },
  rotateTenantKeys: ofTenant,
  listAudit: nothing,
  verifyAudit: nothing,
  exportAudit: nothing,
  listConnections: ofTenant,
  createConnection: (_, { tenant }) => ({ params: { tenant }, body: slackConnection() }),
  getConnection: (_, { tenant, connections }) => ({
    params: { tenant, connection: connections.slack },
  }),
  deleteConnection: freshConnection,
  updateConnection: async (world, mine) => ({
    ...(await freshConnection(world, mine)),
    body: { humanPauseMs: 1000 },
  }),
  createApiKey: (_, { tenant }) => ({
    params: { tenant },
    body: { name: "a key", scopes: ["tenants:read"] },
  }),
  listApiKeys: ofTenant,
  revokeApiKey: async (world, { tenant, word }) => ({
    params: { tenant, key: (await makeKey(world, tenant, word)).id },
  }),
  listAccessRules: ofTenant,
  createAccessRule: (_, { tenant, connections }) => ({
    params: { tenant },
    body: { effect: "block", pattern: fresh("sender"), connection: connections.slack },
  }),
  getAccessRule: (_, { tenant, rule }) => ({ params: { tenant, rule } }),
  updateAccessRule: async (world, mine) => ({
    ...(await freshRule(world, mine)),
    body: { note: "changed", connection: mine.connections.slack },
  }),
  deleteAccessRule: freshRule,
  createInstance: () => ({ body: evolutionInstance() }),
  getInstance: ofInstance,
  deleteInstance: freshInstance,
  getInstanceQr: ofInstance,
  connectInstance: ofInstance,
  restartInstance: ofInstance,
  logoutInstance: freshInstance,
  startSlackInstall: (_, { connections }) => ({ query: { connection: connections.slack } }),
  finishSlackInstall: () => ({ query: { state: "not-a-state" } }),
  previewRoute: (_, { tenant, connections }) => ({
    params: { tenant },
    body: { connection: connections.slack, text: "hello" },
  }),
  getHealth: nothing,
  getMetrics: nothing,
  sendMessage: (_, { connections }) => ({
    body: { connection: connections.slack, to: "C1", text: "hello" },
  }),
  takeUnifiedMessage: (_, { tenant, connections }) => ({
    body: unifiedMessage(tenant, connections.slack),
  }),
  listMessages: (_, { conversation, connections }) => ({
    query: { conversation, connection: connections.whatsapp },
  }),
  listTenantMessages: (_, { tenant, conversation }) => ({
    params: { tenant },
    query: { conversation },
  }),
  getMessage: ofMessage,
  getMessageMedia: (_, { message }) => ({ params: { message, index: "0" } }),
  getMessageTimeline: ofMessage,
  listConversations: (_, { connections }) => ({ query: { connection: connections.whatsapp } }),
  getConversation: ofConversation,
  pauseConversation: (_, { conversation }) => ({ params: { conversation }, body: { ttlMs: 1000 } }),
  resumeConversation: ofConversation,
  setConversationSettings: (_, { conversation }) => ({
    params: { conversation },
    body: { policy: { kind: "serial" } },
  }),
  listAlertRules: nothing,
  createAlertRule: () => ({ body: alertRule() }),
  getAlertRule: freshAlertRule,
  replaceAlertRule: async (world, mine) => ({
    ...(await freshAlertRule(world, mine)),
    body: alertRule(),
  }),
  deleteAlertRule: freshAlertRule,
  ...ARCHIVE_REQUESTS,
  listDeadLetters: (_, { connections, conversation }) => ({
    query: { connection: connections.slack, conversation },
  }),
  getDeadLetter: (_, { deadLetter }) => ({ params: { deadLetter } }),
  discardDeadLetter: freshDeadLetter,
  replayDeadLetter: freshDeadLetter,
  replayDeadLetters: (_, { connections }) => ({
    body: { connection: connections.slack, dryRun: true },
  }),
  groupDeadLetters: (_, { connections }) => ({ query: { connection: connections.slack } }),
  ...REPLAY_REQUESTS,
  ...SUBSCRIPTION_REQUESTS,
  ...TASK_REQUESTS,
  ...SCHEDULE_REQUESTS,
  ...WORKFLOW_REQUESTS,
};

async function freshConnection(world: PlantedWorld, { tenant }: Planted): Promise<ApiRequest> {
  const body = slackConnection();
  await world.must("POST", `/tenants/${tenant}/connections`, body);
  return { params: { tenant, connection: body.id } };
}

async function freshInstance(world: PlantedWorld, { tenant }: Planted): Promise<ApiRequest> {
  const body = evolutionInstance();
  await world.must("POST", "/instances/create", { ...body, tenant });
  return { params: { id: body.id } };
}

async function freshRule(world: PlantedWorld, { tenant }: Planted): Promise<ApiRequest> {
  const rule = { effect: "block", pattern: fresh("sender") };
  const { body } = await world.must("POST", `/tenants/${tenant}/access-rules`, rule);
  return { params: { tenant, rule: body.id } };
}

async function freshDeadLetter(
  world: PlantedWorld,
  { tenant, word }: Planted,
): Promise<ApiRequest> {
  return { params: { deadLetter: await insertDeadLetter(world, tenant, word) } };
}

/** A message as `POST /messages/unified` takes it. */
export function unifiedMessage(tenant: string, connection: string) {
  return {
    id: fresh("message"),
    source: "slack",
    tenant,
    connection,
    content: { text: "hello", media: [], metadata: {} },
    timestamp: new Date().toISOString(),
    sender: { id: "U1", aliases: [] },
    conversation_key: "C1",
  };
}

function slackConnection() {
  const id = fresh("slack");
  return {
    id,
    channel: "slack",
    teamId: `T${id.replaceAll("-", "").toUpperCase()}`,
    baseUrl: "simulator",
    credentials: { signingSecret: "s", botToken: `xoxb-${id}` },
  };
}

function evolutionInstance() {
  const id = fresh("evolution");
  return {
    id,
    channel: "whatsapp",
    provider: "evolution",
    instance: id,
    baseUrl: "simulator",
    credentials: { apiKey: "evolution-global-key", webhookSecret: "w" },
  };
}

/** A name nobody has yet. */
export function fresh(kind: string): string {
  return `${kind}-${randomBytes(5).toString("hex")}`;
}

function alertRule() {
  return { name: "behind", metric: "oldest_ready_age_seconds", threshold: 60 };
}

async function freshAlertRule(world: PlantedWorld, { tenant }: Planted): Promise<ApiRequest> {
  const { body } = await world.must("POST", `/alert-rules?tenant=${tenant}`, alertRule());
  return { params: { rule: body.id } };
}
