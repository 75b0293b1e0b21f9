/** One send under way. */
import type { ChannelAdapter } from "../../channels/channel-adapter.ts";
import type { OutboxItem } from "../../schema/conversation.ts";
import type { OutboundMessage } from "../../schema/outbound.ts";
import type { Leased } from "./leased.ts";

/** What every step of one send needs to know. */
export interface Sending {
  readonly env: Env;
  readonly leased: Leased;
  readonly adapter: ChannelAdapter;
  readonly item: OutboxItem;
  readonly message: OutboundMessage;
}
