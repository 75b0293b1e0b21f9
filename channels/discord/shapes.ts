/**
 * The parts of Discord's objects that the hub reads; everything else is dropped here. Sizes are bounded
 * by the webhook body. Shapes only, no decisions.
 */
import type { Result } from "../../domain/result.ts";
import { fail, ok } from "../../domain/result.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import {
  anything,
  boolean,
  either,
  list,
  Misfit,
  nullish,
  number,
  object,
  optional,
  type Read,
  record,
  type Shape,
  text,
} from "../shared/shape.ts";

/** Snowflakes are decimal strings of up to 20 digits; longer than this nothing is an id. */
const Flake = text(1, 32);
const MaybeText = nullish(text());

const user = {
  id: Flake,
  username: MaybeText,
  global_name: MaybeText,
  bot: nullish(boolean),
};
const User = object(user);
export type User = Read<typeof User>;

const Member = object({
  nick: MaybeText,
  user: optional(User),
  roles: optional(list(Flake)),
});
export type Member = Read<typeof Member>;

const Attachment = object({
  id: optional(Flake),
  url: text(),
  filename: MaybeText,
  content_type: MaybeText,
  size: optional(anything),
  duration_secs: optional(anything),
  waveform: MaybeText,
});
export type Attachment = Read<typeof Attachment>;

const Sticker = object({ id: Flake, name: MaybeText, format_type: optional(number) });
export type Sticker = Read<typeof Sticker>;

/** The body of a message, also of a forwarded one. */
const body = {
  content: MaybeText,
  attachments: optional(list(Attachment)),
  sticker_items: optional(list(Sticker)),
  embeds: optional(list(anything)),
  mentions: optional(list(object({ ...user, member: optional(Member) }))),
  mention_roles: optional(list(Flake)),
};
const Snapshot = object({ message: object(body) });

export const Message = object({
  ...body,
  id: Flake,
  channel_id: Flake,
  guild_id: nullish(Flake),
  channel_type: optional(number),
  type: optional(number),
  author: User,
  member: nullish(Member),
  webhook_id: nullish(Flake),
  mention_everyone: optional(boolean),
  poll: optional(anything),
  message_reference: nullish(object({ message_id: nullish(Flake), type: optional(number) })),
  message_snapshots: optional(list(Snapshot)),
  timestamp: MaybeText,
  edited_timestamp: MaybeText,
});
export type Message = Read<typeof Message>;
export type MessageBody = Read<typeof Snapshot>["message"];

/** Only what tells an edit from a pin, an embed that resolved or a thread that opened. */
export const Update = object({ edited_timestamp: MaybeText, content: optional(anything) });

export const Deletion = object({ id: Flake, channel_id: Flake, guild_id: nullish(Flake) });
export const BulkDeletion = object({
  ids: list(Flake),
  channel_id: Flake,
  guild_id: nullish(Flake),
});

export const Reaction = object({
  user_id: Flake,
  channel_id: Flake,
  message_id: Flake,
  guild_id: nullish(Flake),
  member: nullish(Member),
  emoji: object({ id: nullish(Flake), name: nullish(text(0, 64)) }),
});
export type Reaction = Read<typeof Reaction>;

export const Frame = object({
  op: number,
  t: nullish(text(0, 64)),
  s: nullish(number),
  d: optional(anything),
  /** Added by the hub's own Gateway client: the session the frame came in, and the bot's own roles. */
  session: optional(text(0, 128)),
  own_roles: optional(list(Flake, 8)),
});
export type Frame = Read<typeof Frame>;

export const WebhookEvent = object({
  application_id: Flake,
  type: number,
  event: optional(object({ type: text(0, 64), timestamp: MaybeText })),
});

export const InteractionHead = object({
  type: number,
  application_id: optional(Flake),
});

export const Interaction = object({
  id: Flake,
  application_id: Flake,
  token: text(1, 2048),
  channel_id: optional(Flake),
  channel: optional(object({ id: Flake, type: optional(number) })),
  guild_id: nullish(Flake),
  member: nullish(Member),
  user: nullish(User),
  data: optional(anything),
  message: nullish(object({ id: Flake, components: optional(anything) })),
});
export type Interaction = Read<typeof Interaction>;

const leaf = {
  name: text(0, 64),
  type: number,
  value: optional(either<string | number | boolean>(text(), number, boolean)),
};
const SubOption = object({ ...leaf, options: optional(list(object(leaf))) });
const Option = object({ ...leaf, options: optional(list(SubOption)) });
export type Option = Read<typeof Option>;

export const CommandData = object({
  name: text(1, 64),
  type: optional(number),
  target_id: optional(Flake),
  options: optional(list(Option)),
  resolved: optional(
    object({
      attachments: optional(record(Attachment)),
      messages: optional(record(object({ content: MaybeText }))),
      users: optional(record(User)),
    }),
  ),
});
export type CommandData = Read<typeof CommandData>;

export const ComponentData = object({
  custom_id: text(0, 100),
  component_type: number,
  values: optional(list(text(), 25)),
});

export const ModalData = object({
  custom_id: text(0, 100),
  components: list(anything),
});

/** Checks a value against a shape; the failure names the path, never what stood there. */
export function shaped<T>(shape: Shape<T>, value: unknown, name: string): Result<T, ParseFailure> {
  const read = shape(value);
  if (!(read instanceof Misfit)) return ok(read);
  const path = read.path.map(pathPart).join(".");
  return fail({ reason: "wrong_shape", detail: `${name}.${path}: ${read.code}` });
}

/** Field names are Discord's own; keys of maps may be anything and are not repeated. */
function pathPart(part: string | number): string {
  if (typeof part === "number") return String(part);
  return /^[a-z_]{1,32}$/.test(part) ? part : "*";
}
