/**
 * Secrets of action steps, as far as a definition alone can tell: an action that calls nobody gets none, and a secret
 * that names its hosts stands in no call of another one. Hosts that only a run knows are judged in the run.
 */
import {
  hostnameOf,
  hostRefusal,
  literalHost,
  type SecretRefusal,
  type SecretRule,
} from "../secrets/hosts.ts";
import { type NamedSecret, namedSecrets } from "../secrets/named.ts";
import { isObject } from "./draft.ts";
import type { PathFault } from "./fault.ts";

/** What is known of where an action calls. */
export interface CallingEntry {
  /** It hands its input to a host. */
  readonly sends?: boolean;
  /** The one address it always calls. */
  readonly url?: string;
  /** Members of its input that hold the address. */
  readonly urlMembers?: readonly string[];
}

/** The tenant's secrets; of those that are not there nothing is known. */
export interface KnownSecrets {
  readonly rules: ReadonlyMap<string, SecretRule>;
  readonly needHosts: boolean;
}

/** `mapping` is the `with` at `path`. */
export function secretFaults(
  path: PathFault["path"],
  mapping: unknown,
  entry: CallingEntry,
  known: KnownSecrets,
): readonly PathFault[] {
  const hostname = hostOf(mapping, entry);
  return namedSecrets(mapping).flatMap((secret) => {
    const reason = entry.sends ? refusalAt(hostname, secret, known) : "no_call";
    if (!reason) return [];
    const place = [...path, ...secret.path];
    return [
      { path: place, reason: "secret_host", message: wordsOf(reason, secret.name, hostname) },
    ];
  });
}

function refusalAt(
  hostname: string | undefined,
  { name }: NamedSecret,
  { rules, needHosts }: KnownSecrets,
): SecretRefusal | undefined {
  const rule = rules.get(name);
  if (!rule) return undefined;
  if (hostname !== undefined) return hostRefusal(hostname, rule, needHosts);
  return rule.hosts === undefined && needHosts ? "no_hosts" : undefined;
}

function hostOf(mapping: unknown, { url, urlMembers = [] }: CallingEntry): string | undefined {
  if (url !== undefined) return hostnameOf(url);
  if (!isObject(mapping)) return undefined;
  const member = urlMembers.find((one) => Object.hasOwn(mapping, one));
  return member === undefined ? undefined : literalHost(mapping[member]);
}

function wordsOf(reason: SecretRefusal, name: string, hostname: string | undefined): string {
  switch (reason) {
    case "no_call":
      return "the action calls no host: what it is given is kept, so it gets no secret";
    case "no_hosts":
      return `the secret ${name} does not say where it may be sent`;
    case "host_not_listed":
      return `the secret ${name} may not be sent to ${hostname ?? "this host"}`;
  }
}
