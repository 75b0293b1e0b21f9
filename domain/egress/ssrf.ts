/**
 * Whether the hub may call a URL that a user gave. Judged on the parsed URL, because parsing turns every
 * disguise of an address (`0x7f.1`, `①②⑦.0.0.1`) into one form. Says nothing about what a name resolves to: that
 * is `platform/egress.ts`, at the time of each call.
 */
import { fail, ok, type Result } from "../result.ts";
import { checkAddress } from "./address.ts";

export { checkAddress } from "./address.ts";

/** Longest URL, in characters. */
const URL_CHARS_MAX = 2048;

const PORTS = new Set(["80", "443", "8080", "8443"]);

/** Names that mean something inside a network only. */
const INTERNAL_SUFFIXES = [
  "localhost",
  "local",
  "localdomain",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "arpa",
  "onion",
];

export interface EgressPolicy {
  /** `host` or `host:port` that may be called although not public. Ignored in production. */
  readonly allow: readonly string[];
  readonly production: boolean;
  /** Host (with port) of this hub: calling ourselves would make a loop. */
  readonly ownHost?: string;
}

/** The rule a URL breaks. */
export interface UrlFailure {
  readonly reason:
    | "malformed"
    | "too_long"
    | "scheme"
    | "userinfo"
    | "port"
    | "own_host"
    | "private_name"
    | "private_address";
}

export interface Destination {
  readonly url: string;
  /** Host name without port, brackets or a dot at the end. */
  readonly hostname: string;
  /** `name`: to be resolved and checked before the call. `allowed`: on the allow list, nothing more to check. */
  readonly kind: "name" | "address" | "allowed";
}

/** Total over every string. */
export function checkUrl(text: string, policy: EgressPolicy): Result<Destination, UrlFailure> {
  const shape = shapeFailure(text);
  if (shape) return fail({ reason: shape });
  const url = URL.parse(text);
  if (!url) return fail({ reason: "malformed" });
  const hostname = bareHost(url);
  const broken = urlFailure(url, hostname, policy);
  if (broken) return fail({ reason: broken });
  if (isAllowed(url, hostname, policy)) return ok({ url: url.href, hostname, kind: "allowed" });
  const refused = publicFailure(url, hostname, policy);
  if (refused) return fail({ reason: refused });
  return ok({ url: url.href, hostname, kind: isAddress(url) ? "address" : "name" });
}

/** What no parser should be asked: browsers read `\` as `/`, and drop tabs and line ends. */
function shapeFailure(text: string): UrlFailure["reason"] | undefined {
  if (text.length > URL_CHARS_MAX) return "too_long";
  if (!/^[a-z][a-z\d+.-]{0,20}:/i.test(text)) return "malformed";
  if (!/^https?:/i.test(text)) return "scheme";
  return /^https?:\/\/[^/]/i.test(text) && !/[\\\s\p{Cc}]/u.test(text) ? undefined : "malformed";
}

function urlFailure(
  url: URL,
  hostname: string,
  policy: EgressPolicy,
): UrlFailure["reason"] | undefined {
  if (url.username || url.password) return "userinfo";
  if (hostname === "") return "malformed";
  const own = policy.ownHost?.toLowerCase();
  return own !== undefined && own === withPort(url, hostname) ? "own_host" : undefined;
}

function isAllowed(url: URL, hostname: string, policy: EgressPolicy): boolean {
  if (policy.production) return false;
  const names = new Set([hostname, bracketed(hostname), withPort(url, hostname)]);
  names.add(`${bracketed(hostname)}:${effectivePort(url)}`);
  return policy.allow.some((entry) => names.has(entry.trim().toLowerCase()));
}

function publicFailure(
  url: URL,
  hostname: string,
  policy: EgressPolicy,
): UrlFailure["reason"] | undefined {
  if (policy.production && url.protocol !== "https:") return "scheme";
  if (!PORTS.has(effectivePort(url))) return "port";
  const own = URL.parse(`https://${policy.ownHost ?? ""}`);
  if (own && bareHost(own) === hostname) return "own_host";
  if (isAddress(url)) return checkAddress(hostname).ok ? undefined : "private_address";
  return isInternalName(hostname) ? "private_name" : undefined;
}

function isInternalName(hostname: string): boolean {
  if (!hostname.includes(".")) return true;
  return INTERNAL_SUFFIXES.some((suffix) => hostname.endsWith(`.${suffix}`));
}

/** WHATWG parsing guarantees: a host that ends in a number is a valid IPv4 address. */
function isAddress(url: URL): boolean {
  return url.hostname.startsWith("[") || /(?:^|\.)\d+\.?$/.test(url.hostname);
}

function bareHost(url: URL): string {
  const host = url.hostname.toLowerCase();
  return host.startsWith("[") ? host.slice(1, -1) : host.replace(/\.$/, "");
}

function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

/** As `URL.host` writes it: without the scheme's own port. */
function withPort(url: URL, hostname: string): string {
  return url.port ? `${bracketed(hostname)}:${url.port}` : bracketed(hostname);
}

function effectivePort(url: URL): string {
  return url.port || (url.protocol === "https:" ? "443" : "80");
}
