/** Routes: where a turn of a conversation goes. Data per tenant, connection or conversation. */
import * as z from "zod";

/** `match` is a regular expression (source, at most 500 characters, matched case-insensitively); the first that matches answers. */
export const DirectRule = z.strictObject({
  match: z.string().check(z.maxLength(500)),
  /** Markdown with `{{text}}`, `{{sender.name}}`, `{{sender.id}}`, `{{match.1}}`, `{{connection}}`, `{{timestamp}}`. */
  reply: z.string().check(z.maxLength(20_000)),
});
export type DirectRule = z.infer<typeof DirectRule>;

export const Route = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("direct"), rules: z.array(DirectRule).check(z.maxLength(200)) }),
  z.strictObject({
    kind: z.literal("webhook"),
    url: z.string().check(z.maxLength(2048)),
    /** Standard Webhooks secret (`whsec_` + base64). Sealed at rest, never read back. */
    secret: z.optional(z.string()),
    timeoutMs: z.optional(z.int().check(z.gte(100), z.lte(120_000))),
  }),
  z.strictObject({
    kind: z.literal("hive"),
    /** Origin of the Hive, or "simulator". */
    baseUrl: z.string().check(z.maxLength(2048)),
    agent: z.optional(z.string()),
    team: z.optional(z.string()),
    /** Sealed at rest, never read back. */
    apiKey: z.optional(z.string()),
    /** Which contract it speaks: AgentOS form-data runs, or our JSON `{tenant, message, context, routing_hints}`. */
    dialect: z.optional(z.enum(["agentos", "json"])),
    auth: z.optional(z.enum(["bearer", "x-api-key"])),
    stream: z.optional(z.boolean()),
    timeoutMs: z.optional(z.int().check(z.gte(100), z.lte(120_000))),
    hints: z.optional(
      z.strictObject({
        preferred_agent: z.optional(z.string()),
        priority: z.optional(z.int().check(z.gte(0), z.lte(9))),
      }),
    ),
  }),
  /** Every message starts a run, once; what is said to it, the run's own steps send. */
  z.strictObject({
    kind: z.literal("workflow"),
    workflow: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/)),
    /** Absent: where the workflow's new runs go. */
    version: z.optional(z.string().check(z.minLength(1), z.maxLength(64))),
  }),
  z.strictObject({ kind: z.literal("silence") }),
  z.strictObject({ kind: z.literal("human") }),
]);
export type Route = z.infer<typeof Route>;
