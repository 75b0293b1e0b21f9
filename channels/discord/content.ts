/**
 * The text, mentions and files of a Discord message. `<@id>` becomes `@name` where the payload tells the name,
 * custom emoji become `:name:`; role and channel tokens stay as written, because no payload names them.
 * A message without anything readable (Discord empties it for bots that lack the MESSAGE_CONTENT intent) stays
 * a message with empty text and `metadata.unsupported`, so that its loss can be seen.
 */
import type { DiscordConnection } from "../../schema/connection.ts";
import type { Mention, MessageContent } from "../../schema/message.ts";
import { wellFormed } from "../shared/text.ts";
import { mediaOf } from "./media.ts";
import { isOwn } from "./people.ts";
import type { Message, MessageBody } from "./shapes.ts";

/** Mentions kept of one message; a message has room for about 90. */
const MENTIONS_MAX = 100;
const TOKEN = /<(@!?|a?:\w{1,32}:)(\d{1,20})>/g;
const CHANNEL_TOKEN = /<#(\d{1,20})>/g;

/** Text and files, those of a forwarded message included. */
export function contentOf(message: Message, connection: DiscordConnection): MessageContent {
  const bodies: readonly MessageBody[] = [
    message,
    ...(message.message_snapshots ?? []).map((snapshot) => snapshot.message),
  ];
  const text = bodies
    .map(textOf)
    .filter((part) => part !== "")
    .join("\n");
  const media = bodies.flatMap((body) => mediaOf(body, connection));
  const unsupported = text === "" && media.length === 0 ? { type: missingOf(message) } : undefined;
  return { text, media, metadata: unsupported ? { unsupported } : {} };
}

/** Plain text with Discord's tokens resolved, well-formed. */
function textOf(body: MessageBody): string {
  if (!body.content) return "";
  const names = new Map(
    (body.mentions ?? []).map((user) => [
      user.id,
      user.member?.nick || user.global_name || user.username,
    ]),
  );
  const resolved = body.content.replace(TOKEN, (token, kind: string, id: string) => {
    if (kind.startsWith("@")) return names.get(id) ? `@${names.get(id)}` : token;
    return kind.startsWith("a:") ? kind.slice(1) : kind;
  });
  return wellFormed(resolved);
}

function missingOf(message: Message): string {
  if (message.poll) return "poll";
  return message.embeds?.length ? "embed" : "no_content";
}

/** Whom a message addresses. `ownRoles` are roles that stand for the bot itself. */
export function mentionsOf(
  message: Message,
  connection: DiscordConnection,
  ownRoles: readonly string[],
): Mention[] {
  const users = (message.mentions ?? []).map(({ id }) =>
    mention(isOwn(id, connection), "user", id),
  );
  const roles = (message.mention_roles ?? []).map((id) =>
    mention(ownRoles.includes(id), "role", id),
  );
  const channels = [...(message.content ?? "").matchAll(CHANNEL_TOKEN)].map((match) =>
    mention(false, "channel", match[1] ?? ""),
  );
  const everyone = message.mention_everyone ? [mention(false, "everyone", "everyone")] : [];
  return [...everyone, ...users, ...roles, ...channels].slice(0, MENTIONS_MAX);
}

function mention(own: boolean, kind: Mention["kind"], id: string): Mention {
  return { kind: own ? "bot" : kind, id };
}
