/**
 * Discord as a channel: interactions, Webhook Events and Gateway frames in, the REST API (v10) out. This file
 * only says which decision stands in which file; the Gateway socket itself is `domain/gateway`.
 */
import type { DiscordConnection } from "../../schema/connection.ts";
import type { ChannelAdapter } from "../channel-adapter.ts";
import { readAnswer } from "./answer.ts";
import { discordReceiver } from "./receiver.ts";
import { nextRequest } from "./send.ts";

/** No `reconciliation`: sends to channels are idempotent through their nonce. */
export const discordAdapter: ChannelAdapter<DiscordConnection> = {
  ...discordReceiver,
  next: nextRequest,
  readResponse: readAnswer,
};
