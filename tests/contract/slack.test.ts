import { slackAdapter } from "../../channels/slack/adapter.ts";
import { channelAdapterContract } from "./channel-adapter.ts";
import { slackSamples } from "./samples/slack.ts";

channelAdapterContract(slackAdapter, slackSamples);
