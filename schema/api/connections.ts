/** What `/tenants/{tenant}/connections` and `/instances` take and answer. Credentials go in and never come out. */
import * as z from "zod";
import {
  ConnectionInput,
  DiscordConnection,
  Id,
  SlackConnection,
  WhatsappConnection,
} from "../connection.ts";
import { TurnPolicy } from "../policy.ts";
import { Route } from "../route.ts";

const common = {
  /** `null` goes back to the platform's public API. A new origin needs every credential again. */
  baseUrl: z.string().max(2048).nullable().optional(),
  route: Route.nullable().optional(),
  policy: TurnPolicy.nullable().optional(),
  humanPauseMs: z.int().min(0).max(86_400_000).nullable().optional(),
  active: z.boolean().optional(),
};

const WhatsappPatch = z.strictObject({
  ...common,
  instance: WhatsappConnection.shape.instance.optional(),
  version: WhatsappConnection.shape.version,
  credentials: WhatsappConnection.shape.credentials.partial().optional(),
});

const SlackPatch = z.strictObject({
  ...common,
  teamId: SlackConnection.shape.teamId.optional(),
  appId: SlackConnection.shape.appId,
  enterpriseId: SlackConnection.shape.enterpriseId,
  botUserId: SlackConnection.shape.botUserId,
  botId: SlackConnection.shape.botId,
  credentials: SlackConnection.shape.credentials.partial().optional(),
});

const DiscordPatch = z.strictObject({
  ...common,
  applicationId: DiscordConnection.shape.applicationId.optional(),
  botUserId: DiscordConnection.shape.botUserId,
  gateway: DiscordConnection.shape.gateway,
  credentials: DiscordConnection.shape.credentials.partial().optional(),
});

/** The patch of each channel; which one counts is the stored connection's channel. */
export const CONNECTION_PATCHES = {
  whatsapp: WhatsappPatch,
  slack: SlackPatch,
  discord: DiscordPatch,
} as const;

/** For the document and a first look; the stored channel's own schema has the last word. */
export const ConnectionPatch = z.union([WhatsappPatch, SlackPatch, DiscordPatch]);
export type ConnectionPatch = z.infer<typeof ConnectionPatch>;

export const CreateConnection = ConnectionInput;

/** Every open member of the connection, with `secretsSet` naming what is stored sealed (`credentials.apiKey`, `route.secret`). */
export const ConnectionView = z
  .looseObject({
    id: Id,
    tenant: Id,
    channel: z.enum(["whatsapp", "slack", "discord"]),
    provider: z.string(),
    address: z.string(),
    active: z.boolean(),
    state: z.string(),
    stateDetail: z.string().nullable(),
    secretsSet: z.array(z.string()),
    /** Where the platform has to send its webhooks. */
    webhookUrl: z.string(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "Connection" });
export type ConnectionView = z.infer<typeof ConnectionView>;
