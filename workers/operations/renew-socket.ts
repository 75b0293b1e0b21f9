/** A Discord connection that was added, changed or removed: its Gateway socket follows, after the answer. */
import type { ConnectionInput } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { renewGateway } from "../scheduled/gateways.ts";

/** Never rejects: the scheduled watch mends what fails here. */
export async function renewSocket(
  { env, log }: ApiDeps,
  tenant: string,
  input: ConnectionInput,
  gone = false,
): Promise<void> {
  if (input.channel !== "discord") return;
  const wanted = !gone && input.gateway === true && input.active !== false;
  try {
    await renewGateway(env, { tenant, connectionId: input.id }, wanted);
  } catch {
    log("gateway.unreachable", { tenant, connection: input.id });
  }
}
