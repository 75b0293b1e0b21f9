/**
 * Refuses what could be stored but never used: expressions the matcher does not take, and URLs the hub
 * would not call. The same checks stand before every call; here they tell the person who writes it.
 */
import { checkUrl } from "../../domain/egress/ssrf.ts";
import { HubError } from "../../domain/errors.ts";
import { checkPattern } from "../../domain/messaging/routing.ts";
import type { ConnectionInput } from "../../schema/connection.ts";
import type { Route } from "../../schema/route.ts";
import type { Vars } from "../../schema/vars.ts";

interface Fault {
  readonly pointer: string;
  readonly detail: string;
}

type Settings = Pick<Vars, "EGRESS_ALLOW" | "ENVIRONMENT" | "PUBLIC_URL" | "SIMULATORS">;

/** What of a request body is checked; `at` is the pointer of the member that holds it. */
export interface Checked {
  readonly at: string;
  readonly route?: Route | null | undefined;
  readonly baseUrl?: string | null | undefined;
  readonly url?: string | undefined;
}

/** Throws validation_failed with every fault. */
export function checkSettings(vars: Settings, parts: readonly Checked[]): void {
  const errors = parts.flatMap(({ at, route, baseUrl, url }) => [
    ...urlFaults(vars, `${at}/url`, url),
    ...urlFaults(vars, `${at}/baseUrl`, baseUrl),
    ...(route ? routeFaults(vars, `${at}/route`, route) : []),
  ]);
  if (errors.length > 0) {
    throw new HubError("validation_failed", undefined, { extensions: { errors } });
  }
}

/** The parts of a tenant's body: its own route and its connections. */
export function partsOfTenant(body: {
  readonly config?: { readonly route?: Route | null | undefined } | undefined;
  readonly connections?: readonly ConnectionInput[];
}): readonly Checked[] {
  const connections = (body.connections ?? []).map(({ route, baseUrl }, index) => ({
    at: `#/connections/${index}`,
    route,
    baseUrl,
  }));
  return [{ at: "#/config", route: body.config?.route }, ...connections];
}

function routeFaults(vars: Settings, at: string, route: Route): readonly Fault[] {
  switch (route.kind) {
    case "direct":
      return route.rules.flatMap(({ match }, index) => {
        const checked = checkPattern(match);
        if (checked.ok) return [];
        const { reason, position } = checked.failure;
        return [{ pointer: `${at}/rules/${index}/match`, detail: `${reason} at ${position}` }];
      });
    case "webhook":
      return urlFaults(vars, `${at}/url`, route.url);
    case "hive":
      return urlFaults(vars, `${at}/baseUrl`, route.baseUrl);
    case "workflow":
    case "human":
    case "silence":
      return [];
  }
}

function urlFaults(
  vars: Settings,
  pointer: string,
  url: string | null | undefined,
): readonly Fault[] {
  if (url === undefined || url === null) return [];
  if (url === "simulator") {
    return vars.SIMULATORS ? [] : [{ pointer, detail: "this hub has no simulators" }];
  }
  const checked = checkUrl(url, {
    allow: vars.EGRESS_ALLOW.split(",").filter(Boolean),
    production: vars.ENVIRONMENT === "production",
    ownHost: URL.parse(vars.PUBLIC_URL)?.host ?? "",
  });
  return checked.ok
    ? []
    : [{ pointer, detail: `not a URL this hub calls: ${checked.failure.reason}` }];
}
