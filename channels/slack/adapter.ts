/**
 * Slack as a channel: Events API, slash commands and interactivity in, Web API out. Only the assembly;
 * each part stands in its own file.
 */
import type { SlackConnection } from "../../schema/connection.ts";
import type { ChannelAdapter } from "../channel-adapter.ts";
import { SLACK_LIMITS } from "./limits.ts";
import { locateSlack } from "./locate.ts";
import { parseSlack } from "./parse.ts";
import { slackReconciliation } from "./reconciliation.ts";
import { readSlackResponse } from "./response.ts";
import { nextRequest } from "./send.ts";
import { verifySlack } from "./verify.ts";

export const slackAdapter: ChannelAdapter<SlackConnection> = {
  channel: "slack",
  limits: SLACK_LIMITS,
  locate: locateSlack,
  verify: verifySlack,
  parse: parseSlack,
  next: nextRequest,
  readResponse: readSlackResponse,
  reconciliation: slackReconciliation,
};
