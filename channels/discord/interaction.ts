/**
 * Interactions over HTTP: PING, commands, components, autocomplete and modals. What goes to an agent is
 * acknowledged as deferred (5: "thinking"; 6 for a component, whose message must stay as it is), since agents
 * take longer than the 3 seconds Discord waits; the answer follows through the responder.
 */
import type { Result } from "../../domain/result.ts";
import { fail, ok } from "../../domain/result.ts";
import type { DiscordConnection } from "../../schema/connection.ts";
import type { Ack, ParsedMessage, WebhookReading } from "../../schema/parsed.ts";
import type { ParseContext, ParseFailure } from "../channel-adapter.ts";
import { boundedKey } from "../shared/text.ts";
import { INTERACTION_TOKEN_MS } from "./facts.ts";
import type { Gesture } from "./gesture.ts";
import { commandGesture, componentGesture, modalGesture } from "./gesture.ts";
import { senderOf } from "./people.ts";
import { ignored, reading } from "./reading.ts";
import type { Interaction } from "./shapes.ts";
import { InteractionHead, Interaction as InteractionShape, shaped } from "./shapes.ts";
import { timeOf } from "./time.ts";

/** "Interactions: Interaction Type". */
const PING = 1;
const COMMAND = 2;
const COMPONENT = 3;
const AUTOCOMPLETE = 4;
const MODAL = 5;

/** "Interactions: Interaction Callback Type". */
const PONG = answer({ type: 1 });
const DEFERRED_MESSAGE = answer({ type: 5 });
const DEFERRED_UPDATE = answer({ type: 6 });
const NO_CHOICES = answer({ type: 8, data: { choices: [] } });

/** Reads an interaction; a PING may be the bare `{"type":1}` of Discord's published examples. */
export function readInteraction(
  raw: unknown,
  context: ParseContext<DiscordConnection>,
): Result<WebhookReading, ParseFailure> {
  const head = shaped(InteractionHead, raw, "interaction");
  if (!head.ok) return head;
  const { type, application_id: application } = head.value;
  const foreign = application !== undefined && application !== context.connection.applicationId;
  if (foreign) return fail({ reason: "wrong_connection", detail: "interaction.application_id" });
  switch (type) {
    case PING:
      return ok(reading({ ack: PONG }));
    case COMMAND:
    case COMPONENT:
    case MODAL:
      return readGesture(type, raw, context);
    case AUTOCOMPLETE:
      return ok(ignored("autocomplete", NO_CHOICES));
    default:
      return ok(
        ignored(
          Number.isInteger(type) && type >= 0 && type < 100 ? `interaction_${type}` : "interaction",
        ),
      );
  }
}

function answer(body: unknown): Ack {
  return { status: 200, contentType: "application/json", body: JSON.stringify(body) };
}

function readGesture(
  type: number,
  raw: unknown,
  context: ParseContext<DiscordConnection>,
): Result<WebhookReading, ParseFailure> {
  const interaction = shaped(InteractionShape, raw, "interaction");
  if (!interaction.ok) return interaction;
  const gesture = gestureOf(type, interaction.value, context.connection);
  if (!gesture.ok) return gesture;
  const message = messageOf(interaction.value, gesture.value, context);
  if (!message.ok) return message;
  const ack = type === COMPONENT ? DEFERRED_UPDATE : DEFERRED_MESSAGE;
  return ok(reading({ ack, messages: [message.value] }));
}

function gestureOf(
  type: number,
  interaction: Interaction,
  connection: DiscordConnection,
): Result<Gesture, ParseFailure> {
  if (type === COMMAND) return commandGesture(interaction, connection);
  return type === COMPONENT ? componentGesture(interaction) : modalGesture(interaction);
}

function messageOf(
  interaction: Interaction,
  gesture: Gesture,
  context: ParseContext<DiscordConnection>,
): Result<ParsedMessage, ParseFailure> {
  const user = interaction.member?.user ?? interaction.user;
  const channel = interaction.channel_id ?? interaction.channel?.id;
  if (!user) return fail({ reason: "wrong_shape", detail: "interaction.user: missing" });
  if (!channel) return fail({ reason: "wrong_shape", detail: "interaction.channel_id: missing" });
  const key = boundedKey([interaction.id]);
  if (!key.ok) return key;
  const timestampMs = timeOf(undefined, interaction.id);
  return ok({
    ...gesture.message,
    origin: "contact",
    eventKey: key.value,
    conversationKey: channel,
    platformId: interaction.id,
    sender: senderOf(user, interaction.member),
    group: Boolean(interaction.guild_id),
    ...(timestampMs !== undefined && { timestampMs }),
    mentions: [],
    responder: {
      via: "discord_interaction",
      applicationId: interaction.application_id,
      token: interaction.token,
      expiresAtMs: context.nowMs + INTERACTION_TOKEN_MS,
      ...(gesture.followUp && { followUp: true }),
    },
  });
}
