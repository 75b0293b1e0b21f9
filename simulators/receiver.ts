/**
 * A customer's webhook endpoint: keeps what it gets, checks Standard Webhooks signatures by itself, and
 * answers as scripted. Stands for webhook routes, event subscriptions and callbacks.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { asRecord, asText, json, type Reply, type SimRequest } from "./http.ts";
import { type ServerOptions, type Simulator, startSimulator } from "./simulator.ts";

/** Signatures older or newer than this are stale. Source: Standard Webhooks specification. */
const TOLERANCE_SECONDS = 300;

/** Type of the event by which a hub asks whether its deliveries are wanted; `data.challenge` is to be said back. */
const VERIFICATION_TYPE = "endpoint.verification";

/** One answer: `status` (200), `body`, a wait in ms before it, `retryAfter` in seconds, further headers. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly delayMs?: number;
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Everything below `path` is signed with `secret` (`whsec_` + base64) and belongs to `tenant`. */
export interface ReceiverAccount {
  readonly path: string;
  readonly secret?: string;
  readonly tenant?: string;
}

/** What came in, and whether its signature held; `why` says what was wrong. */
export interface ReceivedWebhook {
  readonly at: number;
  readonly path: string;
  readonly id: string | undefined;
  readonly verified: boolean;
  readonly why?: "no_secret" | "no_headers" | "stale" | "bad_signature";
  readonly answered: number;
  readonly headers: IncomingHttpHeaders;
  /** The bytes that were signed, as UTF-8. */
  readonly raw: string;
  readonly body: unknown;
}

export interface ReceiverOptions extends ServerOptions {
  readonly accounts?: readonly ReceiverAccount[];
  /** False: says nothing of the challenge where it is asked whether it wants deliveries. Default true. */
  readonly answersChallenges?: boolean;
  /** The answer when no script is left. Default 200 `{}`. */
  readonly answer?: ScriptedAnswer;
}

export interface WebhookReceiver extends Simulator {
  register(account: ReceiverAccount): void;
  /** The next answers, in order; then `answer` again. */
  script(answers: readonly ScriptedAnswer[]): void;
  /** The answer when no script is left. */
  answer(answer: ScriptedAnswer): void;
  received(): readonly ReceivedWebhook[];
}

/** Starts a receiver on 127.0.0.1; every path below its URL takes webhooks. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<WebhookReceiver> {
  const accounts = [...(options.accounts ?? [])];
  const received: ReceivedWebhook[] = [];
  let script: ScriptedAnswer[] = [];
  let usual: ScriptedAnswer = options.answer ?? {};
  const accountOf = (path: string) =>
    accounts
      .filter((account) => path.startsWith(account.path))
      .toSorted((a, b) => b.path.length - a.path.length)[0];
  const setScript = (body: unknown): Reply => {
    const { answers, answer } = asRecord(body);
    if (answers !== undefined && !Array.isArray(answers)) {
      return json({ error: "answers: expected a list" }, 400);
    }
    script = (answers ?? []).map(readAnswer);
    if (answer !== undefined) usual = readAnswer(answer);
    return json({ left: script.length });
  };
  const simulator = await startSimulator(
    {
      name: "receiver",
      handle: async (request) => {
        const challenged = options.answersChallenges === false ? undefined : challengeIn(request);
        const answer = challenged ?? script.shift() ?? usual;
        const checked = checkSignature(request, accountOf(request.path)?.secret);
        received.push({
          at: Date.now(),
          path: request.path,
          id: asText(request.headers["webhook-id"]),
          ...checked,
          answered: answer.status ?? 200,
          headers: request.headers,
          raw: request.raw.toString("utf8"),
          body: request.body,
        });
        if (answer.delayMs !== undefined) await sleep(answer.delayMs);
        return json(answer.body ?? {}, answer.status ?? 200, {
          ...answer.headers,
          ...(answer.retryAfter !== undefined && { "retry-after": String(answer.retryAfter) }),
        });
      },
      tenantOf: (request) => accountOf(request.path)?.tenant ?? null,
      sideDoor: {
        "POST /_sim/script": (request) => setScript(request.body),
        "GET /_sim/received": () => json(received),
        "POST /_sim/accounts": (request) => {
          const { path, secret, tenant } = asRecord(request.body);
          if (asText(path) === undefined) return json({ error: "path: expected a path" }, 400);
          accounts.push({
            path: asText(path) ?? "",
            ...(asText(secret) !== undefined && { secret: asText(secret) ?? "" }),
            ...(asText(tenant) !== undefined && { tenant: asText(tenant) ?? "" }),
          });
          return json({ ok: true }, 201);
        },
      },
      reset: () => {
        received.length = 0;
        script = [];
      },
    },
    options,
  );
  return {
    ...simulator,
    register: (account) => void accounts.push(account),
    script: (answers) => {
      script = [...answers];
    },
    answer: (answer) => {
      usual = answer;
    },
    received: () => received,
  };
}

/** The answer to a challenge, in whichever of the three formats it came; it uses up no script. */
function challengeIn({ headers, body }: SimRequest): ScriptedAnswer | undefined {
  const { event_type, type, data } = asRecord(body);
  const binary = headers["ce-type"] === VERIFICATION_TYPE;
  if (!binary && event_type !== VERIFICATION_TYPE && type !== VERIFICATION_TYPE) return undefined;
  const { challenge } = binary ? asRecord(body) : asRecord(data);
  return { body: { challenge } };
}

/** `v1,` and the base64 HMAC-SHA256 over `id.timestamp.body`. `timestamp` in seconds. */
export function standardSignature(
  secret: string,
  id: string,
  timestamp: string,
  body: string | Buffer,
): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
  return `v1,${mac.digest("base64")}`;
}

type Checked = Pick<ReceivedWebhook, "verified" | "why">;

/** Whether a request carries a Standard Webhooks signature of this secret, and if not, why. */
export function checkSignature(request: SimRequest, secret: string | undefined): Checked {
  if (secret === undefined) return { verified: false, why: "no_secret" };
  const id = asText(request.headers["webhook-id"]);
  const timestamp = asText(request.headers["webhook-timestamp"]);
  const given = asText(request.headers["webhook-signature"]);
  if (id === undefined || timestamp === undefined || given === undefined) {
    return { verified: false, why: "no_headers" };
  }
  const ageSeconds = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(ageSeconds <= TOLERANCE_SECONDS)) return { verified: false, why: "stale" };
  const expected = Buffer.from(standardSignature(secret, id, timestamp, request.raw));
  const holds = given.split(" ").some((one) => {
    const candidate = Buffer.from(one);
    return candidate.length === expected.length && timingSafeEqual(candidate, expected);
  });
  return holds ? { verified: true } : { verified: false, why: "bad_signature" };
}

function readAnswer(value: unknown): ScriptedAnswer {
  const { status, body, delayMs, retryAfter, headers } = asRecord(value);
  return {
    ...(typeof status === "number" && { status }),
    ...(body !== undefined && { body }),
    ...(typeof delayMs === "number" && { delayMs }),
    ...(typeof retryAfter === "number" && { retryAfter }),
    ...(headers !== undefined && { headers: textsOf(headers) }),
  };
}

function textsOf(headers: unknown): Record<string, string> {
  const entries = Object.entries(asRecord(headers));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
