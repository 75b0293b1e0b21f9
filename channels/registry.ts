/** The only list of channels. */
import type { ChannelAdapter } from "./channel-adapter.ts";
import { discordAdapter } from "./discord/adapter.ts";
import { slackAdapter } from "./slack/adapter.ts";

/** An adapter only ever sees connections of its own channel: that is what makes this cast true. */
export const ADAPTERS = [slackAdapter, discordAdapter] as unknown as readonly ChannelAdapter[];

/** Other names a channel goes by in a webhook's path. */
const PROVIDERS: Readonly<Record<string, string>> = { evolution: "whatsapp" };

/** The adapter of a channel or provider name; undefined where there is none. */
export function adapterFor(nameOrProvider: string): ChannelAdapter | undefined {
  const channel = PROVIDERS[nameOrProvider] ?? nameOrProvider;
  return ADAPTERS.find((adapter) => adapter.channel === channel);
}
