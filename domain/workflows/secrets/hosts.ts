/**
 * Which hosts a tenant's secret may be sent to. Judged on the host as the URL parser writes it, so that no other
 * spelling of a name passes for a listed one.
 */

/** What is known of a secret besides its value. */
export interface SecretRule {
  /**
   * Hosts that it may be sent to: a name, or `*.example.com` for everything below `example.com`. None: it is never
   * sent, only signed with. Absent: nobody has said.
   */
  readonly hosts?: readonly string[];
}

export type SecretRefusal =
  /** The host is none of those that the secret may be sent to. */
  | "host_not_listed"
  /** The secret names no hosts, and the tenant wants each to name some. */
  | "no_hosts"
  /** The action calls nobody: what it is given is kept or shown. */
  | "no_call";

/** Lower case, each once, in order: what is stored and compared. */
export function canonicalHosts(hosts: readonly string[]): readonly string[] {
  return [...new Set(hosts.map((host) => host.toLowerCase()))].toSorted();
}

/** Why the secret may not be sent to a host; undefined where it may. */
export function hostRefusal(
  hostname: string,
  { hosts }: SecretRule,
  needHosts: boolean,
): SecretRefusal | undefined {
  if (hosts === undefined) return needHosts ? "no_hosts" : undefined;
  return hosts.some((listed) => covers(listed, hostname)) ? undefined : "host_not_listed";
}

function covers(listed: string, hostname: string): boolean {
  if (!listed.startsWith("*.")) return listed === hostname;
  const below = listed.slice(1);
  return hostname.endsWith(below) && hostname.length > below.length;
}

/** Name or address without port and without a dot at its end. Undefined where the text is no URL with a host. */
export function hostnameOf(url: string): string | undefined {
  const hostname = URL.parse(url)?.hostname.toLowerCase().replace(/\.$/, "");
  return hostname === "" ? undefined : hostname;
}

/**
 * The host of an address in a definition, where no run can change it: everything computed (`{{ }}`) and every parameter
 * (`{name}`) stands behind the authority. Undefined where only a run knows.
 */
export function literalHost(address: unknown): string | undefined {
  if (typeof address !== "string") return undefined;
  const [constant = ""] = address.split("{", 1);
  const isWhole = constant.length === address.length;
  if (!isWhole && !/^https?:\/\/[^/?#\\]{1,255}[/?#]/i.test(constant)) return undefined;
  return hostnameOf(constant);
}
