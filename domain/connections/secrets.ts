/**
 * Splits a connection or route into what may lie open in the database and what must be sealed, and
 * joins them again. The list of secret fields lives here and nowhere else.
 */
import type { ConnectionInput } from "../../schema/connection.ts";
import type { Route } from "../../schema/route.ts";

/** Secret fields of routes by kind. */
export interface RouteSecrets {
  readonly secret?: string;
  readonly apiKey?: string;
}

/** What `connections.credentials` holds, as JSON, before sealing. */
export interface ConnectionSecrets {
  readonly credentials: Readonly<Record<string, string>>;
  readonly route: RouteSecrets;
}

/**
 * A connection without anything secret, as `connections.config` holds it. A Discord public key is no
 * secret and stays open: it is what tells two claimants of one application apart.
 */
export type OpenConnection = Omit<ConnectionInput, "credentials"> & {
  readonly credentials?: { readonly publicKey: string };
};

/** Parts a connection; `joinConnection` is its inverse. */
export function splitConnection(input: ConnectionInput): {
  readonly config: OpenConnection;
  readonly secrets: ConnectionSecrets;
} {
  const { credentials, route, ...rest } = input;
  const { publicKey, ...secret } = definedOf(credentials);
  const split = route && splitRoute(route);
  return {
    config: {
      ...rest,
      ...(split ? { route: split.route } : {}),
      ...(publicKey === undefined ? {} : { credentials: { publicKey } }),
    },
    secrets: { credentials: secret, route: split?.secrets ?? {} },
  };
}

/** Puts a stored connection and its opened secrets together again. Both are values we wrote ourselves. */
export function joinConnection(
  config: OpenConnection,
  secrets: ConnectionSecrets,
): ConnectionInput {
  const credentials = { ...config.credentials, ...secrets.credentials };
  const joined = { ...config, credentials } as ConnectionInput;
  return config.route ? { ...joined, route: joinRoute(config.route, secrets.route) } : joined;
}

/** Parts a route from its webhook secret or Hive key. */
export function splitRoute(route: Route): {
  readonly route: Route;
  readonly secrets: RouteSecrets;
} {
  if (route.kind === "webhook") {
    const { secret, ...open } = route;
    return { route: open, secrets: secret === undefined ? {} : { secret } };
  }
  if (route.kind === "hive") {
    const { apiKey, ...open } = route;
    return { route: open, secrets: apiKey === undefined ? {} : { apiKey } };
  }
  return { route, secrets: {} };
}

/** Inverse of `splitRoute`. Secrets that do not belong to the route's kind are left out. */
export function joinRoute(route: Route, secrets: RouteSecrets): Route {
  if (route.kind === "webhook" && secrets.secret !== undefined) {
    return { ...route, secret: secrets.secret };
  }
  if (route.kind === "hive" && secrets.apiKey !== undefined) {
    return { ...route, apiKey: secrets.apiKey };
  }
  return route;
}

function definedOf(
  credentials: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(credentials)) {
    if (value !== undefined) defined[name] = value;
  }
  return defined;
}
