/**
 * The life of an Evolution instance, as descriptions of its REST calls and readers of their answers:
 * create, connect, state, restart, logout, delete, and the registration of our webhook. Nothing is sent
 * here (Evolution API v2 REST; v1 differs in the flat webhook form and a PUT for restart).
 */
import { fail, ok, type Result } from "../../domain/result.ts";
import type { WhatsappConnection } from "../../schema/connection.ts";
import type { OutboundRequest } from "../../schema/outbound.ts";

/** Events our adapter reads. `events: []` would mean all of them, which is noisy. */
export const EVOLUTION_EVENTS = [
  "MESSAGES_UPSERT",
  "MESSAGES_UPDATE",
  "MESSAGES_EDITED",
  "MESSAGES_DELETE",
  "SEND_MESSAGE",
  "CONNECTION_UPDATE",
  "QRCODE_UPDATED",
  "STATUS_INSTANCE",
  "LOGOUT_INSTANCE",
  "REMOVE_INSTANCE",
] as const;

/** A webhook registration, whichever version's names it came in. */
export interface Registration {
  readonly enabled: boolean;
  readonly url: string;
  readonly events: readonly string[];
  readonly byEvents: boolean;
  readonly base64: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

export interface QrCode {
  /** The text behind the picture. */
  readonly code?: string;
  /** A data URI of the picture. */
  readonly base64?: string;
  readonly pairingCode?: string;
}

export type InstanceState = "open" | "connecting" | "closed" | "unknown";

/** `failed` may be tried again; the others will not change by repeating. */
type InstanceFailure = {
  readonly reason: "unauthorized" | "not_found" | "name_taken" | "refused" | "failed";
  readonly detail: string;
};

type InstanceResult<T> = Result<T, InstanceFailure>;

/** Creating with a QR code takes some 5 s. */
const CREATE_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 15_000;
const DETAIL_CHARS_MAX = 200;

/** What we want to be registered for this connection. The secret headers prove that a webhook is from there. */
export function wantedRegistration(connection: WhatsappConnection, url: string): Registration {
  const { webhookSecret, jwtKey } = connection.credentials;
  return {
    enabled: true,
    url,
    events: EVOLUTION_EVENTS,
    byEvents: false,
    base64: false,
    headers: {
      ...(webhookSecret === undefined ? {} : { "x-webhook-secret": webhookSecret }),
      ...(jwtKey === undefined ? {} : { jwt_key: jwtKey }),
    },
  };
}

/** Creates the instance with its webhook. Answers 201, or 403 where the name is taken. */
export function createRequest(
  connection: WhatsappConnection,
  registration: Registration,
  options: { readonly number?: string } = {},
): OutboundRequest {
  const { enabled, url, events, byEvents, base64, headers } = registration;
  const webhook =
    connection.version === "1"
      ? { webhook: url, webhook_by_events: byEvents, webhook_base64: base64, events }
      : { webhook: { enabled, url, headers, byEvents, base64, events } };
  return call(connection, "POST", "/instance/create", "create", {
    timeoutMs: CREATE_TIMEOUT_MS,
    json: {
      instanceName: connection.instance,
      integration: "WHATSAPP-BAILEYS",
      qrcode: true,
      ...(options.number === undefined ? {} : { number: options.number }),
      ...webhook,
    },
  });
}

/** Starts a connection and asks for its QR code; with a number also for a pairing code. */
export function connectRequest(connection: WhatsappConnection, number?: string): OutboundRequest {
  const query = number === undefined ? "" : `?number=${encodeURIComponent(number)}`;
  return call(connection, "GET", `/instance/connect/:instance${query}`, "connect", {
    timeoutMs: CREATE_TIMEOUT_MS,
  });
}

export function stateRequest(connection: WhatsappConnection): OutboundRequest {
  return call(connection, "GET", "/instance/connectionState/:instance", "state");
}

export function restartRequest(connection: WhatsappConnection): OutboundRequest {
  const method = connection.version === "1" ? "PUT" : "POST";
  return call(connection, method, "/instance/restart/:instance", "restart");
}

export function logoutRequest(connection: WhatsappConnection): OutboundRequest {
  return call(connection, "DELETE", "/instance/logout/:instance", "logout");
}

export function deleteRequest(connection: WhatsappConnection): OutboundRequest {
  return call(connection, "DELETE", "/instance/delete/:instance", "delete");
}

export function findWebhookRequest(connection: WhatsappConnection): OutboundRequest {
  return call(connection, "GET", "/webhook/find/:instance", "find_webhook");
}

export function setWebhookRequest(
  connection: WhatsappConnection,
  registration: Registration,
): OutboundRequest {
  const { enabled, url, events, byEvents, base64, headers } = registration;
  const flat = {
    enabled,
    url,
    webhook_by_events: byEvents,
    webhook_base64: base64,
    events,
    headers,
  };
  const json =
    connection.version === "1"
      ? flat
      : { webhook: { enabled, url, headers, byEvents, base64, events } };
  return call(connection, "POST", "/webhook/set/:instance", "set_webhook", { json });
}

/** QR code of `create` (nested) and `connect` (flat); a failure may hide in a 200 with `error: true`. */
export function readQrCode(status: number, body: string): InstanceResult<QrCode | undefined> {
  const answer = readAnswer(status, body);
  if (!answer.ok) return answer;
  const qr = objectOf(answer.value.qrcode) ?? answer.value;
  const found = {
    ...textMember("code", qr.code),
    ...textMember("base64", qr.base64),
    ...textMember("pairingCode", qr.pairingCode),
  };
  return ok(Object.keys(found).length === 0 ? undefined : found);
}

export function readState(status: number, body: string): InstanceResult<InstanceState> {
  const answer = readAnswer(status, body);
  if (!answer.ok) return answer;
  const state = objectOf(answer.value.instance)?.state ?? answer.value.state;
  if (state === "open" || state === "connecting") return ok(state);
  return ok(state === "close" || state === "closed" ? "closed" : "unknown");
}

/** For restart, logout, delete and set: only whether it was done. */
export function readDone(status: number, body: string): InstanceResult<true> {
  const answer = readAnswer(status, body);
  return answer.ok ? ok(true) : answer;
}

/** The registration found, or undefined where there is none. */
export function readRegistration(
  status: number,
  body: string,
): InstanceResult<Registration | undefined> {
  if (status === 200 && (body.trim() === "null" || body.trim() === "")) return ok(undefined);
  const answer = readAnswer(status, body);
  if (!answer.ok) return answer;
  const found = objectOf(answer.value.webhook) ?? answer.value;
  if (typeof found.url !== "string") return ok(undefined);
  return ok({
    enabled: found.enabled !== false,
    url: found.url,
    events: Array.isArray(found.events)
      ? found.events.filter((name) => typeof name === "string")
      : [],
    byEvents: (found.byEvents ?? found.webhookByEvents ?? found.webhook_by_events) === true,
    base64: (found.base64 ?? found.webhookBase64 ?? found.webhook_base64) === true,
    headers: textMembersOf(objectOf(found.headers)),
  });
}

/** One text for one registration, whatever the order of its members: equal texts, equal registrations. */
export function registrationKey(registration: Registration): string {
  const { enabled, url, events, byEvents, base64, headers } = registration;
  const sortedHeaders = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([enabled, url, events.toSorted(), byEvents, base64, sortedHeaders]);
}

function call(
  connection: WhatsappConnection,
  method: OutboundRequest["method"],
  path: string,
  step: string,
  options: { readonly json?: unknown; readonly timeoutMs?: number } = {},
): OutboundRequest {
  const origin = (connection.baseUrl ?? "").replace(/\/$/, "");
  return {
    step,
    method,
    url: origin + path.replace(":instance", encodeURIComponent(connection.instance)),
    headers: { apikey: connection.credentials.apiKey },
    body: options.json === undefined ? { as: "none" } : { as: "json", json: options.json },
    timeoutMs: options.timeoutMs ?? CALL_TIMEOUT_MS,
    idempotent: method !== "POST" || step === "set_webhook",
  };
}

function readAnswer(status: number, body: string): InstanceResult<Record<string, unknown>> {
  const answer = parseObject(body);
  const detail = detailOf(answer, status);
  if (status === 401) return fail({ reason: "unauthorized", detail });
  if (status === 403) return fail({ reason: "name_taken", detail });
  if (status === 404) return fail({ reason: "not_found", detail });
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return fail({ reason: "refused", detail });
  }
  if (status < 200 || status > 299 || !answer || answer.error === true) {
    return fail({ reason: "failed", detail });
  }
  return ok(answer);
}

/** The platform's own words, cut short. For operators: it may name the instance, never a key. */
function detailOf(answer: Record<string, unknown> | undefined, status: number): string {
  const message = objectOf(answer?.response)?.message ?? answer?.message ?? answer?.error;
  const text = Array.isArray(message)
    ? message.filter((part) => typeof part === "string").join("; ")
    : message;
  return typeof text === "string" ? text.slice(0, DETAIL_CHARS_MAX) : `status ${status}`;
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : undefined;
}

function textMember(name: keyof QrCode, value: unknown): QrCode {
  return typeof value === "string" && value !== "" ? { [name]: value } : {};
}

function textMembersOf(value: Record<string, unknown> | undefined): Record<string, string> {
  const entries = Object.entries(value ?? {}).filter(([, member]) => typeof member === "string");
  return Object.fromEntries(entries) as Record<string, string>;
}
