/**
 * The hostile admin and URL cases of `../shared/fixtures/nasty`, and the one place where their placeholders
 * meet this hub: paths, keys, bodies, and what reads differently here, with the reason.
 */
import { createHmac } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../dev/runtime.ts";
import type { ApiWorld } from "./world.ts";

const DIR = join(ROOT, "../shared/fixtures/nasty");

/** False where the reference data is not beside the repository: the suite then says so and is skipped. */
export const NASTY_PRESENT = existsSync(join(DIR, "admin.json"));

export interface AdminCase {
  readonly id: string;
  readonly title: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly variants?: readonly string[];
  };
  readonly expect: { readonly status: readonly number[]; readonly effects?: number };
}

export interface UrlCase {
  readonly id: string;
  readonly title: string;
  readonly url: string;
  readonly expect: { readonly at_create: readonly number[] };
}

export function adminCases(): readonly AdminCase[] {
  return NASTY_PRESENT ? read("admin.json") : [];
}

/** Those about addresses. The others of the file are about deliveries, which are not made through the API. */
export function urlCases(): readonly UrlCase[] {
  const cases: readonly Partial<UrlCase>[] = NASTY_PRESENT ? read("outbound.json") : [];
  return cases.filter((one): one is UrlCase => one.url !== undefined);
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(DIR, file), "utf8")) as T;
}

/** The words of the cases, and ours. */
const PATHS: readonly (readonly [theirs: RegExp, ours: string])[] = [
  [/^\/admin\/v1\/messages(?=\?|$)/, "/messages/history"],
  [/^\/admin\/v1\/messages\//, "/messages/"],
  [/^\/admin\/v1\/tenants\//, "/tenants/"],
  [/^\/admin\/v1\/events\/replay/, "/dead-letters/replay"],
  [/^\/internal\/v1\/dispatch/, "/messages/send"],
  [/^\/console\/login/, "/docs"],
];

/** Where this hub differs from a case's words. The project's own decisions win; each is explained. */
export const DIFFERENCES: Readonly<
  Record<string, { readonly status?: readonly number[]; readonly because: string }>
> = {
  "AD-08": {
    because:
      "services have API keys here, so every token is an unknown key: still 401 for each variant",
  },
  "AD-12": {
    because:
      "histories have no free-text search; the member is refused by name (400) like every unknown one",
  },
  "AD-13": { because: "the page a person opens is /docs; it redirects nowhere" },
  "AD-17": {
    because:
      "a message names its connection instead of a channel; the second body is refused with 422",
  },
  "AD-18": {
    because:
      "replays are of dead letters and bounded by number, not by time: from and to are refused (400)",
  },
};

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** A case's requests as this hub is to get them, one for each variant. */
export function requestsOfCase(world: ApiWorld, one: AdminCase): readonly Sent[] {
  const { method, path, headers = {}, body, variants = [""] } = one.request;
  return variants.map((variant) => {
    const values = valuesOf(world, variant);
    const fill = (text: string) => text.replaceAll(/\$[A-Z_]+/g, (name) => values[name] ?? name);
    const asBody = variant.startsWith("{") ? ownSend(world, variant) : body;
    const [ours, isSend] = [ourPath(fill(path)), one.id === "AD-17"];
    return {
      method,
      path: isSend ? "/messages/send" : ours,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [name, fill(text)]),
      ),
      body: method === "POST" ? (asBody ?? "{}") : asBody,
    };
  });
}

function ourPath(path: string): string {
  const match = PATHS.find(([theirs]) => theirs.test(path));
  return match ? path.replace(...match) : path;
}

function valuesOf({ acme, globex }: ApiWorld, variant: string): Readonly<Record<string, string>> {
  return {
    $GLOBEX_MESSAGE_ID: globex.message,
    $KEY_ACME_ADMIN: acme.keys.all,
    $KEY_ACME_ADMIN_WRONG_TAIL: `${acme.keys.all.slice(0, -6)}wrong0`,
    $JWT_VARIANT: tokenOf(variant),
    $V: variant.includes("%") && variant.length > 1 ? variant : encodeURIComponent(variant),
  };
}

/** Cases say channel and address; we say connection and address. */
function ownSend({ acme }: ApiWorld, theirs: string): string {
  const { to, text } = JSON.parse(theirs) as { to: string; text: string };
  return JSON.stringify({ connection: acme.connections.slack, to, text });
}

/** A token with the fault that the variant names; whoever reads tokens must refuse it. */
function tokenOf(variant: string): string {
  const now = Math.floor(Date.now() / 1000);
  const faults: Readonly<Record<string, readonly [header: object, claims: object]>> = {
    "alg-none": [{ alg: "none" }, {}],
    expired: [{}, { exp: now - 1 }],
    "nbf-future": [{}, { nbf: now + 600 }],
    "wrong-aud": [{}, { aud: "elsewhere" }],
    "wrong-iss": [{}, { iss: "nobody" }],
    "no-exp": [{}, { exp: undefined }],
    "kid-traversal": [{ kid: "../../" }, {}],
    "kid-unknown": [{ kid: "unknown" }, {}],
    "crit-unknown": [{ crit: ["unheard-of"] }, {}],
  };
  const [header, claims] = faults[variant] ?? [{}, {}];
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = encode({ alg: "HS256", typ: "JWT", ...header });
  const signed = `${head}.${encode({ iss: "omni-edge", aud: "omni-edge", exp: now + 60, iat: now, jti: "1", ...claims })}`;
  const signature = createHmac("sha256", "a public key").update(signed).digest("base64url");
  if (variant === "alg-none") return `${signed}.`;
  return variant === "two-signatures"
    ? `${signed}.${signature}.${signature}`
    : `${signed}.${signature}`;
}
