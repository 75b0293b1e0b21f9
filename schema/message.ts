/**
 * The unified message: the one shape every channel's payload becomes and every boundary checks
 * (conformance output, `/messages/unified`, `/messages/history`, webhook callbacks, OpenAPI).
 * The acknowledgement path imports only the types from here, so zod stays out of it.
 */
import * as z from "zod";
import { CHANNELS } from "./channel-names.ts";

/** What happened: a new message, a change to one, or a gesture on one. */
export const MessageKind = z.enum([
  "message",
  "edit",
  "delete",
  "reaction",
  "command",
  "interaction",
]);
export type MessageKind = z.infer<typeof MessageKind>;

export const Direction = z.enum(["inbound", "outbound"]);
export type Direction = z.infer<typeof Direction>;

/** Monotone delivery states; `STATUS_RANK` in `domain/messaging/status.ts` gives their order. */
export const MessageStatus = z.enum([
  "pending",
  "received",
  "processed",
  "sent",
  "delivered",
  "read",
  "uncertain",
  "failed",
]);
export type MessageStatus = z.infer<typeof MessageStatus>;

/** Where the bytes of a media item can be had. `stored` is ours (R2); the others still have to be fetched. */
export const MediaSource = z.discriminatedUnion("from", [
  z.strictObject({ from: z.literal("url"), url: z.string() }),
  z.strictObject({ from: z.literal("platform"), id: z.string() }),
  z.strictObject({ from: z.literal("inline"), base64: z.string() }),
  z.strictObject({ from: z.literal("stored"), key: z.string() }),
  z.strictObject({ from: z.literal("refused"), reason: z.string() }),
]);
export type MediaSource = z.infer<typeof MediaSource>;

export const MediaKind = z.enum(["image", "video", "audio", "voice", "document", "sticker"]);
export type MediaKind = z.infer<typeof MediaKind>;

/** One attached file. Sizes in bytes, durations in milliseconds; the caption is the message's text. */
export const Media = z.strictObject({
  kind: MediaKind,
  source: MediaSource,
  mime_type: z.optional(z.string()),
  file_name: z.optional(z.string()),
  size_bytes: z.optional(z.int().check(z.nonnegative())),
  duration_ms: z.optional(z.int().check(z.nonnegative())),
});
export type Media = z.infer<typeof Media>;

/** `id` is the platform's; `aliases` holds every other name of the same person (phone, LID, user name). */
export const Sender = z.strictObject({
  id: z.string(),
  aliases: z.array(z.string()),
  name: z.optional(z.string()),
});
export type Sender = z.infer<typeof Sender>;

export const Mention = z.strictObject({
  kind: z.enum(["user", "role", "channel", "everyone", "bot"]),
  id: z.string(),
});
export type Mention = z.infer<typeof Mention>;

/**
 * Text is plain text or Markdown as the person wrote it; platform tokens are already resolved.
 * `metadata` keeps what only one platform knows: `location`, `contacts`, `reaction`
 * `{emoji, action: "added"|"removed"}`, `command` `{name, text}`, `interaction` `{type, id, action, values}`,
 * `unsupported` `{type}`.
 */
export const MessageContent = z.strictObject({
  text: z.string(),
  media: z.array(Media),
  metadata: z.record(z.string(), z.unknown()),
});
export type MessageContent = z.infer<typeof MessageContent>;

export const UnifiedMessage = z.strictObject({
  id: z.string(),
  source: z.enum(CHANNELS),
  tenant: z.string(),
  content: MessageContent,
  /** ISO 8601 with zone: the platform's event time, or the receipt time where it gives none. */
  timestamp: z.iso.datetime(),
  connection: z.string(),
  /** Opaque conversation id (`cnv_…`): never the phone number or channel id itself. */
  conversation: z.string(),
  direction: Direction,
  kind: MessageKind,
  /** The adapter's idempotency key within its conversation (`research: channels 6`). */
  eventKey: z.string(),
  platform_id: z.string(),
  /** The platform id of the message that an edit, delete, reaction or interaction is about. */
  target_id: z.optional(z.string()),
  sender: Sender,
  group: z.boolean(),
  reply_to: z.optional(z.string()),
  thread: z.optional(z.string()),
  mentions: z.array(Mention),
});
export type UnifiedMessage = z.infer<typeof UnifiedMessage>;
