/** Evolution's `/instance/*` and `/webhook/*` routes, pairing included. */
import { randomBytes } from "node:crypto";
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { qrDataUri } from "../qr-image.ts";
import { failure, missing } from "./errors.ts";
import type { EvolutionWebhook } from "./sender.ts";
import { EVOLUTION_VERSIONS, TRAITS } from "./versions.ts";
import {
  addInstance,
  type EvolutionAccount,
  findInstance,
  type Instance,
  sendEvent,
  type World,
} from "./world.ts";

/** After so many codes nobody scanned the server gives up. Source: QRCODE_LIMIT default. */
const QR_LIMIT = 30;
const INTEGRATIONS: readonly unknown[] = ["WHATSAPP-BAILEYS", "WHATSAPP-BUSINESS", "EVOLUTION"];
const SETTINGS = [
  "rejectCall",
  "groupsIgnore",
  "alwaysOnline",
  "readMessages",
  "readStatus",
  "syncFullHistory",
];

type InstanceRoute = (world: World, instance: Instance, request: SimRequest) => Reply;

/** Routes on an existing instance, by `METHOD group/action`. */
export const INSTANCE_ROUTES: Readonly<Record<string, InstanceRoute>> = {
  "GET instance/connect": connect,
  "GET instance/connectionState": (_world, instance) => json(stateOf(instance)),
  "POST instance/restart": restart,
  "PUT instance/restart": restart,
  "DELETE instance/logout": logout,
  "DELETE instance/delete": remove,
  "POST webhook/set": setWebhook,
  "GET webhook/find": (_world, instance) => json(webhookRow(instance)),
};

/** `POST /instance/create`. */
export function createInstance(world: World, request: SimRequest): Reply {
  const body = asRecord(request.body);
  const name = asText(body.instanceName);
  if (name === undefined || name === "") return missing("instanceName");
  if (findInstance(world, name) !== undefined) {
    return failure(403, `This name "${name}" is already in use.`);
  }
  if (!INTEGRATIONS.includes(body.integration)) {
    return failure(400, "Invalid integration");
  }
  const webhook = readWebhook(body.webhook);
  if (typeof webhook === "string") return failure(400, webhook);
  const token = asText(body.token);
  const instance = addInstance(world, {
    instance: name,
    ...(token !== undefined && token !== "" && { apiKey: token }),
    state: "close",
    owner: asText(body.number) ?? "5511900000001",
    ...(webhook !== undefined && { webhook }),
    integration: String(body.integration),
    settings: Object.fromEntries(SETTINGS.map((key) => [key, body[key] === true])),
  });
  notify(world, instance, "instance.create", { instanceName: name, instanceId: instance.id });
  const qrcode = body.qrcode === true ? newQr(world, instance) : undefined;
  return json(createdBody(instance, qrcode), 201);
}

/** `GET /instance/fetchInstances`. */
export function fetchInstances(world: World, request: SimRequest, onlyToken?: string): Reply {
  const name = request.query.get("instanceName");
  const seen = world.instances.filter(
    (instance) =>
      (name === null || instance.name === name) &&
      (onlyToken === undefined || instance.token === onlyToken),
  );
  if (name !== null && seen.length === 0) return failure(404, `Instance "${name}" not found`);
  return json(
    seen.map((instance) => ({
      id: instance.id,
      name: instance.name,
      connectionStatus: instance.state,
      ownerJid: instance.state === "open" ? `${instance.owner}@s.whatsapp.net` : null,
      profileName: instance.state === "open" ? "Simulated account" : null,
      profilePicUrl: null,
      integration: instance.integration,
      number: instance.owner,
      token: instance.token,
      clientName: "evolution_exchange",
    })),
  );
}

/** Someone scans the code (or the phone links again): connecting, then open. */
export function scan(world: World, instance: Instance): void {
  instance.state = "connecting";
  notify(world, instance, "connection.update", connection(instance, 200));
  instance.state = "open";
  notify(world, instance, "connection.update", {
    ...connection(instance, 200),
    wuid: `${instance.owner}@s.whatsapp.net`,
    profileName: "Simulated account",
    profilePictureUrl: null,
  });
}

/** The account is thrown out by the phone: 401 and its three events. */
export function disconnect(world: World, instance: Instance, statusReason = 401): void {
  instance.state = "close";
  notify(world, instance, "connection.update", connection(instance, statusReason));
  notify(world, instance, "status.instance", {
    instance: instance.name,
    status: "closed",
    disconnectionAt: new Date().toISOString(),
    disconnectionReasonCode: statusReason,
    disconnectionObject: JSON.stringify({ error: { data: { tag: "stream:error" } } }),
  });
  if (statusReason === 401) notify(world, instance, "logout.instance", null);
}

