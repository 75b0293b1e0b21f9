import { discordAdapter } from "../../channels/discord/adapter.ts";
import { channelAdapterContract } from "./channel-adapter.ts";
import { discordSamples } from "./samples/discord.ts";

channelAdapterContract(discordAdapter, discordSamples);
