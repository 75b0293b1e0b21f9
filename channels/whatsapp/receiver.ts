/** Evolution's webhooks. Only the assembly. */
import type { WhatsappConnection } from "../../schema/connection.ts";
import type { ChannelReceiver } from "../channel-adapter.ts";
import { locateEvolution } from "./envelope.ts";
import { WHATSAPP_LIMITS } from "./limits.ts";
import { parseEvolution } from "./parse.ts";
import { verifyEvolution } from "./verify.ts";

export const whatsappReceiver: ChannelReceiver<WhatsappConnection> = {
  channel: "whatsapp",
  limits: WHATSAPP_LIMITS,
  locate: locateEvolution,
  verify: verifyEvolution,
  parse: parseEvolution,
};
