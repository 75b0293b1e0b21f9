/**
 * The way out to URLs that users gave: webhook routes, Hives, media. Every call is checked again when it is
 * made: the literal URL, then (with `DOH_URL` set) what its name resolves to over DNS-over-HTTPS; redirects
 * are never followed. One window remains: the runtime resolves the name once more for the
 * call itself and an address cannot be pinned, so a name server that changes its answer between the two
 * look-ups is not caught here; the compatibility flag `global_fetch_strictly_public` stands behind.
 */
import {
  checkAddress,
  checkUrl,
  type Destination,
  type UrlFailure,
} from "../domain/egress/ssrf.ts";
import { fail, ok, type Result } from "../domain/result.ts";
import type { Vars } from "../schema/vars.ts";
import { deadline, readBounded, untilAborted } from "./http-deadline.ts";

/** How long an answer about a name is trusted, whatever its own time to live. */
const LOOKUP_TTL_MS = 60_000;
const LOOKUP_TIMEOUT_MS = 3000;
const LOOKUP_BYTES_MAX = 65_536;
const LOOKUPS_KEPT_MAX = 1000;

export interface EgressDeps {
  readonly vars: Pick<Vars, "ENVIRONMENT" | "EGRESS_ALLOW" | "PUBLIC_URL" | "DOH_URL">;
  /** Default: the runtime's own. */
  readonly fetch?: typeof fetch;
  /** Default: the clock. */
  readonly nowMs?: number;
}

export type EgressFailure =
  /** The URL breaks a rule, or its name leads to an address that is not public: never worth a retry. */
  | { readonly reason: "refused"; readonly rule: UrlFailure["reason"]; readonly retryable: false }
  /** The name has no address, or the resolver did not say. */
  | { readonly reason: "unresolvable" | "lookup_failed"; readonly retryable: true }
  | { readonly reason: "timeout" | "network"; readonly retryable: true };

/** Whether the hub may call this URL now. Cheap for addresses and allow-listed hosts. */
export async function checkDestination(
  url: string,
  deps: EgressDeps,
): Promise<Result<Destination, EgressFailure>> {
  const { vars } = deps;
  const checked = checkUrl(url, {
    allow: vars.EGRESS_ALLOW.split(",").filter(Boolean),
    production: vars.ENVIRONMENT === "production",
    ownHost: URL.parse(vars.PUBLIC_URL)?.host ?? "",
  });
  if (!checked.ok) return refused(checked.failure.reason);
  if (checked.value.kind !== "name" || !vars.DOH_URL) return checked;
  const verdict = await lookUp(checked.value.hostname, deps);
  if (verdict === "public") return checked;
  if (verdict === "private") return refused("private_address");
  return fail({ reason: verdict, retryable: true });
}

/** `fetch` behind the check, `redirect: "manual"`: a 3xx comes back as it is. Never throws. */
export async function guardedFetch(
  url: string,
  init: RequestInit,
  deps: EgressDeps,
): Promise<Result<Response, EgressFailure>> {
  const checked = await checkDestination(url, deps);
  if (!checked.ok) return checked;
  try {
    const call = (deps.fetch ?? fetch)(checked.value.url, { ...init, redirect: "manual" });
    return ok(await untilAborted(call, init.signal ?? undefined));
  } catch {
    return fail({ reason: init.signal?.aborted ? "timeout" : "network", retryable: true });
  }
}

type Verdict = "public" | "private" | "unresolvable" | "lookup_failed";

/** DNS answers are the same for everybody, so tenants share them. */
const lookups = new Map<string, { readonly verdict: Verdict; readonly untilMs: number }>();

async function lookUp(hostname: string, deps: EgressDeps): Promise<Verdict> {
  const nowMs = deps.nowMs ?? Date.now();
  const key = `${deps.vars.DOH_URL} ${hostname}`;
  const known = lookups.get(key);
  if (known && nowMs < known.untilMs) return known.verdict;
  const [v4, v6] = await Promise.all([ask(hostname, "A", deps), ask(hostname, "AAAA", deps)]);
  if (!v4 || !v6) return "lookup_failed";
  const addresses = [...v4, ...v6];
  const verdict = addresses.length === 0 ? "unresolvable" : judge(addresses);
  if (lookups.size >= LOOKUPS_KEPT_MAX) lookups.delete(lookups.keys().next().value ?? "");
  lookups.set(key, { verdict, untilMs: nowMs + LOOKUP_TTL_MS });
  return verdict;
}

function judge(addresses: readonly string[]): Verdict {
  return addresses.every((address) => checkAddress(address).ok) ? "public" : "private";
}

/** Addresses of one family, or undefined where the resolver gave no usable answer. */
async function ask(
  hostname: string,
  type: "A" | "AAAA",
  deps: EgressDeps,
): Promise<readonly string[] | undefined> {
  try {
    const url = new URL(deps.vars.DOH_URL);
    url.searchParams.set("name", hostname);
    url.searchParams.set("type", type);
    const signal = deadline(LOOKUP_TIMEOUT_MS);
    const headers = { accept: "application/dns-json" };
    const call = (deps.fetch ?? fetch)(url.href, { headers, redirect: "manual", signal });
    const response = await untilAborted(call, signal);
    if (!response.ok) return undefined;
    return readAnswer(JSON.parse(await readBounded(response, LOOKUP_BYTES_MAX, signal)), type);
  } catch {
    return undefined;
  }
}

/** Status 0 is an answer, 3 (no such name) an empty one; anything else is none. */
function readAnswer(body: unknown, type: "A" | "AAAA"): readonly string[] | undefined {
  const { Status: status, Answer: answers } = recordOf(body);
  if (status === 3) return [];
  if (status !== 0) return undefined;
  const wanted = type === "A" ? 1 : 28;
  return (Array.isArray(answers) ? answers : [])
    .map(recordOf)
    .filter((answer) => answer.type === wanted)
    .map((answer) => String(answer.data));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function refused(rule: UrlFailure["reason"]): Result<never, EgressFailure> {
  return fail({ reason: "refused", rule, retryable: false });
}
