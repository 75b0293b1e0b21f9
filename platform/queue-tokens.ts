/** What tokens look like when they come out of a queue: read by consumers only, so that ringing needs no validator. */
import * as z from "zod/mini";

/** `{v, tenant, conversation}`; an unknown `v` is retried, since a newer deploy may understand it. */
export const QueueToken = z.object({
  v: z.literal(1),
  tenant: z.string(),
  conversation: z.string(),
});
export type QueueToken = z.infer<typeof QueueToken>;

/** `{v, tenant, shard, subscription}`: this subscription has deliveries in this shard. */
export const EventToken = z.object({
  v: z.literal(1),
  tenant: z.string(),
  shard: z.string(),
  subscription: z.string(),
});
export type EventToken = z.infer<typeof EventToken>;
