/**
 * The environment, parsed once per isolate: every variable and secret with its default and meaning.
 * A bad environment is one named failure listing what is wrong, never a stack trace later on.
 */
import * as z from "zod/mini";

const int = (fallback: number, min: number, max: number) =>
  z._default(z.coerce.number().check(z.int(), z.gte(min), z.lte(max)), fallback);

/** Base URLs behind the word "simulator" in a connection or route. Development and tests only. */
const SimulatorOrigins = z.partialRecord(
  z.enum(["evolution", "slack", "discord", "hive"]),
  z.string(),
);

const jsonOf = <T extends z.ZodMiniType>(schema: T) =>
  z.pipe(
    z.pipe(
      z.string(),
      z.transform((text, context) => parseJson(text, context)),
    ),
    schema,
  );

const Vars = z.object({
  /** "production" refuses EGRESS_ALLOW, SIMULATORS, FAULT_PLAN and BREAK. */
  ENVIRONMENT: z._default(z.enum(["production", "development", "test"]), "production"),
  /** Public origin of this hub, without a trailing slash. */
  PUBLIC_URL: z._default(z.string(), "http://localhost:8787"),
  /** Secret: the operator's key, `Authorization: Bearer …` with every scope over every tenant. At least 12 characters. */
  ADMIN_API_KEY: z.optional(z.string().check(z.minLength(12))),
  /** Secret: keys the opaque conversation ids. Never rotate it: a new one splits every conversation in two. */
  ID_SECRET: z.string().check(z.minLength(12)),
  /** Secret: key-encryption keys, `kid:base64(32 bytes)` joined by commas; the first seals, all open. */
  KEK: z.string().check(z.minLength(12)),
  /** Secret: signs expiring media links. */
  MEDIA_SECRET: z.string().check(z.minLength(12)),
  /** Hosts (`host` or `host:port`, comma separated) that user-given URLs may reach although not public. */
  EGRESS_ALLOW: z._default(z.string(), ""),
  SIMULATORS: z.optional(jsonOf(SimulatorOrigins)),
  /** DNS-over-HTTPS resolver for the check before user-given URLs are called; empty = literal checks only. */
  DOH_URL: z._default(z.string(), ""),
  /** OTLP/HTTP traces endpoint; empty = no export. */
  OTLP_ENDPOINT: z._default(z.string(), ""),
  /** Slack app credentials for OAuth installs. */
  SLACK_CLIENT_ID: z._default(z.string(), ""),
  SLACK_CLIENT_SECRET: z._default(z.string(), ""),
  SLACK_SIGNING_SECRET: z._default(z.string(), ""),
  /** Media above this many bytes is refused (the message keeps its text). */
  MEDIA_BYTES_MAX: int(50 * 1024 * 1024, 1, 200 * 1024 * 1024),
  MEDIA_TIMEOUT_MS: int(30_000, 100, 120_000),
  /** How long an isolate trusts its copy of a tenant or connection. */
  TENANT_CACHE_MS: int(30_000, 0, 3_600_000),
  /** Concurrent API requests a tenant may have in one isolate. */
  TENANT_CONCURRENCY_MAX: int(50, 1, 10_000),
  /** Webhook messages a tenant may have accepted and not settled, per conversation, before 429. */
  CONVERSATION_BACKLOG_MAX: int(1000, 1, 100_000),
  /** Shards of the event bus per tenant. Events of one partition key share a shard; order across shards is nobody's. */
  EVENT_SHARDS: int(1, 1, 64),
  /** First wait of a conversation's alarm before it rings again. */
  RING_AFTER_MS: int(5000, 50, 300_000),
  /** Attempts of a turn or a send before it becomes a dead letter. */
  ATTEMPTS_MAX: int(8, 1, 100),
  /** How long a platform is asked about a send in doubt, while its conversation waits. */
  UNCERTAIN_HOLD_MS: int(60_000, 500, 60_000),
  /** Tests only: failures of the bindings, planned (`domain/faults/plan.ts`). */
  FAULT_PLAN: z._default(z.string(), ""),
  /** Tests only: a guarantee broken on purpose (`domain/faults/defects.ts`). */
  BREAK: z.optional(z.enum(["dedup", "order", "durability", "isolation"])),
});
export type Vars = z.infer<typeof Vars>;

/** Parses the bindings' plain values. Throws one error that names every bad variable (never its value). */
export function parseVars(env: unknown): Vars {
  const parsed = Vars.safeParse(env);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`bad environment: ${faults.join("; ")}`);
  }
  const { ENVIRONMENT, EGRESS_ALLOW, SIMULATORS, FAULT_PLAN, BREAK } = parsed.data;
  if (ENVIRONMENT === "production" && (EGRESS_ALLOW || SIMULATORS || FAULT_PLAN || BREAK)) {
    throw new Error(
      "bad environment: EGRESS_ALLOW, SIMULATORS, FAULT_PLAN and BREAK are refused in production",
    );
  }
  return parsed.data;
}

function parseJson(text: string, context: { issues: unknown[] }): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.issues.push({ code: "custom", message: "not JSON", input: text });
    return undefined;
  }
}
