/**
 * What every reader of an Events API payload shares: the team it is filed under, who we are there,
 * and where a message stands. Also the one place that tells people from bots.
 */
import type { Connection, SlackConnection } from "../../schema/connection.ts";
import type { ParseContext } from "../channel-adapter.ts";
import { type Fields, fieldsOf } from "../shared/fields.ts";
import { conversationKeyOf, threadOf } from "./conversation-key.ts";
import { idOf, listOf } from "./fields.ts";

/** Slack's own bot: it answers words, and speaks without a bot id. */
const SLACKBOT = "USLACKBOT";

export interface Envelope {
  readonly team: string;
  readonly connection: Connection<SlackConnection>;
  readonly nowMs: number;
  readonly eventId?: string;
  /** Our app's id: the connection's, else the one the payload is addressed to. */
  readonly appId?: string;
  /** User ids of our bot: the connection's and that of the payload's authorization. */
  readonly botUserIds: readonly string[];
}

export interface Place {
  readonly conversationKey: string;
  readonly group: boolean;
  readonly thread?: string;
}

/** Builds the envelope of a payload already matched to its team. */
export function envelopeOf(
  fields: Fields,
  team: string,
  context: ParseContext<SlackConnection>,
): Envelope {
  const { connection, nowMs } = context;
  const eventId = idOf(fields.event_id);
  const appId = connection.appId ?? idOf(fields.api_app_id);
  const bots = [connection.botUserId, ...authorizedBots(fields.authorizations)];
  return {
    team,
    connection,
    nowMs,
    botUserIds: [...new Set(bots.filter((id) => id !== undefined))],
    ...(eventId === undefined ? {} : { eventId }),
    ...(appId === undefined ? {} : { appId }),
  };
}

/** Where a message stands: its channel, or the thread it replies in (a thread's root is the channel's). */
export function placeOf(
  envelope: Envelope,
  channel: string,
  options: { readonly ts?: unknown; readonly threadTs?: unknown; readonly channelType?: unknown },
): Place {
  const thread = threadOf(options.threadTs, options.ts);
  const address = { team: envelope.team, channel, ...(thread === undefined ? {} : { thread }) };
  return {
    conversationKey: conversationKeyOf(address),
    group: options.channelType !== "im" && !isDirect(channel),
    ...(thread === undefined ? {} : { thread }),
  };
}

/**
 * Why a message is not from a person: `own_echo` for anything our app posted, `bot_message` for
 * other bots, undefined for people. Modern bot posts carry no subtype, only bot and app ids.
 */
export function botReason(
  message: Fields,
  envelope: Envelope,
): "own_echo" | "bot_message" | undefined {
  const { connection } = envelope;
  const user = idOf(message.user);
  const bot = idOf(message.bot_id);
  const profile = fieldsOf(message.bot_profile);
  const app = idOf(message.app_id) ?? idOf(profile?.app_id);
  const own =
    (user !== undefined && user === connection.botUserId) ||
    (bot !== undefined && bot === connection.botId) ||
    (app !== undefined && app === envelope.appId);
  if (own) {
    return "own_echo";
  }
  const posted =
    bot !== undefined ||
    profile !== undefined ||
    user === SLACKBOT ||
    message.subtype === "bot_message";
  // An authorization may name a person's account; what was typed in a client is never an echo.
  const typed = !posted && typeof message.client_msg_id === "string";
  if (!typed && user !== undefined && envelope.botUserIds.includes(user)) {
    return "own_echo";
  }
  return posted ? "bot_message" : undefined;
}

/** One-to-one conversations have channel ids in D; a user id stands for one too. */
function isDirect(channel: string): boolean {
  return /^[DUW]/.test(channel);
}

function authorizedBots(authorizations: unknown): readonly (string | undefined)[] {
  return listOf(authorizations)
    .slice(0, 10)
    .map((entry) => {
      const authorization = fieldsOf(entry);
      return authorization?.is_bot === true ? idOf(authorization.user_id) : undefined;
    });
}
