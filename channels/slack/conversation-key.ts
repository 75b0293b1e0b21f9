/**
 * The address of a Slack conversation, `team:channel[:thread_ts]`: written when parsing, read back
 * when sending. A user id may stand in the channel's place where a gesture has no channel (modals,
 * global shortcuts): Slack delivers a post to a user id as a direct message.
 */
import { idOf, tsOf } from "./fields.ts";

export interface SlackAddress {
  readonly team: string;
  readonly channel: string;
  /** `ts` of the thread's root. */
  readonly thread?: string;
}

/** Writes an address whose parts were checked by `idOf` and `tsOf`. */
export function conversationKeyOf(address: SlackAddress): string {
  const base = `${address.team}:${address.channel}`;
  return address.thread === undefined ? base : `${base}:${address.thread}`;
}

/** Reads a conversation key back; undefined where it is none of ours. */
export function addressOf(conversationKey: string): SlackAddress | undefined {
  const [team, channel, thread, ...rest] = conversationKey.split(":");
  if (idOf(team) === undefined || idOf(channel) === undefined || rest.length > 0) {
    return undefined;
  }
  if (thread === undefined) {
    return { team: team as string, channel: channel as string };
  }
  return tsOf(thread) === undefined
    ? undefined
    : { team: team as string, channel: channel as string, thread };
}

/** The thread a message stands in: its root's `ts`, or undefined for a root itself. */
export function threadOf(threadTs: unknown, ts: unknown): string | undefined {
  const thread = tsOf(threadTs);
  return thread === ts ? undefined : thread;
}
