/**
 * What one simulated Evolution server knows: instances, their messages, who is not on WhatsApp. Sends
 * webhooks of its instances; the HTTP routes are in `instances.ts`, `messages.ts` and `chats.ts`.
 */
import { randomBytes, randomUUID } from "node:crypto";
import type { Attempt, Courier } from "../delivery.ts";
import type { MessageData } from "./payloads.ts";
import {
  type EvolutionWebhook,
  evolutionSchedule,
  evolutionWebhook,
  isSubscribed,
} from "./sender.ts";
import type { EvolutionVersion } from "./versions.ts";

/** Messages kept per instance for `findMessages` and media downloads. */
const MESSAGES_MAX = 20_000;

export type InstanceState = "open" | "connecting" | "close";

/** An instance that exists from the start. Two may share a name when their `apiKey` differs. */
export interface EvolutionAccount {
  readonly instance: string;
  readonly tenant?: string;
  /** Instance token, accepted in the header `apikey`. */
  readonly apiKey?: string;
  /** Default: the server's. */
  readonly version?: EvolutionVersion;
  /** Default "open". */
  readonly state?: InstanceState;
  /** Phone number of the account. */
  readonly owner?: string;
  readonly webhook?: EvolutionWebhook;
}

/** A message the server remembers, with its delivery states in order. */
export interface StoredMessage {
  readonly dbId: string;
  readonly data: MessageData;
  readonly media?: { readonly bytes: Buffer; readonly mimetype: string };
  readonly updates: string[];
}

export interface Instance {
  readonly name: string;
  readonly id: string;
  readonly tenant: string | null;
  readonly token: string;
  readonly version: EvolutionVersion;
  readonly integration: string;
  readonly settings: Readonly<Record<string, unknown>>;
  state: InstanceState;
  owner: string;
  webhook: EvolutionWebhook | undefined;
  qrCount: number;
  messages: StoredMessage[];
}

export interface World {
  /** Known once the server listens. */
  url: string;
  licensed: boolean;
  readonly version: EvolutionVersion;
  readonly globalApiKey: string;
  readonly emitSends: boolean;
  readonly courier: Courier;
  readonly random: () => number;
  readonly instances: Instance[];
  /** Numbers that are not on WhatsApp. */
  readonly absent: Set<string>;
}

/** Adds an instance, with what is missing made up; the same one of the same tenant is replaced. */
export function addInstance(
  world: World,
  account: EvolutionAccount & {
    readonly integration?: string;
    readonly settings?: Record<string, unknown>;
  },
): Instance {
  const instance: Instance = {
    name: account.instance,
    id: randomUUID(),
    tenant: account.tenant ?? null,
    token: account.apiKey ?? randomUUID().toUpperCase(),
    version: account.version ?? world.version,
    integration: account.integration ?? "WHATSAPP-BAILEYS",
    settings: account.settings ?? {},
    state: account.state ?? "open",
    owner: account.owner ?? "5511900000001",
    webhook: account.webhook,
    qrCount: 0,
    messages: [],
  };
  const again = world.instances.findIndex(
    ({ name, tenant, token }) =>
      name === instance.name && tenant === instance.tenant && token === instance.token,
  );
  if (again >= 0) world.instances.splice(again, 1);
  world.instances.push(instance);
  return instance;
}

/** The instance of a name; where several share it, the one whose token is `apiKey`. */
export function findInstance(world: World, name: string, apiKey?: string): Instance | undefined {
  const named = world.instances.filter((instance) => instance.name === name);
  return named.find(({ token }) => token === apiKey) ?? named[0];
}

/** Sends an event to the instance's webhook, if it asked for it. Resolves when delivery has ended. */
export async function sendEvent(
  world: World,
  instance: Instance,
  event: string,
  data: unknown,
): Promise<Attempt | undefined> {
  const { webhook } = instance;
  if (webhook === undefined || !isSubscribed(webhook, event)) return undefined;
  const sender = {
    instance: instance.name,
    instanceId: instance.id,
    version: instance.version,
    serverUrl: world.url,
    ...(instance.state === "open" && { owner: `${instance.owner}@s.whatsapp.net` }),
  };
  const request = evolutionWebhook(sender, webhook, event, data);
  return world.courier.deliver(request, event, evolutionSchedule(world.random));
}

/** Remembers a message. */
export function remember(
  instance: Instance,
  data: MessageData,
  media?: StoredMessage["media"],
): StoredMessage {
  const stored: StoredMessage = {
    dbId: `cm${randomBytes(12).toString("hex")}`,
    data,
    ...(media !== undefined && { media }),
    updates: [],
  };
  instance.messages.push(stored);
  if (instance.messages.length > MESSAGES_MAX) instance.messages.splice(0, MESSAGES_MAX / 2);
  return stored;
}

/** The message with a WhatsApp id. */
export function findMessage(instance: Instance, id: unknown): StoredMessage | undefined {
  return instance.messages.findLast(({ data }) => data.key.id === id);
}
