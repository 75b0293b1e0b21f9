/**
 * Installing the hub's Slack app into a tenant's workspace: a key holder asks for the consent page, a
 * person agrees there, Slack comes back with a code, and the connection is stored. The state that
 * travels through the browser is signed, names tenant and connection, and lives ten minutes.
 */
import * as z from "zod";
import {
  authorizeUrl,
  exchangeRequest,
  identityRequest,
  readIdentity,
  readInstallation,
  type SlackApp,
  type SlackInstallation,
} from "../../channels/slack/oauth.ts";
import { HubError } from "../../domain/errors.ts";
import { openSigned, signText } from "../../domain/security/signed-text.ts";
import { noteCall } from "../../platform/audit-calls.ts";
import { noteState } from "../../platform/repositories/connection-state.ts";
import { viewConnection } from "../../platform/repositories/connection-view.ts";
import {
  createConnection,
  findConnection,
  type StoredConnection,
  updateConnection,
} from "../../platform/repositories/connections.ts";
import { ConnectionView } from "../../schema/api/connections.ts";
import { Id, SlackConnection } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";
import { ask, refusal, tryAsk, type World } from "../instances/lifecycle.ts";

const STATE_MS = 10 * 60_000;
const PURPOSE = "slack-install";
const CALLBACK_PATH = "/oauth/slack/callback";

const State = z.strictObject({ tenant: Id, connection: Id.optional(), untilMs: z.int() });
type State = z.infer<typeof State>;

const StartQuery = z.strictObject({ connection: Id.optional() });
const CallbackQuery = z.object({
  state: z.string().max(2048),
  code: z.string().max(512).optional(),
  error: z.string().max(200).optional(),
});

export function registerOAuth(api: Api, deps: ApiDeps): void {
  api.route({
    id: "startSlackInstall",
    method: "get",
    path: "/oauth/slack/start",
    tag: "instances",
    summary: "Go to Slack's consent page",
    description:
      "Redirects; with `accept: application/json` answers `{url}`. Without `connection` the installed workspace becomes a new one.",
    access: { scope: "instances:write", tenant: "key" },
    query: StartQuery,
    responses: {
      200: { description: "The page to open", schema: z.object({ url: z.string() }) },
      302: { description: "To Slack" },
    },
    handle: async ({ tenant, query, request, nowMs }) => {
      if (query.connection !== undefined) await needSlack(deps, tenant, query.connection);
      const state: State = { tenant, untilMs: nowMs + STATE_MS, ...query };
      const url = authorizeUrl({
        ...appOf(deps),
        redirectUri: deps.vars.PUBLIC_URL + CALLBACK_PATH,
        state: await signText(deps.vars.ID_SECRET, PURPOSE, JSON.stringify(state)),
      });
      const wantsJson = request.headers.get("accept")?.includes("application/json") ?? false;
      return wantsJson ? json(200, { url }) : Response.redirect(url, 302);
    },
  });
  api.route({
    id: "finishSlackInstall",
    method: "get",
    path: CALLBACK_PATH,
    tag: "instances",
    summary: "Where Slack comes back with a code",
    access: "public",
    query: CallbackQuery,
    responses: {
      200: { description: "The connection", schema: ConnectionView },
      502: { description: "Slack refused or failed" },
      504: { description: "Slack did not answer in time" },
    },
    handle: async ({ query, nowMs }) => {
      const state = await openState(deps, query.state, nowMs);
      if (query.code === undefined) throw new HubError("unprocessable", "Slack sent no code");
      const stored = await install(deps, state, query.code, nowMs);
      return json(200, viewConnection(stored, deps.vars.PUBLIC_URL));
    },
  });
}

async function openState(deps: ApiDeps, token: string, nowMs: number): Promise<State> {
  const text = await openSigned(deps.vars.ID_SECRET, PURPOSE, token);
  const state = text === undefined ? undefined : State.parse(JSON.parse(text));
  if (state && nowMs < state.untilMs) return state;
  throw new HubError("bad_request", "the state is not ours or too old: start again");
}

