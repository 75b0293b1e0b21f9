/** Words adapters and the sender share about a gesture's own way back (`Responder`). */

/**
 * Reason of a retry: the platform does not know this way back yet, since our acknowledgement is still on its way
 * to it. After a few of these the sender takes the way of every other message.
 */
export const RESPONDER_NOT_READY = "responder_not_ready";
