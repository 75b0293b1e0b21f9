/**
 * Reactions added and removed. They belong to the channel's conversation (the payload names no
 * thread) and are keyed by Slack's event id, because one emoji may be toggled any number of times.
 */
import { ok, type Result } from "../../domain/result.ts";
import type { ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { type Fields, fieldsOf, wrongShape } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { emojiOf } from "./emoji.ts";
import { type Envelope, placeOf } from "./envelope.ts";
import { idOf, millisecondsOf, stringOf, tsOf } from "./fields.ts";
import { accepted, ignored } from "./reading.ts";

const NAME_CHARS_MAX = 200;

/** Reads `reaction_added` and `reaction_removed`; reactions on files are ignored by name. */
export function readReaction(
  event: Fields,
  action: "added" | "removed",
  envelope: Envelope,
): Result<WebhookReading, ParseFailure> {
  const user = idOf(event.user);
  if (user !== undefined && envelope.botUserIds.includes(user)) {
    return ok(ignored("own_echo"));
  }
  const item = fieldsOf(event.item);
  if (item !== undefined && item.type !== "message") {
    return ok(ignored(`reaction_${action}:${String(item.type)}`));
  }
  const reaction = reactionOf(event, item, action, envelope);
  return reaction.ok ? ok(accepted([reaction.value])) : reaction;
}

function reactionOf(
  event: Fields,
  item: Fields | undefined,
  action: "added" | "removed",
  envelope: Envelope,
): Result<ParsedMessage, ParseFailure> {
  const user = idOf(event.user);
  const channel = idOf(item?.channel);
  const target = tsOf(item?.ts);
  const name = stringOf(event.reaction);
  const eventKey = envelope.eventId;
  if (!user || !channel || !target || !name || !eventKey || name.length > NAME_CHARS_MAX) {
    return wrongShape("event: expected event_id, user, reaction, item.channel and item.ts");
  }
  const timestampMs = millisecondsOf(tsOf(event.event_ts));
  const emoji = wellFormed(emojiOf(name));
  return ok({
    kind: "reaction",
    origin: "contact",
    eventKey,
    platformId: eventKey,
    targetId: target,
    sender: { id: user, aliases: [] },
    content: { text: "", media: [], metadata: { reaction: { emoji, action } } },
    mentions: [],
    ...placeOf(envelope, channel, { channelType: item?.channel_type }),
    ...(timestampMs === undefined ? {} : { timestampMs }),
  });
}
