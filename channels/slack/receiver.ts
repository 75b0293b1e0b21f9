/** Slack's webhooks: Events API, slash commands and interactivity. Only the assembly. */
import type { SlackConnection } from "../../schema/connection.ts";
import type { ChannelReceiver } from "../channel-adapter.ts";
import { SLACK_LIMITS } from "./limits.ts";
import { locateSlack } from "./locate.ts";
import { parseSlack } from "./parse.ts";
import { verifySlack } from "./verify.ts";

export const slackReceiver: ChannelReceiver<SlackConnection> = {
  channel: "slack",
  limits: SLACK_LIMITS,
  locate: locateSlack,
  verify: verifySlack,
  parse: parseSlack,
};
