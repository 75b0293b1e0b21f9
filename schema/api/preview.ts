/** The dry run of a message: what would be done with it, and why. Nothing is stored or sent. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { MessageKind } from "../message.ts";
import { TurnPolicy } from "../policy.ts";
import { Route } from "../route.ts";

export const PreviewInput = z.strictObject({
  /** The connection the message would come by. */
  connection: Id,
  text: z.string().max(100_000),
  kind: MessageKind.default("message"),
  sender: z
    .strictObject({
      id: z.string().min(1).max(200),
      aliases: z.array(z.string().max(200)).max(20).default([]),
      name: z.string().max(200).optional(),
    })
    .prefault({ id: "preview" }),
  group: z.boolean().default(false),
  /** Settings the conversation would have of its own. */
  conversation: z
    .strictObject({
      route: Route.optional(),
      policy: TurnPolicy.optional(),
      paused: z.boolean().optional(),
    })
    .optional(),
});
export type PreviewInput = z.infer<typeof PreviewInput>;

export const PreviewView = z
  .strictObject({
    /** `kind` direct, webhook, hive, silence, human or refused; a direct plan carries its reply. */
    plan: z.looseObject({ kind: z.string() }),
    policy: TurnPolicy,
    /** The steps that led here, in order. */
    because: z.array(z.string()),
  })
  .meta({ id: "Preview" });
