/**
 * The environment, parsed once per isolate: every variable and secret with its default and meaning.
 * A bad environment is one named failure listing what is wrong, never a stack trace later on.
 * Read by hand: it stands on the way to the acknowledgement, where a validator would be a third of the code.
 */

/** What a variable must be. Throws a `Fault` that says what it is not. */
type Reader<T> = (given: unknown) => T;

/** Message only, never the value: some are secrets. */
class Fault extends Error {}

const text =
  (fallback?: string): Reader<string> =>
  (given) => {
    const value = given ?? fallback;
    if (typeof value !== "string") throw new Fault(given === undefined ? "missing" : "not a text");
    return value;
  };

/** A text of at least so many characters. */
const secret =
  (charsMin: number): Reader<string> =>
  (given) => {
    const value = text()(given);
    if (value.length < charsMin) throw new Fault(`shorter than ${charsMin} characters`);
    return value;
  };

const int =
  (fallback: number, min: number, max: number): Reader<number> =>
  (given) => {
    const value = Number(given ?? fallback);
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new Fault(`not a whole number from ${min} to ${max}`);
    }
    return value;
  };

const oneOf =
  <const T extends string>(names: readonly T[]): Reader<T> =>
  (given) => {
    const found = names.find((name) => name === given);
    if (found === undefined) throw new Fault(`not one of ${names.join(", ")}`);
    return found;
  };

const optional =
  <T>(reader: Reader<T>): Reader<T | undefined> =>
  (given) =>
    given === undefined ? undefined : reader(given);

const orElse =
  <T>(reader: Reader<T>, fallback: T): Reader<T> =>
  (given) =>
    given === undefined ? fallback : reader(given);

const SIMULATED = ["evolution", "slack", "discord", "hive"] as const;

/** Base URLs behind the word "simulator" in a connection or route. Development and tests only. */
type SimulatorOrigins = Partial<Record<(typeof SIMULATED)[number], string>>;

const simulatorOrigins: Reader<SimulatorOrigins> = (given) => {
  const found: SimulatorOrigins = {};
  for (const [name, url] of Object.entries(jsonObject(text()(given)))) {
    found[oneOf(SIMULATED)(name)] = text()(url);
  }
  return found;
};

const READERS = {
  /** "production" refuses EGRESS_ALLOW, SIMULATORS, FAULT_PLAN and BREAK. */
  ENVIRONMENT: orElse(oneOf(["production", "development", "test"]), "production"),
  /** Public origin of this hub, without a trailing slash. */
  PUBLIC_URL: text("http://localhost:8787"),
  /** Secret: the operator's key, `Authorization: Bearer …` with every scope over every tenant. At least 12 characters. */
  ADMIN_API_KEY: optional(secret(12)),
  /** Secret: keys the opaque conversation ids. Never rotate it: a new one splits every conversation in two. */
  ID_SECRET: secret(12),
  /** Secret: key-encryption keys, `kid:base64(32 bytes)` joined by commas; the first seals, all open. */
  KEK: secret(12),
  /** Secret: signs expiring media links. */
  MEDIA_SECRET: secret(12),
  /** Hosts (`host` or `host:port`, comma separated) that user-given URLs may reach although not public. */
  EGRESS_ALLOW: text(""),
  SIMULATORS: optional(simulatorOrigins),
  /** DNS-over-HTTPS resolver for the check before user-given URLs are called; empty = literal checks only. */
  DOH_URL: text(""),
  /** OTLP/HTTP traces endpoint; empty = no export. */
  OTLP_ENDPOINT: text(""),
  /** Slack app credentials for OAuth installs. */
  SLACK_CLIENT_ID: text(""),
  SLACK_CLIENT_SECRET: text(""),
  SLACK_SIGNING_SECRET: text(""),
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
  FAULT_PLAN: text(""),
  /** Tests only: a guarantee broken on purpose (`domain/faults/defects.ts`). */
  BREAK: optional(oneOf(["dedup", "order", "durability", "isolation"])),
};
type Readers = typeof READERS;
type Values = { readonly [K in keyof Readers]: ReturnType<Readers[K]> };
type OptionalName = { [K in keyof Values]: undefined extends Values[K] ? K : never }[keyof Values];
export type Vars = Omit<Values, OptionalName> & Partial<Pick<Values, OptionalName>>;

/** Parses the bindings' plain values. Throws one error that names every bad variable (never its value). */
export function parseVars(env: unknown): Vars {
  const given = env as Readonly<Record<string, unknown>>;
  const faults: string[] = [];
  const read = ([name, reader]: [string, Reader<unknown>]): [string, unknown] => {
    try {
      return [name, reader(given[name])];
    } catch (error) {
      faults.push(`${name}: ${error instanceof Fault ? error.message : "unreadable"}`);
      return [name, undefined];
    }
  };
  const values = Object.entries<Reader<unknown>>(READERS).map(read);
  if (faults.length > 0) throw new Error(`bad environment: ${faults.join("; ")}`);
  const vars = Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Vars;
  const { ENVIRONMENT, EGRESS_ALLOW, SIMULATORS, FAULT_PLAN, BREAK } = vars;
  if (ENVIRONMENT === "production" && (EGRESS_ALLOW || SIMULATORS || FAULT_PLAN || BREAK)) {
    throw new Error(
      "bad environment: EGRESS_ALLOW, SIMULATORS, FAULT_PLAN and BREAK are refused in production",
    );
  }
  return vars;
}

function jsonObject(json: string): Readonly<Record<string, unknown>> {
  const value = parsed(json);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Fault("not a JSON object");
  }
  return value as Readonly<Record<string, unknown>>;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Fault("not JSON");
  }
}
