/**
 * The hostile cases of `../shared/fixtures/nasty`, and the one place where their placeholders meet this
 * hub: tenants, keys, paths, expectations that read differently here, and why.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../../../dev/runtime.ts";
import { TenantInput } from "../../../schema/tenant.ts";

const DIR = join(ROOT, "../shared/fixtures/nasty");

/** False where the reference data is not beside the repository: the suites then say so and are skipped. */
export const NASTY_PRESENT = existsSync(join(DIR, "materialise.mjs"));

export interface Expectation {
  readonly status?: number | readonly number[];
  readonly messages?: number | readonly number[];
  readonly effects?: number | readonly number[];
  readonly quarantined?: number | readonly number[] | string;
  readonly body_contains?: string;
  readonly roundtrip?: string;
}

export interface NastyCase {
  readonly id: string;
  readonly title: string;
  readonly request?: { readonly path: string; readonly method: string; readonly body?: string };
  readonly send?: {
    readonly variants?: readonly unknown[];
    readonly times?: number;
    readonly parallel?: boolean;
  };
  readonly text?: string;
  readonly text_json?: string;
  readonly raw?: string;
  readonly expect: Expectation;
}

export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly chunked: boolean;
  readonly body: Uint8Array<ArrayBuffer>;
}

export function loadCases(file: string): readonly NastyCase[] {
  return NASTY_PRESENT
    ? (JSON.parse(readFileSync(join(DIR, `${file}.json`), "utf8")) as NastyCase[])
    : [];
}

/**
 * Signs a case's requests as its platform would. Two placeholders are filled in first: the Slack time stamp
 * that several cases share (it is the message's identity: one hub would rightly see duplicates), and the
 * host of a slash command's way back, which is the simulator here.
 */
export async function materialise(
  given: NastyCase,
  nowMs: number,
  slackOrigin: string,
): Promise<readonly SignedRequest[]> {
  const one = filledIn(given, slackOrigin);
  const module = (await import(pathToFileURL(join(DIR, "materialise.mjs")).href)) as {
    materialise(one: NastyCase, nowMs: number): readonly SignedRequest[];
  };
  return module.materialise(one, nowMs);
}

function filledIn(one: NastyCase, slackOrigin: string): NastyCase {
  if (one.request?.body === undefined) return one;
  const body = one.request.body
    .replaceAll("1795200000.000100", `17952${one.id.replace(/\D/g, "").padStart(5, "0")}.000100`)
    .replaceAll("https%3A%2F%2Fhooks.slack.com", encodeURIComponent(slackOrigin));
  return { ...one, request: { ...one.request, body } };
}

interface Keys {
  readonly slack: Record<string, string>;
  readonly discord: Record<string, { readonly public_key: string }>;
  readonly evolution: Record<string, string>;
}

/** The two tenants the cases speak of, with the secrets they sign with. Every message is echoed. */
export function nastyTenants(): readonly TenantInput[] {
  const keys = JSON.parse(readFileSync(join(DIR, "keys.json"), "utf8")) as Keys;
  return ["acme", "globex"].map((id) => tenantOf(id, keys));
}

function tenantOf(id: string, keys: Keys): TenantInput {
  const upper = id.toUpperCase();
  const route = { kind: "direct", rules: [{ match: "", reply: "echo: {{text}}" }] };
  const common = { baseUrl: "simulator", route, policy: { kind: "serial" } };
  return TenantInput.parse({
    id,
    name: id,
    connections: [
      {
        ...common,
        id: `${id}-slack-1`,
        channel: "slack",
        teamId: `T_${upper}`,
        appId: id === "acme" ? "A1" : "A2",
        botUserId: "U_BOT",
        botId: "B_OWN",
        credentials: { signingSecret: keys.slack[id], botToken: "xoxb-test" },
      },
      {
        ...common,
        id: `${id}-discord-1`,
        channel: "discord",
        applicationId: `APP_${upper}`,
        credentials: { publicKey: keys.discord[id]?.public_key, botToken: "b" },
      },
      {
        ...common,
        id: `${id}-wa-1`,
        channel: "whatsapp",
        provider: "evolution",
        instance: `${id}-wa`,
        humanPauseMs: 0,
        credentials: { apiKey: "k", jwtKey: keys.evolution[id] },
      },
    ],
  });
}

/**
 * Where this hub differs from a case's words. The project's own decisions win; each is explained.
 */
export const DIFFERENCES: Readonly<
  Record<string, { readonly expect: Partial<Expectation>; readonly because: string }>
> = {
  "EV-17": {
    expect: { messages: 1, effects: 0 },
    because: "a message typed on the phone is stored as outbound, without a turn",
  },
  "EV-16": {
    expect: { messages: 5, effects: 5 },
    because:
      "the five variants are five messages (their keys differ); each is stored with a valid time",
  },
  "SL-28": { expect: { quarantined: 5 }, because: "one per variant: five variants" },
  "SL-32": {
    expect: { messages: 1, effects: 1, quarantined: 4 },
    because:
      "null is a message with empty text and is answered; the four other variants are quarantined",
  },
};

/** The expectation in force for a case. */
export function expectationOf(one: NastyCase): Expectation {
  return { ...one.expect, ...DIFFERENCES[one.id]?.expect };
}
