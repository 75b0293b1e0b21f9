/** Wire shapes of messages and conversations on the REST API. */
import * as z from "zod";
import { CHANNELS } from "../channel-names.ts";
import { Id } from "../connection.ts";
import {
  Direction,
  Media,
  Mention,
  MessageKind,
  MessageStatus,
  Sender,
  UnifiedMessage,
} from "../message.ts";
import { OutboundContent } from "../outbound.ts";
import { TurnPolicy } from "../policy.ts";
import { Route } from "../route.ts";
import { Instant } from "./instant.ts";

export const MessageId = z.string().regex(/^msg_[0-9a-z]{22}$/, "expected a message id (msg_…)");
export const ConversationId = z
  .string()
  .regex(/^cnv_[0-9a-z]{26}$/, "expected a conversation id (cnv_…)");
const Text = z.string().min(1).max(100_000);

/** Either `text` (Markdown) or `content`; either `to` (the platform's address) or `conversation`. */
export const SendMessage = z
  .strictObject({
    tenant: Id.optional(),
    connection: Id,
    /** Phone number or JID (WhatsApp), channel id (Slack, Discord), `user:<id>` (Discord direct message). */
    to: z.string().min(1).max(256).optional(),
    conversation: ConversationId.optional(),
    text: Text.optional(),
    content: OutboundContent.optional(),
    reply_to: z.string().max(256).optional(),
    thread: z.string().max(256).optional(),
  })
  .refine(
    (body) => (body.text === undefined) !== (body.content === undefined),
    "exactly one of text and content",
  )
  .refine(
    (body) => (body.to === undefined) !== (body.conversation === undefined),
    "exactly one of to and conversation",
  );
export type SendMessage = z.infer<typeof SendMessage>;

export const SendAccepted = z.object({
  id: MessageId,
  conversation: ConversationId,
  status: z.literal("pending"),
  duplicate: z.boolean(),
});

/** A unified message from outside. `connection` may be left out where the tenant has one of that `source`. */
export const UnifiedInput = z.strictObject({
  id: z.string().min(1).max(400),
  source: z.enum(CHANNELS),
  tenant: Id,
  content: z.strictObject({
    text: z.string().max(100_000),
    media: z.array(Media).max(20).default([]),
    metadata: z.record(z.string().max(100), z.unknown()).default({}),
  }),
  timestamp: Instant,
  connection: Id.optional(),
  /** The platform's address of the conversation; default: the sender. */
  conversation_key: z.string().min(1).max(256).optional(),
  kind: MessageKind.default("message"),
  platform_id: z.string().max(400).optional(),
  target_id: z.string().max(400).optional(),
  sender: Sender.optional(),
  group: z.boolean().default(false),
  reply_to: z.string().max(400).optional(),
  thread: z.string().max(256).optional(),
  mentions: z.array(Mention).max(100).default([]),
});
export type UnifiedInput = z.infer<typeof UnifiedInput>;

export const UnifiedAccepted = z.object({
  id: MessageId,
  conversation: ConversationId,
  duplicate: z.boolean(),
});

/** A message with its delivery status. */
export const MessageView = z.object({
  ...UnifiedMessage.shape,
  status: MessageStatus,
  created_at: z.iso.datetime(),
  processed_at: z.iso.datetime().nullable(),
});

/** A link to a stored file that ends by itself. */
export const MediaLinkView = z.object({ url: z.url(), expires_at: z.iso.datetime() });

const Hop = z.object({
  hop: z.string(),
  at: z.iso.datetime(),
  after_ms: z.int(),
  message: MessageId,
});

/** Everything that happened to a message and its replies, in order. Ids and times only. */
export const Timeline = z.object({
  message: MessageId,
  conversation: ConversationId,
  direction: Direction,
  status: MessageStatus,
  route: z.string().nullable(),
  turn: z.string().nullable(),
  replies: z.array(
    z.object({
      id: MessageId,
      status: MessageStatus,
      attempts: z.int(),
      reason: z.string().nullable(),
    }),
  ),
  hops: z.array(Hop),
});

export const ConversationView = z.object({
  id: ConversationId,
  tenant: Id,
  connection: Id,
  conversation_key: z.string(),
  created_at: z.iso.datetime(),
});

export const ConversationDetail = z.object({
  ...ConversationView.shape,
  pending: z.int(),
  unpersisted: z.int(),
  outbox: z.int(),
  head: z.object({ id: MessageId, state: z.string(), attempt: z.int() }).nullable(),
  turn: z.object({ id: z.string(), attempt: z.int(), until: z.iso.datetime() }).nullable(),
  session: z.string().nullable(),
  paused_until: z.iso.datetime().nullable(),
  route: Route.nullable(),
  policy: TurnPolicy.nullable(),
});

export const PauseInput = z.strictObject({
  /** How long a person has the conversation, in ms. */
  ttlMs: z
    .int()
    .min(1000)
    .max(30 * 86_400_000)
    .default(3_600_000),
});

export const ConversationSettings = z.strictObject({
  route: Route.optional(),
  policy: TurnPolicy.optional(),
});
