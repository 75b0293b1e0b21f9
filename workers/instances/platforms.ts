/** Which life cycle a connection has, by its channel. */
import type { ConnectionInput } from "../../schema/connection.ts";
import { DISCORD } from "./discord.ts";
import { EVOLUTION } from "./evolution.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { SLACK } from "./slack.ts";

const LIFECYCLES: { readonly [C in ConnectionInput["channel"]]: unknown } = {
  whatsapp: EVOLUTION,
  slack: SLACK,
  discord: DISCORD,
};

/** Each entry of the table takes its own channel's connections, which the type system cannot follow through the look-up. */
export function lifecycleOf(connection: ConnectionInput): Lifecycle {
  return LIFECYCLES[connection.channel] as Lifecycle;
}
