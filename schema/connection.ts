/**
 * Connections: one tenant's account on one channel. The same shape stands in the seed file
 * (`docs/seed-file.md`) and in the API; credentials are write-only.
 */
import * as z from "zod";
import { TurnPolicy } from "./policy.ts";
import { Route } from "./route.ts";

/** Ids of tenants and connections: they stand in URLs and keys. */
export const Id = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/));

const common = {
  id: Id,
  /** Origin of the platform's API, or "simulator"; absent: the platform's public one. */
  baseUrl: z.optional(z.string().check(z.maxLength(2048))),
  route: z.optional(Route),
  policy: z.optional(TurnPolicy),
  /** A person typing on the connected phone silences the bot for this long. Default 30 minutes; 0 = never. */
  humanPauseMs: z.optional(z.int().check(z.gte(0), z.lte(86_400_000))),
  active: z.optional(z.boolean()),
};

/** Standard Webhooks secret (`whsec_…`; several separated by spaces while one is replaced) for signed `POST /messages/unified`. */
const intakeSecret = z.optional(z.string().check(z.maxLength(2048)));

export const WhatsappConnection = z.strictObject({
  ...common,
  channel: z.literal("whatsapp"),
  provider: z.literal("evolution"),
  instance: z.string().check(z.minLength(1), z.maxLength(128)),
  /** "1", "2.3.6", "2.3.7", "2.4": decides how a send is made idempotent. Default "2.3.7". */
  version: z.optional(z.enum(["1", "2.3.6", "2.3.7", "2.4"])),
  credentials: z.strictObject({
    apiKey: z.string(),
    /** Expected in the header `x-webhook-secret`, which our webhook registration sets. */
    webhookSecret: z.optional(z.string()),
    /** Accepted beside `webhookSecret` while that is being replaced; "" ends it. */
    previousWebhookSecret: z.optional(z.string()),
    /** Key of Evolution's `jwt_key` HS256 tokens. Where both are set, either proof is enough. */
    jwtKey: z.optional(z.string()),
    intakeSecret,
  }),
});
export type WhatsappConnection = z.infer<typeof WhatsappConnection>;

export const SlackConnection = z.strictObject({
  ...common,
  channel: z.literal("slack"),
  teamId: z.string().check(z.minLength(1), z.maxLength(64)),
  appId: z.optional(z.string().check(z.maxLength(64))),
  enterpriseId: z.optional(z.string().check(z.maxLength(64))),
  botUserId: z.optional(z.string().check(z.maxLength(64))),
  botId: z.optional(z.string().check(z.maxLength(64))),
  credentials: z.strictObject({
    signingSecret: z.string(),
    /** Accepted beside `signingSecret` while that is being replaced; "" ends it. */
    previousSigningSecret: z.optional(z.string()),
    botToken: z.optional(z.string()),
    refreshToken: z.optional(z.string()),
    clientId: z.optional(z.string()),
    clientSecret: z.optional(z.string()),
    intakeSecret,
  }),
});
export type SlackConnection = z.infer<typeof SlackConnection>;

export const DiscordConnection = z.strictObject({
  ...common,
  channel: z.literal("discord"),
  applicationId: z.string().check(z.minLength(1), z.maxLength(32)),
  botUserId: z.optional(z.string().check(z.maxLength(32))),
  /** Hold a Gateway socket for this bot, so that ordinary messages arrive. Default false. */
  gateway: z.optional(z.boolean()),
  credentials: z.strictObject({
    /** Ed25519 public key, 64 hex characters. */
    publicKey: z.string(),
    botToken: z.optional(z.string()),
    intakeSecret,
  }),
});
export type DiscordConnection = z.infer<typeof DiscordConnection>;

/** What a client sends: without the tenant, which comes from the path or the enclosing tenant. */
export const ConnectionInput = z.discriminatedUnion("channel", [
  WhatsappConnection,
  SlackConnection,
  DiscordConnection,
]);
export type ConnectionInput = z.infer<typeof ConnectionInput>;

/** A connection with its tenant and unsealed credentials: in memory only, never stored or logged like this. */
export type Connection<C extends ConnectionInput = ConnectionInput> = C & {
  readonly tenant: string;
};
