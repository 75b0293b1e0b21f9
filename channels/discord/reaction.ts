/**
 * MESSAGE_REACTION_ADD and _REMOVE. A reaction has neither id nor time, and one person may toggle the same
 * one again and again: the key takes the Gateway session and sequence in which it came, so that a toggle is
 * new and a frame replayed after a resume is not.
 */
import type { Result } from "../../domain/result.ts";
import { ok } from "../../domain/result.ts";
import type { DiscordConnection } from "../../schema/connection.ts";
import type { ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { boundedKey, wellFormed } from "../shared/text.ts";
import { isOwn, senderOf } from "./people.ts";
import { ignored, reading } from "./reading.ts";
import type { Frame, Reaction } from "./shapes.ts";
import { Reaction as ReactionShape, shaped } from "./shapes.ts";

/** A reaction set or taken back by a person; the bot's own and other bots' are ignored. */
export function readReaction(
  frame: Frame,
  connection: DiscordConnection,
  action: "added" | "removed",
): Result<WebhookReading, ParseFailure> {
  const reaction = shaped(ReactionShape, frame.d, "reaction");
  if (!reaction.ok) return reaction;
  if (isOwn(reaction.value.user_id, connection)) return ok(ignored("own_echo"));
  if (reaction.value.member?.user?.bot) return ok(ignored("bot_message"));
  const key = boundedKey(keyParts(reaction.value, frame, action));
  if (!key.ok) return key;
  return ok(reading({ messages: [reactionMessage(reaction.value, action, key.value)] }));
}

function keyParts(reaction: Reaction, frame: Frame, action: "added" | "removed"): string[] {
  return [
    reaction.message_id,
    reaction.user_id,
    emojiOf(reaction),
    action === "added" ? "+" : "-",
    ...(frame.session === undefined ? [] : [frame.session]),
    ...(typeof frame.s === "number" ? [String(frame.s)] : []),
  ];
}

/** A character of its own, or `name:id` for a server's custom emoji: the form the REST API takes back. */
function emojiOf({ emoji }: Reaction): string {
  const name = wellFormed(emoji.name ?? "");
  return emoji.id ? `${name}:${emoji.id}` : name;
}

function reactionMessage(
  reaction: Reaction,
  action: "added" | "removed",
  eventKey: string,
): ParsedMessage {
  const emoji = emojiOf(reaction);
  const user = reaction.member?.user ?? { id: reaction.user_id };
  return {
    kind: "reaction",
    origin: "contact",
    eventKey,
    conversationKey: reaction.channel_id,
    platformId: `${reaction.message_id}:${reaction.user_id}:${emoji}`,
    targetId: reaction.message_id,
    sender: { ...senderOf(user, reaction.member), id: reaction.user_id },
    group: Boolean(reaction.guild_id),
    content: { text: "", media: [], metadata: { reaction: { emoji, action } } },
    mentions: [],
  };
}
