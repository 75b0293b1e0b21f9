/**
 * Mends webhook registrations that somebody changed at the platform: asks for what is registered, and
 * registers again where it is not ours. A few connections per run, the longest unchecked first;
 * `webhook_digest` remembers when each was looked at.
 */

import {
  findWebhookRequest,
  readDone,
  readRegistration,
  registrationKey,
  setWebhookRequest,
  wantedRegistration,
} from "../../channels/whatsapp/instances.ts";
import {
  applicationRequest,
  readApplication,
  setInteractionsUrlRequest,
} from "../../domain/connections/discord-application.ts";
import { hashApiKey } from "../../domain/security/api-key.ts";
import { callOnce } from "../../platform/http.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { findConnection, type StoredConnection } from "../../platform/repositories/connections.ts";
import type { DiscordConnection, WhatsappConnection } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { ask, type World } from "../instances/lifecycle.ts";
import { worldOf } from "../instances/stored.ts";
import { isolateOf } from "../isolate.ts";

/** Connections looked at per run (every 5 minutes). */
const CONNECTIONS_PER_RUN = 50;
/** A connection is not looked at again before. */
const CHECK_INTERVAL_MS = 15 * 60_000;
const CONCURRENT_MAX = 5;
/** Digits of the time that `webhook_digest` begins with, so that text order is the order of time. */
const TIME_DIGITS = 15;

export interface DriftSummary {
  readonly checked: number;
  readonly repaired: number;
  readonly failed: number;
}

type DriftDeps = Pick<ApiDeps, "env" | "vars" | "vault" | "callOnce">;

/** One run. Never rejects for a platform's failure: that connection is counted and tried again later. */
export async function repairDrift(
  env: Env,
  nowMs: number,
  call: ApiDeps["callOnce"] = callOnce,
): Promise<DriftSummary> {
  const { vars, vault } = isolateOf(env);
  const deps: DriftDeps = { env, vars, vault, callOnce: call };
  const ids = await dueConnections(env.DB, nowMs);
  const outcomes: Outcome[] = [];
  for (let at = 0; at < ids.length; at += CONCURRENT_MAX) {
    const group = ids.slice(at, at + CONCURRENT_MAX);
    outcomes.push(...(await Promise.all(group.map((id) => repairOne(deps, id, nowMs)))));
  }
  const tally = (outcome: Outcome) => outcomes.filter((each) => each === outcome).length;
  const summary = {
    checked: outcomes.length,
    repaired: tally("repaired"),
    failed: tally("failed"),
  };
  if (summary.repaired + summary.failed > 0) {
    logLine("drift.checked", { items: summary.checked, failures: summary.failed });
  }
  return summary;
}

type Outcome = "ours" | "repaired" | "failed" | "skipped";

async function dueConnections(db: D1Database, nowMs: number): Promise<readonly string[]> {
  const before = timeText(nowMs - CHECK_INTERVAL_MS);
  const { results } = await db
    .prepare(
      `SELECT c.id FROM connections c JOIN tenants t ON t.id = c.tenant_id AND t.active = 1
       WHERE c.provider IN ('evolution', 'discord') AND c.active = 1
       AND coalesce(c.webhook_digest, '') < ?1
       ORDER BY coalesce(c.webhook_digest, '') LIMIT ${CONNECTIONS_PER_RUN}`,
    )
    .bind(before)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

async function repairOne(deps: DriftDeps, id: string, nowMs: number): Promise<Outcome> {
  const stored = await findConnection({ db: deps.env.DB, vault: deps.vault }, id);
  if (!stored) return "skipped";
  const { outcome, digest } = await tryRepair(deps, stored);
  await remember(deps.env.DB, stored, `${timeText(nowMs)}:${digest}`);
  const { provider: channel, tenantId: tenant } = stored.row;
  if (outcome === "repaired") {
    count("connection_changes_total", { channel, state: "webhook_repaired" });
  }
  if (outcome === "repaired" || outcome === "failed") {
    logLine("webhook.repaired", { tenant, connection: id, provider: channel, outcome });
  }
  return outcome;
}

async function tryRepair(
  deps: DriftDeps,
  stored: StoredConnection,
): Promise<{ readonly outcome: Outcome; readonly digest: string }> {
  try {
    const { world, connection } = worldOf(deps, stored);
    if (connection.channel === "whatsapp") return await repairEvolution(world, connection);
    if (connection.channel === "discord") return await repairDiscord(world, connection);
    return { outcome: "skipped", digest: "" };
  } catch {
    return { outcome: "failed", digest: "failed" };
  }
}

async function repairEvolution(world: World, connection: WhatsappConnection) {
  if (!connection.baseUrl) return { outcome: "skipped", digest: "" } as const;
  const wanted = wantedRegistration(connection, world.webhookUrl);
  const found = await ask(world, findWebhookRequest(connection), readRegistration);
  const digest = await hashApiKey(registrationKey(wanted));
  if (found && registrationKey(found) === registrationKey(wanted)) {
    return { outcome: "ours", digest } as const;
  }
  await ask(world, setWebhookRequest(connection, wanted), readDone);
  return { outcome: "repaired", digest } as const;
}

async function repairDiscord(world: World, connection: DiscordConnection) {
  if (connection.credentials.botToken === undefined) {
    return { outcome: "skipped", digest: "" } as const;
  }
  const { interactionsUrl } = await ask(world, applicationRequest(connection), readApplication);
  const digest = await hashApiKey(world.webhookUrl);
  if (interactionsUrl === world.webhookUrl) return { outcome: "ours", digest } as const;
  const request = setInteractionsUrlRequest(connection, world.webhookUrl);
  await ask(world, request, readApplication);
  return { outcome: "repaired", digest } as const;
}

/** Not a change of the resource: its ETag stays. */
async function remember(db: D1Database, { row }: StoredConnection, digest: string): Promise<void> {
  await db
    .prepare("UPDATE connections SET webhook_digest = ?1 WHERE id = ?2 AND tenant_id = ?3")
    .bind(digest, row.id, row.tenantId)
    .run();
}

function timeText(ms: number): string {
  return String(Math.max(0, ms)).padStart(TIME_DIGITS, "0");
}
