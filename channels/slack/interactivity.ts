/**
 * Interactive payloads: clicks, choices, shortcuts and submitted forms become `interaction` messages.
 * Cancelled forms are ignored; option look-ups get an empty list at once, since no turn could answer
 * them in the three seconds Slack waits.
 */
import { ok, type Result } from "../../domain/result.ts";
import type { Ack, ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { type Fields, fieldsOf, wrongShape } from "../shared/fields.ts";
import { boundedKey } from "../shared/text.ts";
import { type Envelope, placeOf } from "./envelope.ts";
import { idOf, listOf, millisecondsOf, stringOf, tsOf } from "./fields.ts";
import { type Gesture, gesturesOf } from "./gestures.ts";
import { accepted, ignored } from "./reading.ts";
import { responderOf } from "./responder.ts";
import { senderOf } from "./sender.ts";

const NO_OPTIONS: Ack = { status: 200, contentType: "application/json", body: '{"options":[]}' };
/** Which interactive types are acted upon, and how the others are answered (Slack docs: interaction payloads). */
const TREATMENT: ReadonlyMap<string, "message" | "ignore" | "no_options"> = new Map([
  ["block_actions", "message"],
  ["view_submission", "message"],
  ["shortcut", "message"],
  ["message_action", "message"],
  ["interactive_message", "message"],
  ["dialog_submission", "message"],
  ["view_closed", "ignore"],
  ["dialog_cancellation", "ignore"],
  ["block_suggestion", "no_options"],
  ["dialog_suggestion", "no_options"],
]);

/** Whether a payload's `type` is an interactive one. */
export function isInteractive(type: string): boolean {
  return TREATMENT.has(type);
}

/** Reads an interactive payload of a type for which `isInteractive` holds. */
export function readInteraction(
  type: string,
  fields: Fields,
  envelope: Envelope,
): Result<WebhookReading, ParseFailure> {
  const treatment = TREATMENT.get(type);
  if (treatment !== "message") {
    return ok(ignored(type, treatment === "no_options" ? NO_OPTIONS : undefined));
  }
  const user = idOf(fieldsOf(fields.user)?.id);
  const trigger = stringOf(fields.trigger_id) ?? stringOf(fields.action_ts);
  if (user === undefined || trigger === undefined) {
    return wrongShape("payload: expected user.id and trigger_id or action_ts");
  }
  const messages: ParsedMessage[] = [];
  for (const [index, gesture] of gesturesOf(type, fields, envelope).entries()) {
    const key = [envelope.team, type, trigger, ...(index === 0 ? [] : [String(index)])];
    const eventKey = boundedKey(key);
    if (!eventKey.ok) {
      return eventKey;
    }
    messages.push(messageOf(fields, gesture, user, eventKey.value, envelope));
  }
  return messages.length > 0 ? ok(accepted(messages)) : wrongShape("payload.actions: expected one");
}

function messageOf(
  fields: Fields,
  gesture: Gesture,
  user: string,
  eventKey: string,
  envelope: Envelope,
): ParsedMessage {
  const target = targetOf(fields);
  const person = fieldsOf(fields.user);
  const offered = fieldsOf(listOf(fields.response_urls)[0]);
  const url = fields.response_url ?? offered?.response_url;
  const responder = responderOf(url, envelope.connection.baseUrl, envelope.nowMs);
  const timestampMs = millisecondsOf(tsOf(gesture.actionTs));
  return {
    kind: "interaction",
    origin: "contact",
    eventKey,
    platformId: tsOf(gesture.actionTs) ?? eventKey,
    sender: senderOf(user, person?.username ?? person?.name),
    content: { text: gesture.text, media: [], metadata: { interaction: gesture.interaction } },
    mentions: [],
    ...whereabouts(fields, offered, user, target, envelope),
    ...(target === undefined ? {} : { targetId: target }),
    ...(timestampMs === undefined ? {} : { timestampMs }),
    ...(responder === undefined ? {} : { responder }),
  };
}

/** The message acted upon. */
function targetOf(fields: Fields): string | undefined {
  return (
    tsOf(fieldsOf(fields.message)?.ts) ??
    tsOf(fieldsOf(fields.container)?.message_ts) ??
    tsOf(fields.message_ts)
  );
}

/** The channel and thread of the message acted upon; without a channel, the person's direct conversation. */
function whereabouts(
  fields: Fields,
  offered: Fields | undefined,
  user: string,
  target: string | undefined,
  envelope: Envelope,
) {
  const container = fieldsOf(fields.container);
  const channel =
    idOf(fieldsOf(fields.channel)?.id) ?? idOf(container?.channel_id) ?? idOf(offered?.channel_id);
  const threadTs =
    fieldsOf(fields.message)?.thread_ts ??
    container?.thread_ts ??
    fieldsOf(fields.original_message)?.thread_ts;
  return placeOf(envelope, channel ?? user, { ts: target, threadTs });
}