async function install(
  deps: ApiDeps,
  state: State,
  code: string,
  nowMs: number,
): Promise<StoredConnection> {
  const app = appOf(deps);
  const world: World = { callOnce: deps.callOnce, webhookUrl: "" };
  const redirectUri = deps.vars.PUBLIC_URL + CALLBACK_PATH;
  const startMs = Date.now();
  const exchanged = await tryAsk(world, exchangeRequest(app, code, redirectUri), (status, body) =>
    readInstallation(status, body, nowMs),
  );
  noteCall(state.tenant, {
    ...{ action: "oauth.exchange", actor: { kind: "system" }, startMs },
    target: state.connection === undefined ? {} : { connection: state.connection },
    failure: exchanged.ok ? undefined : { code: exchanged.failure.reason, refused: true },
  });
  if (!exchanged.ok) throw refusal(exchanged.failure);
  const installation = exchanged.value;
  const who = await ask(world, identityRequest(installation.botToken, app.baseUrl), readIdentity);
  const stored = await store(deps, state, installation, who, nowMs);
  await noteState(deps.env.DB, state.tenant, stored.row.id, "open", null);
  deps.directory.forget(stored.row.id);
  return { ...stored, row: { ...stored.row, state: "open", stateDetail: null } };
}

/** Into the connection the state names, else the tenant's connection to this workspace, else a new one. */
async function store(
  deps: ApiDeps,
  state: State,
  installation: SlackInstallation,
  who: { readonly botUserId: string; readonly botId?: string },
  nowMs: number,
): Promise<StoredConnection> {
  const { env, vault } = deps;
  const { appId, teamId, enterpriseId, botToken, refreshToken } = installation;
  const id = state.connection ?? `slack-${state.tenant}-${teamId}`.slice(0, 64);
  await needFree(deps, state.tenant, teamId);
  const before = await findConnection({ db: env.DB, vault }, id);
  if (before && before.row.tenantId !== state.tenant) throw new HubError("conflict");
  const current =
    before?.input.channel === "slack" ? before.input : newConnection(deps, id, teamId);
  const input = SlackConnection.parse({
    ...current,
    teamId,
    appId,
    botUserId: who.botUserId,
    ...(who.botId === undefined ? {} : { botId: who.botId }),
    ...(enterpriseId === undefined ? {} : { enterpriseId }),
    credentials: {
      ...current.credentials,
      botToken,
      ...(refreshToken === undefined ? {} : { refreshToken }),
    },
  });
  if (!before) return createConnection({ db: env.DB, vault }, state.tenant, input, nowMs);
  return updateConnection({ db: env.DB, vault }, before.row, input, nowMs);
}

/**
 * Every workspace's events come to one address, signed with one secret: were a workspace connected by two
 * tenants, nothing could tell whose an event is. Throws `conflict` where another tenant has it. Connections
 * with a secret of their own take nothing away.
 */
async function needFree({ env, vault, vars }: ApiDeps, tenant: string, team: string) {
  const { results } = await env.DB.prepare(
    "SELECT id FROM connections WHERE provider = 'slack' AND address = ?1 AND tenant_id <> ?2",
  )
    .bind(team, tenant)
    .all<{ id: string }>();
  for (const { id } of results) {
    const other = await findConnection({ db: env.DB, vault }, id);
    if (other?.input.channel !== "slack") continue;
    if (other.input.credentials.signingSecret === vars.SLACK_SIGNING_SECRET)
      throw new HubError("conflict", "this workspace is connected elsewhere");
  }
}

function newConnection({ vars }: ApiDeps, id: string, teamId: string): SlackConnection {
  return {
    id,
    channel: "slack",
    teamId,
    ...(vars.SIMULATORS?.slack ? { baseUrl: "simulator" } : {}),
    credentials: {
      signingSecret: vars.SLACK_SIGNING_SECRET,
      clientId: vars.SLACK_CLIENT_ID,
      clientSecret: vars.SLACK_CLIENT_SECRET,
    },
  };
}

async function needSlack({ env, vault }: ApiDeps, tenant: string, id: string): Promise<void> {
  const stored = await findConnection({ db: env.DB, vault }, id);
  if (stored?.row.tenantId !== tenant) throw new HubError("not_found");
  if (stored.row.channel !== "slack") {
    throw new HubError("unprocessable", "this connection is not of Slack");
  }
}

function appOf({ vars }: ApiDeps): SlackApp {
  const { SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: clientSecret } = vars;
  if (!clientId || !clientSecret || !vars.SLACK_SIGNING_SECRET) {
    throw new HubError(
      "unprocessable",
      "no Slack app is configured (SLACK_CLIENT_ID and its secrets)",
    );
  }
  const baseUrl = vars.SIMULATORS?.slack;
  return { clientId, clientSecret, ...(baseUrl === undefined ? {} : { baseUrl }) };
}
