/** Delivery status only ever moves forward: the rank decides, in SQL as here. */
import type { MessageStatus } from "../../schema/message.ts";

/** `failed` outranks `sent` but not `delivered`: a late failure report cannot take back what has arrived. */
export const STATUS_RANK: Readonly<Record<MessageStatus, number>> = {
  pending: 0,
  received: 1,
  processed: 2,
  uncertain: 3,
  sent: 4,
  failed: 5,
  delivered: 6,
  read: 7,
};
