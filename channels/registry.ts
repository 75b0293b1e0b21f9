/**
 * The only list of whole adapters. Adding a channel is a line here, one in `receivers.ts`, a folder beside this
 * file and a folder of fixtures.
 */
import type { ConnectionInput } from "../schema/connection.ts";
import type { ChannelAdapter } from "./channel-adapter.ts";
import { discordAdapter } from "./discord/adapter.ts";
import { channelNamed } from "./receivers.ts";
import { slackAdapter } from "./slack/adapter.ts";
import { whatsappAdapter } from "./whatsapp/adapter.ts";

export const ADAPTERS: readonly ChannelAdapter[] = [
  forAnyConnection(whatsappAdapter),
  forAnyConnection(slackAdapter),
  forAnyConnection(discordAdapter),
];

/** The adapter of a channel ("whatsapp") or of its provider ("evolution"). */
export function adapterFor(nameOrProvider: string): ChannelAdapter | undefined {
  const channel = channelNamed(nameOrProvider);
  return ADAPTERS.find((adapter) => adapter.channel === channel);
}

/**
 * The one cast: an adapter of one kind of connection into a list for all. Sound as long as an adapter is
 * only handed connections of its own channel, which is how every caller chooses it.
 */
function forAnyConnection<C extends ConnectionInput>(adapter: ChannelAdapter<C>): ChannelAdapter {
  return adapter as unknown as ChannelAdapter;
}
