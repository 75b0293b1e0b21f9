/**
 * Applies a checked patch to a connection or tenant configuration. Members left out stay, `null`
 * removes. Secrets never follow a change of destination: a key sealed for one host must not be sent to
 * another because somebody who cannot read it changed the address.
 */
import type { ConnectionPatch } from "../../schema/api/connections.ts";
import type { TenantConfigPatch } from "../../schema/api/tenants.ts";
import type { ConnectionInput } from "../../schema/connection.ts";
import type { Route } from "../../schema/route.ts";
import type { TenantConfig } from "../../schema/tenant.ts";
import { fail, ok, type Result } from "../result.ts";

export type PatchFailure = {
  /** Another host or workspace came without all of the stored credentials. */
  readonly reason: "credentials_needed";
  readonly missing: readonly string[];
};

/** The patched connection, still to be checked against `ConnectionInput`. */
export function patchConnection(
  current: ConnectionInput,
  patch: ConnectionPatch,
): Result<unknown, PatchFailure> {
  const { route, credentials, ...members } = patch;
  const given = defined(credentials ?? {});
  const missing = movesAway(current, patch)
    ? Object.keys(defined(current.credentials)).filter((name) => !Object.hasOwn(given, name))
    : [];
  if (missing.length > 0) return fail({ reason: "credentials_needed", missing });
  const next = {
    ...assign(current, members),
    credentials: { ...defined(current.credentials), ...given },
  };
  return ok(withRoute(next, current.route, route));
}

/** The patched configuration: valid by construction. */
export function patchConfig(current: TenantConfig, patch: TenantConfigPatch): TenantConfig {
  const { route, limits, tracing, retention, ...members } = patch;
  const next = {
    ...assign(current, members),
    limits: { ...current.limits, ...defined(limits ?? {}) },
    tracing: { ...current.tracing, ...defined(tracing ?? {}) },
    retention: assign(current.retention, retention ?? {}),
  };
  return withRoute(next, current.route, route) as TenantConfig;
}

/**
 * Another host would get the secrets. Another workspace or instance would be spoken for by them: an app's
 * signing secret, sealed by an install, proves the events of every workspace that has the app, and a
 * server's key opens all its instances.
 */
function movesAway(current: ConnectionInput, patch: ConnectionPatch): boolean {
  const known = current as Readonly<Record<string, unknown>>;
  const wanted = patch as Readonly<Record<string, unknown>>;
  return PLACES[current.channel].some(
    (name) => wanted[name] !== undefined && (wanted[name] ?? undefined) !== known[name],
  );
}

const PLACES: Readonly<Record<ConnectionInput["channel"], readonly string[]>> = {
  whatsapp: ["baseUrl", "instance"],
  slack: ["baseUrl", "teamId", "appId", "enterpriseId"],
  discord: ["baseUrl"],
};

function withRoute(
  base: Readonly<Record<string, unknown>>,
  current: Route | undefined,
  patch: Route | null | undefined,
): unknown {
  if (patch === undefined) return base;
  const { route: _, ...rest } = base;
  return patch === null ? rest : { ...rest, route: keepSecrets(current, patch) };
}

/** A route sent back without its secret keeps the stored one while it leads to the same place. */
function keepSecrets(current: Route | undefined, next: Route): Route {
  if (current?.kind === "webhook" && next.kind === "webhook" && current.url === next.url) {
    return current.secret === undefined ? next : { secret: current.secret, ...next };
  }
  if (current?.kind === "hive" && next.kind === "hive" && current.baseUrl === next.baseUrl) {
    return current.apiKey === undefined ? next : { apiKey: current.apiKey, ...next };
  }
  return next;
}

function assign(
  current: object,
  members: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const next: Record<string, unknown> = { ...current };
  for (const [name, value] of Object.entries(members)) {
    if (value === null) delete next[name];
    else if (value !== undefined) next[name] = value;
  }
  return next;
}

function defined(members: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
