/**
 * Renews Slack's rotating bot tokens, which end after twelve hours (Slack docs: token rotation). A refresh
 * token works once, so its successor is stored before anything else is done; renewing runs here and nowhere
 * else, one connection after the other. `webhook_digest` remembers when a connection was last looked at.
 */
import { readRefresh, refreshRequest, type SlackTokens } from "../../channels/slack/oauth.ts";
import { isHubError } from "../../domain/errors.ts";
import { noteCall } from "../../platform/audit-calls.ts";
import { callOnce } from "../../platform/http.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { noteState } from "../../platform/repositories/connection-state.ts";
import {
  findConnection,
  type StoredConnection,
  updateConnection,
} from "../../platform/repositories/connections.ts";
import type { SlackConnection } from "../../schema/connection.ts";
import { worldOf } from "../instances/stored.ts";
import { isolateOf } from "../isolate.ts";

/** A token is renewed when it is so old, in ms: half its life. */
const RENEW_AFTER_MS = 6 * 3_600_000;
const CONNECTIONS_PER_RUN = 50;
/** A refusal is looked at again after, in ms. */
const RETRY_AFTER_MS = 15 * 60_000;
/** Somebody may change the connection while its token is renewed. */
const STORE_ATTEMPTS_MAX = 3;
const TIME_DIGITS = 15;

/** One run. A connection's failure never holds up the others. */
export async function renewSlackTokens(env: Env, nowMs: number): Promise<void> {
  const { results } = await env.DB.prepare(
    `SELECT c.id FROM connections c JOIN tenants t ON t.id = c.tenant_id AND t.active = 1
     WHERE c.provider = 'slack' AND c.active = 1 AND coalesce(c.webhook_digest, '') < ?1
     ORDER BY coalesce(c.webhook_digest, '') LIMIT ${CONNECTIONS_PER_RUN}`,
  )
    .bind(timeText(nowMs))
    .all<{ id: string }>();
  for (const { id } of results) await renewOne(env, id, nowMs);
}

async function renewOne(env: Env, id: string, nowMs: number): Promise<void> {
  const { vault } = isolateOf(env);
  const stored = await findConnection({ db: env.DB, vault }, id);
  if (stored?.input.channel !== "slack") return;
  let outcome = "failed";
  try {
    outcome = await renew(env, stored, stored.input, nowMs);
  } catch {
    count("connection_changes_total", { channel: "slack", state: "token_not_renewed" });
  }
  const waitMs = outcome === "failed" ? RETRY_AFTER_MS : RENEW_AFTER_MS;
  await remember(env.DB, stored, nowMs + waitMs);
  if (outcome !== "static") {
    logLine("token.renewed", { tenant: stored.row.tenantId, connection: id, outcome });
  }
}

async function renew(
  env: Env,
  stored: StoredConnection,
  { credentials }: SlackConnection,
  nowMs: number,
): Promise<"static" | "renewed" | "refused" | "failed"> {
  const { vars, vault } = isolateOf(env);
  const clientId = credentials.clientId ?? vars.SLACK_CLIENT_ID;
  const clientSecret = credentials.clientSecret ?? vars.SLACK_CLIENT_SECRET;
  if (credentials.refreshToken === undefined || !clientId || !clientSecret) return "static";
  const { baseUrl } = worldOf({ callOnce, vars }, stored).connection;
  const app = { clientId, clientSecret, ...(baseUrl === undefined ? {} : { baseUrl }) };
  const startMs = Date.now();
  const answer = await callOnce(refreshRequest(app, credentials.refreshToken));
  const tokens = answer.ok ? readRefresh(answer.status, answer.body, nowMs) : undefined;
  noteCall(stored.row.tenantId, {
    ...{ action: "oauth.renew", actor: { kind: "system" }, startMs },
    target: { connection: stored.row.id },
    failure: tokens?.ok ? undefined : { code: "not_renewed", refused: answer.ok },
    status: answer.ok ? answer.status : undefined,
  });
  if (!(answer.ok && tokens)) return "failed";
  if (!tokens.ok) {
    if (answer.status !== 200) return "failed";
    await noteState(env.DB, stored.row.tenantId, stored.row.id, "revoked", "token_not_renewed");
    return "refused";
  }
  await keep({ db: env.DB, vault }, stored, tokens.value, nowMs);
  isolateOf(env).directory.forget(stored.row.id);
  return "renewed";
}

type Store = Parameters<typeof updateConnection>[0];

/** Stores the pair, whatever else was changed meanwhile. Throws where it could not be stored at all. */
async function keep(
  store: Store,
  before: StoredConnection,
  { botToken, refreshToken }: SlackTokens,
  nowMs: number,
): Promise<void> {
  let current: StoredConnection | undefined = before;
  for (let attempt = 1; current?.input.channel === "slack"; attempt++) {
    const credentials = {
      ...current.input.credentials,
      botToken,
      ...(refreshToken === undefined ? {} : { refreshToken }),
    };
    try {
      await updateConnection(store, current.row, { ...current.input, credentials }, nowMs);
      return;
    } catch (error) {
      const raced = isHubError(error) && error.code === "precondition_failed";
      if (!raced || attempt >= STORE_ATTEMPTS_MAX) throw error;
      current = await findConnection(store, before.row.id);
    }
  }
}

/** Not a change of the resource: its ETag stays. */
async function remember(db: D1Database, { row }: StoredConnection, againMs: number): Promise<void> {
  await db
    .prepare("UPDATE connections SET webhook_digest = ?1 WHERE id = ?2 AND tenant_id = ?3")
    .bind(timeText(againMs), row.id, row.tenantId)
    .run();
}

function timeText(ms: number): string {
  return String(Math.max(0, ms)).padStart(TIME_DIGITS, "0");
}
