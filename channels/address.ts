/** Turns an address as people write it into the conversation key that the channel's own webhooks would give. */
import type { Connection } from "../schema/connection.ts";

/** Undefined where the text can't be an address on this channel. `thread` is part of a Slack conversation. */
export function conversationKeyOf(
  connection: Connection,
  to: string,
  thread?: string,
): string | undefined {
  switch (connection.channel) {
    case "whatsapp":
      return whatsappAddress(to);
    case "slack":
      return slackAddress(connection.teamId, to, thread);
    case "discord":
      return /^(?:user:)?\d{1,20}$/.test(to) ? to : undefined;
  }
}

/** E.164 digits (with or without `+`, spaces, dashes) or a JID. */
function whatsappAddress(to: string): string | undefined {
  if (/^[\w.:-]{1,64}@(?:s\.whatsapp\.net|g\.us|lid)$/.test(to)) return to;
  const digits = to.replace(/[\s()+-]/g, "");
  return /^\d{5,20}$/.test(digits) ? `${digits}@s.whatsapp.net` : undefined;
}

/** Channel, group, direct message or user id, alone or as `team:channel[:thread]`. */
function slackAddress(teamId: string, to: string, thread: string | undefined): string | undefined {
  const [first, ...rest] = to.split(":");
  const [channel, ownThread] = first === teamId && rest.length > 0 ? rest : [first, ...rest];
  const root = thread ?? ownThread;
  if (!channel || !/^[A-Z][A-Z0-9_]{1,30}$/.test(channel)) return undefined;
  if (root !== undefined && !/^\d{1,16}\.\d{1,10}$/.test(root)) return undefined;
  return [teamId, channel, ...(root ? [root] : [])].join(":");
}
