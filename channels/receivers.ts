/**
 * Every channel's half that takes in, loaded when its first webhook comes: the webhook door needs no other part of
 * a channel. `registry.ts` has the whole adapters. Adding a channel is a line in each.
 */
import type { ConnectionInput } from "../schema/connection.ts";
import type { ChannelReceiver } from "./channel-adapter.ts";

const RECEIVERS: Readonly<Record<ChannelReceiver["channel"], () => Promise<ChannelReceiver>>> = {
  whatsapp: async () => forAnyConnection((await import("./whatsapp/receiver.ts")).whatsappReceiver),
  slack: async () => forAnyConnection((await import("./slack/receiver.ts")).slackReceiver),
  discord: async () => forAnyConnection((await import("./discord/receiver.ts")).discordReceiver),
};

/** Other names in webhook paths: the product behind a channel. */
const PROVIDERS: Readonly<Record<string, ChannelReceiver["channel"]>> = { evolution: "whatsapp" };

/** The channel of a name in a webhook path: itself ("whatsapp") or its provider ("evolution"). */
export function channelNamed(nameOrProvider: string): ChannelReceiver["channel"] | undefined {
  if (Object.hasOwn(PROVIDERS, nameOrProvider)) return PROVIDERS[nameOrProvider];
  return Object.hasOwn(RECEIVERS, nameOrProvider)
    ? (nameOrProvider as ChannelReceiver["channel"])
    : undefined;
}

/** Kept, since the runtime takes 5 µs of CPU for every `import()`, also of what it has loaded. */
const loaded = new Map<ChannelReceiver["channel"], ChannelReceiver>();

/** The receiver of a channel or provider. Loads it the first time. */
export async function receiverFor(nameOrProvider: string): Promise<ChannelReceiver | undefined> {
  const channel = channelNamed(nameOrProvider);
  if (channel === undefined) return undefined;
  const known = loaded.get(channel);
  if (known) return known;
  const receiver = await RECEIVERS[channel]();
  loaded.set(channel, receiver);
  return receiver;
}

/**
 * The one cast: a receiver of one kind of connection into a list for all. Sound as long as a receiver is
 * only handed connections of its own channel, which is how every caller chooses it.
 */
function forAnyConnection<C extends ConnectionInput>(
  receiver: ChannelReceiver<C>,
): ChannelReceiver {
  return receiver as unknown as ChannelReceiver;
}