/** Reads `POST /_sim/accounts`; undefined without an instance name. */
export function readAccount(body: Record<string, unknown>): EvolutionAccount | undefined {
  const instance = asText(body.instance);
  if (instance === undefined || instance === "") return undefined;
  const webhook = readWebhook(body.webhook);
  const version = EVOLUTION_VERSIONS.find((known) => known === body.version);
  const optional = {
    tenant: asText(body.tenant),
    apiKey: asText(body.apiKey),
    owner: asText(body.owner),
    state: (["open", "connecting", "close"] as const).find((known) => known === body.state),
    version,
    webhook: typeof webhook === "string" ? undefined : webhook,
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { instance, ...Object.fromEntries(given) };
}

function connect(world: World, instance: Instance): Reply {
  if (instance.state === "open") return json(stateOf(instance));
  if (instance.qrCount >= QR_LIMIT) {
    instance.qrCount = 0;
    notify(world, instance, "qrcode.updated", {
      message: "QR code limit reached, please login again",
      statusCode: 500,
    });
    notify(world, instance, "connection.update", {
      ...connection(instance, 428),
      state: "refused",
    });
    instance.state = "close";
    return json({ count: 0 });
  }
  return json(newQr(world, instance));
}

function restart(world: World, instance: Instance): Reply {
  if (instance.state === "close") {
    const message = `Error: The "${instance.name}" instance is not connected`;
    return json({ error: true, message });
  }
  const wasOpen = instance.state === "open";
  if (wasOpen) scan(world, instance);
  return json({
    instance: { instanceName: instance.name, state: wasOpen ? "open" : "connecting" },
  });
}

function logout(world: World, instance: Instance): Reply {
  if (instance.state === "close" && TRAITS[instance.version].logoutNeedsConnection) {
    return failure(400, `The "${instance.name}" instance is not connected`);
  }
  disconnect(world, instance);
  return json({ status: "SUCCESS", error: false, response: { message: "Instance logged out" } });
}

function remove(world: World, instance: Instance): Reply {
  if (instance.state === "open") {
    return failure(400, `The "${instance.name}" instance needs to be disconnected`);
  }
  notify(world, instance, "instance.delete", {
    instanceName: instance.name,
    instanceId: instance.id,
  });
  notify(world, instance, "remove.instance", null);
  world.instances.splice(world.instances.indexOf(instance), 1);
  return json({ status: "SUCCESS", error: false, response: { message: "Instance deleted" } });
}

function setWebhook(_world: World, instance: Instance, request: SimRequest): Reply {
  const body = asRecord(request.body);
  if (body.webhook === undefined && instance.version !== "1") return missing("webhook");
  const webhook = readWebhook(body.webhook ?? body);
  if (typeof webhook === "string") return failure(400, webhook);
  instance.webhook = webhook;
  return json(webhookRow(instance), 201);
}

/** Reads v2's camelCase object or v1's flat snake_case one; a string says what is wrong. */
function readWebhook(value: unknown): EvolutionWebhook | undefined | string {
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null)
    return "instance.webhook is not of a type(s) object";
  const body = asRecord(value);
  const url = asText(body.url) ?? "";
  if (!URL.canParse(url)) return 'Invalid "url" property';
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(asRecord(body.headers))) headers[name] = String(text);
  const events = Array.isArray(body.events)
    ? body.events.filter((name) => typeof name === "string")
    : [];
  return {
    url,
    enabled: body.enabled !== false,
    headers,
    byEvents: (body.byEvents ?? body.webhook_by_events) === true,
    base64: (body.base64 ?? body.webhook_base64) === true,
    events,
  };
}

function webhookRow(instance: Instance): unknown {
  const { webhook } = instance;
  if (webhook === undefined) return null;
  return {
    id: `wh_${instance.id}`,
    url: webhook.url,
    headers: webhook.headers ?? {},
    enabled: webhook.enabled !== false,
    events: webhook.events ?? [],
    webhookByEvents: webhook.byEvents === true,
    webhookBase64: webhook.base64 === true,
    instanceId: instance.id,
  };
}

function createdBody(instance: Instance, qrcode: unknown): unknown {
  const { webhook } = instance;
  return {
    instance: {
      instanceName: instance.name,
      instanceId: instance.id,
      integration: instance.integration,
      webhookWaBusiness: null,
      accessTokenWaBusiness: "",
      status: instance.state === "close" ? "close" : "connecting",
    },
    hash: instance.version === "1" ? { apikey: instance.token } : instance.token,
    webhook: {
      webhookUrl: webhook?.url,
      webhookHeaders: webhook?.headers,
      webhookByEvents: webhook?.byEvents,
      webhookBase64: webhook?.base64,
    },
    websocket: { enabled: false },
    rabbitmq: { enabled: false },
    sqs: { enabled: false },
    settings: { ...instance.settings, msgCall: "", wavoipToken: "" },
    ...(qrcode !== undefined && { qrcode }),
  };
}

function newQr(world: World, instance: Instance): Record<string, unknown> {
  instance.state = "connecting";
  instance.qrCount += 1;
  const code = `2@${randomBytes(48).toString("base64")}`;
  const qrcode = { pairingCode: null, code, base64: qrDataUri(code), count: instance.qrCount };
  notify(world, instance, "connection.update", connection(instance, 200));
  notify(world, instance, "qrcode.updated", { qrcode: { instance: instance.name, ...qrcode } });
  return qrcode;
}

function stateOf(instance: Instance): unknown {
  return { instance: { instanceName: instance.name, state: instance.state } };
}

function connection(instance: Instance, statusReason: number): Record<string, unknown> {
  return { instance: instance.name, state: instance.state, statusReason };
}

function notify(world: World, instance: Instance, event: string, data: unknown): void {
  void sendEvent(world, instance, event, data);
}
