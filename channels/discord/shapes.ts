/**
 * The parts of Discord's objects that the hub reads; everything else is dropped here. Sizes are bounded
 * by the webhook body. Shapes only, no decisions.
 */
import * as z from "zod/mini";
import type { Result } from "../../domain/result.ts";
import { fail, ok } from "../../domain/result.ts";
import type { ParseFailure } from "../channel-adapter.ts";

/** Snowflakes are decimal strings of up to 20 digits; longer than this nothing is an id. */
const Flake = z.string().check(z.minLength(1), z.maxLength(32));
const MaybeText = z.nullish(z.string());

const User = z.object({
  id: Flake,
  username: MaybeText,
  global_name: MaybeText,
  bot: z.nullish(z.boolean()),
});
export type User = z.infer<typeof User>;

const Member = z.object({
  nick: MaybeText,
  user: z.optional(User),
  roles: z.optional(z.array(Flake)),
});
export type Member = z.infer<typeof Member>;

const Attachment = z.object({
  id: z.optional(Flake),
  url: z.string(),
  filename: MaybeText,
  content_type: MaybeText,
  size: z.optional(z.unknown()),
  duration_secs: z.optional(z.unknown()),
  waveform: MaybeText,
});
export type Attachment = z.infer<typeof Attachment>;

const Sticker = z.object({ id: Flake, name: MaybeText, format_type: z.optional(z.number()) });
export type Sticker = z.infer<typeof Sticker>;

/** The body of a message, also of a forwarded one. */
const body = {
  content: MaybeText,
  attachments: z.optional(z.array(Attachment)),
  sticker_items: z.optional(z.array(Sticker)),
  embeds: z.optional(z.array(z.unknown())),
  mentions: z.optional(z.array(z.extend(User, { member: z.optional(Member) }))),
  mention_roles: z.optional(z.array(Flake)),
};
const Snapshot = z.object({ message: z.object(body) });

export const Message = z.object({
  ...body,
  id: Flake,
  channel_id: Flake,
  guild_id: z.nullish(Flake),
  channel_type: z.optional(z.number()),
  type: z.optional(z.number()),
  author: User,
  member: z.nullish(Member),
  webhook_id: z.nullish(Flake),
  mention_everyone: z.optional(z.boolean()),
  poll: z.optional(z.unknown()),
  message_reference: z.nullish(
    z.object({ message_id: z.nullish(Flake), type: z.optional(z.number()) }),
  ),
  message_snapshots: z.optional(z.array(Snapshot)),
  timestamp: MaybeText,
  edited_timestamp: MaybeText,
});
export type Message = z.infer<typeof Message>;
export type MessageBody = z.infer<typeof Snapshot>["message"];

/** Only what tells an edit from a pin, an embed that resolved or a thread that opened. */
export const Update = z.object({ edited_timestamp: MaybeText, content: z.optional(z.unknown()) });

export const Deletion = z.object({ id: Flake, channel_id: Flake, guild_id: z.nullish(Flake) });
export const BulkDeletion = z.object({
  ids: z.array(Flake),
  channel_id: Flake,
  guild_id: z.nullish(Flake),
});

export const Reaction = z.object({
  user_id: Flake,
  channel_id: Flake,
  message_id: Flake,
  guild_id: z.nullish(Flake),
  member: z.nullish(Member),
  emoji: z.object({ id: z.nullish(Flake), name: z.nullish(z.string().check(z.maxLength(64))) }),
});
export type Reaction = z.infer<typeof Reaction>;

export const Frame = z.object({
  op: z.number(),
  t: z.nullish(z.string().check(z.maxLength(64))),
  s: z.nullish(z.number()),
  d: z.optional(z.unknown()),
  /** Added by the hub's own Gateway client: the session the frame came in, and the bot's own roles. */
  session: z.optional(z.string().check(z.maxLength(128))),
  own_roles: z.optional(z.array(Flake).check(z.maxLength(8))),
});
export type Frame = z.infer<typeof Frame>;

export const WebhookEvent = z.object({
  application_id: Flake,
  type: z.number(),
  event: z.optional(z.object({ type: z.string().check(z.maxLength(64)), timestamp: MaybeText })),
});

export const InteractionHead = z.object({
  type: z.number(),
  application_id: z.optional(Flake),
});

export const Interaction = z.object({
  id: Flake,
  application_id: Flake,
  token: z.string().check(z.minLength(1), z.maxLength(2048)),
  channel_id: z.optional(Flake),
  channel: z.optional(z.object({ id: Flake, type: z.optional(z.number()) })),
  guild_id: z.nullish(Flake),
  member: z.nullish(Member),
  user: z.nullish(User),
  data: z.optional(z.unknown()),
  message: z.nullish(z.object({ id: Flake, components: z.optional(z.unknown()) })),
});
export type Interaction = z.infer<typeof Interaction>;

const leaf = {
  name: z.string().check(z.maxLength(64)),
  type: z.number(),
  value: z.optional(z.union([z.string(), z.number(), z.boolean()])),
};
const SubOption = z.object({ ...leaf, options: z.optional(z.array(z.object(leaf))) });
const Option = z.object({ ...leaf, options: z.optional(z.array(SubOption)) });
export type Option = z.infer<typeof Option>;

export const CommandData = z.object({
  name: z.string().check(z.minLength(1), z.maxLength(64)),
  type: z.optional(z.number()),
  target_id: z.optional(Flake),
  options: z.optional(z.array(Option)),
  resolved: z.optional(
    z.object({
      attachments: z.optional(z.record(z.string(), Attachment)),
      messages: z.optional(z.record(z.string(), z.object({ content: MaybeText }))),
      users: z.optional(z.record(z.string(), User)),
    }),
  ),
});
export type CommandData = z.infer<typeof CommandData>;

export const ComponentData = z.object({
  custom_id: z.string().check(z.maxLength(100)),
  component_type: z.number(),
  values: z.optional(z.array(z.string()).check(z.maxLength(25))),
});

export const ModalData = z.object({
  custom_id: z.string().check(z.maxLength(100)),
  components: z.array(z.unknown()),
});

/** Checks a value against a shape; the failure names the path, never what stood there. */
export function shaped<S extends z.ZodMiniType>(
  schema: S,
  value: unknown,
  name: string,
): Result<z.infer<S>, ParseFailure> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const path = (issue?.path ?? []).map(pathPart).join(".");
  return fail({ reason: "wrong_shape", detail: `${name}.${path}: ${issue?.code ?? "invalid"}` });
}

/** Field names are Discord's own; keys of maps may be anything and are not repeated. */
function pathPart(part: PropertyKey): string {
  if (typeof part === "number") return String(part);
  return typeof part === "string" && /^[a-z_]{1,32}$/.test(part) ? part : "*";
}
