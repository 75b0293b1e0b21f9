/** Replaces the word "simulator" in connections and routes by the origins a development hub was given. */
import type { ConnectionInput } from "../../schema/connection.ts";
import type { Route } from "../../schema/route.ts";
import { providerOf } from "./address.ts";

/** Origins of the built-in simulators; empty in production. */
export type SimulatorOrigins = Readonly<
  Partial<Record<"evolution" | "slack" | "discord" | "hive", string>>
>;

const SIMULATOR = "simulator";

/** The connection with real origins; a word without an origin stays, and fails where it is called. */
export function resolveConnection<C extends ConnectionInput>(
  connection: C,
  simulators: SimulatorOrigins,
): C {
  const baseUrl =
    connection.baseUrl === SIMULATOR
      ? (simulators[providerOf(connection)] ?? SIMULATOR)
      : connection.baseUrl;
  return {
    ...connection,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(connection.route ? { route: resolveRoute(connection.route, simulators) } : {}),
  };
}

/** The route with real origins. */
export function resolveRoute(route: Route, simulators: SimulatorOrigins): Route {
  if (route.kind !== "hive" || route.baseUrl !== SIMULATOR) return route;
  return { ...route, baseUrl: simulators.hive ?? SIMULATOR };
}
