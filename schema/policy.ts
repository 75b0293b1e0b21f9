/** Turn policies: how messages of one conversation become turns (architecture: "Turn policies"). */
import * as z from "zod";

export const TurnPolicy = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("serial") }),
  z.strictObject({ kind: z.literal("burst") }),
  z.strictObject({ kind: z.literal("debounce"), quietMs: z.int().check(z.gte(1), z.lte(30_000)) }),
  z.strictObject({ kind: z.literal("queue"), max: z.int().check(z.gte(1), z.lte(1000)) }),
  z.strictObject({ kind: z.literal("drop") }),
  z.strictObject({ kind: z.literal("interrupt") }),
]);
export type TurnPolicy = z.infer<typeof TurnPolicy>;
