/** `/instances` on the wire: a connection with what its platform says of it now. */
import * as z from "zod";
import { DiscordConnection, Id, SlackConnection, WhatsappConnection } from "../connection.ts";
import { ConnectionView } from "./connections.ts";

const extra = {
  /** Needed with the operator's key only. */
  tenant: Id.optional(),
};

/** A connection, with the tenant beside it, and for WhatsApp the number to get a pairing code for. */
export const CreateInstance = z.discriminatedUnion("channel", [
  WhatsappConnection.extend({
    ...extra,
    number: z
      .string()
      .regex(/^\+?\d{5,20}$/)
      .optional(),
  }),
  SlackConnection.extend(extra),
  DiscordConnection.extend(extra),
]);
export type CreateInstance = z.infer<typeof CreateInstance>;

export const InstanceView = z
  .strictObject({
    id: Id,
    tenant: Id,
    state: z.enum(["open", "connecting", "closed", "revoked", "unknown"]),
    detail: z.string().optional(),
    qr: z
      .strictObject({
        code: z.string().optional(),
        base64: z.string().optional(),
        pairingCode: z.string().optional(),
      })
      .optional(),
    /** A page on which a person goes on: Slack's consent, Discord's invitation. */
    continueUrl: z.string().optional(),
    connection: ConnectionView,
  })
  .meta({ id: "Instance" });
