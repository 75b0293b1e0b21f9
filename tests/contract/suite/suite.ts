/** One chapter of the contract suite: declares its cases for one channel's samples. */
import type { ChannelAdapter } from "../../../channels/channel-adapter.ts";
import type { ConnectionInput } from "../../../schema/connection.ts";
import type { ChannelSamples } from "../channel-samples.ts";

export type Suite = <C extends ConnectionInput>(
  adapter: ChannelAdapter<C>,
  samples: ChannelSamples<C>,
) => void;
