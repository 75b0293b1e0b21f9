/**
 * Slack as a channel: Events API, slash commands and interactivity in, Web API out. Only the assembly;
 * each part stands in its own file.
 */
import type { SlackConnection } from "../../schema/connection.ts";
import type { ChannelAdapter } from "../channel-adapter.ts";
import { slackReceiver } from "./receiver.ts";
import { slackReconciliation } from "./reconciliation.ts";
import { readSlackResponse } from "./response.ts";
import { nextRequest } from "./send.ts";

export const slackAdapter: ChannelAdapter<SlackConnection> = {
  ...slackReceiver,
  next: nextRequest,
  readResponse: readSlackResponse,
  reconciliation: slackReconciliation,
};
