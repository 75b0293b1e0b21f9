/**
 * WhatsApp as a channel, through Evolution API (versions 1 to 2.4): webhooks in, REST out. Only the assembly;
 * each part stands in its own file.
 */
import type { WhatsappConnection } from "../../schema/connection.ts";
import type { ChannelAdapter } from "../channel-adapter.ts";
import { readEvolutionAnswer } from "./answer.ts";
import { whatsappReceiver } from "./receiver.ts";
import { evolutionReconciliation } from "./reconcile.ts";
import { nextEvolution } from "./send.ts";

export const whatsappAdapter: ChannelAdapter<WhatsappConnection> = {
  ...whatsappReceiver,
  next: nextEvolution,
  readResponse: readEvolutionAnswer,
  reconciliation: evolutionReconciliation,
};
