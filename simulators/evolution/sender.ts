/**
 * Builds Evolution webhooks as the server sends them: envelope, registered headers, `jwt_key` as a Bearer
 * token, by-event paths. Evolution signs nothing; the headers are all the proof there is.
 */
import { createHmac } from "node:crypto";
import type { DeliverySchedule, WebhookRequest } from "../delivery.ts";
import type { EvolutionVersion } from "./versions.ts";
import { TRAITS } from "./versions.ts";

/** A token of `jwt_key` lives ten minutes. Source: Evolution webhook controller. */
const JWT_LIFE_SECONDS = 600;
/** Ten tries, 5 s doubled up to 300 s, jitter of a fifth either way. Source: Evolution WEBHOOK_RETRY_* defaults. */
const TRIES_MAX = 10;
const FIRST_WAIT_MS = 5_000;
const WAIT_MS_MAX = 300_000;
const JITTER = 0.2;
const TIMEOUT_MS = 30_000;
/** These answers end the matter at once. Source: same. */
const FINAL_STATUSES: ReadonlySet<number> = new Set([400, 401, 403, 404, 422]);

/** A webhook as registered with `webhook/set`; `headers.jwt_key` is special. */
export interface EvolutionWebhook {
  readonly url: string;
  readonly enabled?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly byEvents?: boolean;
  readonly base64?: boolean;
  /** UPPER_SNAKE names; empty or absent means all. */
  readonly events?: readonly string[];
}

/** Who sends: the instance, and what of it stands in the envelope. */
export interface EvolutionSender {
  readonly instance: string;
  readonly instanceId: string;
  readonly version: EvolutionVersion;
  readonly serverUrl: string;
  /** JID of the connected number; absent before pairing. */
  readonly owner?: string;
  /** Shown only where the server exposes tokens. */
  readonly exposedApiKey?: string;
}

/**
 * The request for one event. `event` is lower dotted (`messages.upsert`).
 * `nowMs` gives `date_time` (local time with a false Z, like the original) and the token's times.
 */
export function evolutionWebhook(
  sender: EvolutionSender,
  webhook: EvolutionWebhook,
  event: string,
  data: unknown,
  nowMs = Date.now(),
): WebhookRequest {
  const body = JSON.stringify({
    event,
    instance: sender.instance,
    data,
    destination: webhook.url,
    date_time: falseLocalTime(nowMs),
    ...(sender.owner !== undefined && { sender: sender.owner }),
    server_url: sender.serverUrl,
    apikey: sender.exposedApiKey ?? null,
  });
  const path = webhook.byEvents === true ? `/${event.replace(/[._]/g, "-")}` : "";
  return {
    url: `${webhook.url}${path}`,
    method: "POST",
    headers: webhookHeaders(sender, webhook, event, nowMs),
    body,
  };
}

/** `Bearer`-less HS256 token with the claims Evolution gives: iat, exp, app, action. */
export function evolutionJwt(jwtKey: string, nowMs: number): string {
  const iat = Math.floor(nowMs / 1000);
  const claims = { iat, exp: iat + JWT_LIFE_SECONDS, app: "evolution", action: "webhook" };
  const signed = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url(claims)}`;
  return `${signed}.${createHmac("sha256", jwtKey).update(signed).digest("base64url")}`;
}

/** Whether an event is among those the webhook asked for. */
export function isSubscribed(webhook: EvolutionWebhook, event: string): boolean {
  if (webhook.enabled === false) return false;
  const events = webhook.events ?? [];
  return events.length === 0 || events.includes(event.replace(/[^a-z]/gi, "_").toUpperCase());
}

/** The retry schedule; `random` in 0..1 gives the jitter. */
export function evolutionSchedule(random: () => number = Math.random): DeliverySchedule {
  return {
    timeoutMs: TIMEOUT_MS,
    waitMs: (tries, last) => {
      if (tries >= TRIES_MAX) return undefined;
      if (last.status !== undefined && FINAL_STATUSES.has(last.status)) return undefined;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), WAIT_MS_MAX);
      return wait * (1 - JITTER + 2 * JITTER * random());
    },
  };
}

function webhookHeaders(
  sender: EvolutionSender,
  webhook: EvolutionWebhook,
  event: string,
  nowMs: number,
): Record<string, string> {
  const { jwt_key: jwtKey, ...custom } = webhook.headers ?? {};
  return {
    accept: "application/json, text/plain, */*",
    "content-type": "application/json",
    "user-agent": "axios/1.7.9",
    ...(TRAITS[sender.version].instanceHeaders && {
      "x-instance-id": sender.instanceId,
      "x-instance-name": encodeURIComponent(sender.instance),
      "x-event-type": event,
      "x-timestamp": String(nowMs),
    }),
    ...custom,
    ...(jwtKey !== undefined && { authorization: `Bearer ${evolutionJwt(jwtKey, nowMs)}` }),
  };
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Sao Paulo wall-clock time dressed as UTC. */
function falseLocalTime(nowMs: number): string {
  return new Date(nowMs - 3 * 3_600_000).toISOString();
}
