/**
 * WhatsApp as a channel, through Evolution API (versions 1 to 2.4): webhooks in, REST out. Only the assembly;
 * each part stands in its own file.
 */
import type { WhatsappConnection } from "../../schema/connection.ts";
import type { ChannelAdapter } from "../channel-adapter.ts";
import { readEvolutionAnswer } from "./answer.ts";
import { locateEvolution } from "./envelope.ts";
import { WHATSAPP_LIMITS } from "./limits.ts";
import { parseEvolution } from "./parse.ts";
import { evolutionReconciliation } from "./reconcile.ts";
import { nextEvolution } from "./send.ts";
import { verifyEvolution } from "./verify.ts";

export const whatsappAdapter: ChannelAdapter<WhatsappConnection> = {
  channel: "whatsapp",
  limits: WHATSAPP_LIMITS,
  locate: locateEvolution,
  verify: verifyEvolution,
  parse: parseEvolution,
  next: nextEvolution,
  readResponse: readEvolutionAnswer,
  reconciliation: evolutionReconciliation,
};
