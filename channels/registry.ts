/**
 * The only list of channels. Adding one is a line here, a folder beside this file and a folder of fixtures.
 */
import type { ConnectionInput } from "../schema/connection.ts";
import type { ChannelAdapter } from "./channel-adapter.ts";
import { discordAdapter } from "./discord/adapter.ts";
import { slackAdapter } from "./slack/adapter.ts";
import { whatsappAdapter } from "./whatsapp/adapter.ts";

export const ADAPTERS: readonly ChannelAdapter[] = [
  forAnyConnection(whatsappAdapter),
  forAnyConnection(slackAdapter),
  forAnyConnection(discordAdapter),
];

/** Other names in webhook paths: the product behind a channel. */
const PROVIDERS: Readonly<Record<string, ChannelAdapter["channel"]>> = { evolution: "whatsapp" };

/** The adapter of a channel ("whatsapp") or of its provider ("evolution"). */
export function adapterFor(nameOrProvider: string): ChannelAdapter | undefined {
  const provided = Object.hasOwn(PROVIDERS, nameOrProvider) ? PROVIDERS[nameOrProvider] : undefined;
  const name = provided ?? nameOrProvider;
  return ADAPTERS.find(({ channel }) => channel === name);
}

/**
 * The one cast: an adapter of one kind of connection into a list for all. Sound as long as an adapter is
 * only handed connections of its own channel, which is how every caller chooses it.
 */
function forAnyConnection<C extends ConnectionInput>(adapter: ChannelAdapter<C>): ChannelAdapter {
  return adapter as unknown as ChannelAdapter;
}
