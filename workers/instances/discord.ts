/** The life of a Discord application: its bot token is checked and its interactions are pointed at us. */
import {
  applicationRequest,
  botUserRequest,
  inviteUrl,
  readApplication,
  readBotUser,
  setInteractionsUrlRequest,
} from "../../domain/connections/discord-application.ts";
import { HubError } from "../../domain/errors.ts";
import type { DiscordConnection } from "../../schema/connection.ts";
import {
  ask,
  type InstanceReport,
  type Lifecycle,
  refusal,
  tryAsk,
  type World,
} from "./lifecycle.ts";

export const DISCORD: Lifecycle<DiscordConnection> = {
  async create(world, connection) {
    const report = await register(world, connection);
    return { ...report, continueUrl: inviteUrl(connection) };
  },

  async state(world, connection) {
    if (connection.credentials.botToken === undefined) {
      return { state: "unknown", detail: "without a bot token only interactions can come" };
    }
    const application = await tryAsk(world, applicationRequest(connection), readApplication);
    if (!application.ok) {
      if (application.failure.reason !== "unauthorized") throw refusal(application.failure);
      return { state: "revoked", detail: "the bot token was refused" };
    }
    const ours = application.value.interactionsUrl === world.webhookUrl;
    return ours ? { state: "open" } : { state: "closed", detail: "interactions go elsewhere" };
  },

  async connect(world, connection) {
    const report = await register(world, connection);
    return { ...report, continueUrl: inviteUrl(connection) };
  },

  restart() {
    throw new HubError("unprocessable", "a Discord application has nothing to restart");
  },

  async logout(world, connection) {
    if (connection.credentials.botToken === undefined) return { state: "unknown" };
    await ask(world, setInteractionsUrlRequest(connection, null), readApplication);
    return { state: "closed" };
  },

  async remove(world, connection) {
    if (connection.credentials.botToken === undefined) return;
    const request = setInteractionsUrlRequest(connection, null);
    const done = await tryAsk(world, request, readApplication);
    // A token that no longer works has nothing left to undo.
    if (!done.ok && done.failure.reason !== "unauthorized") throw refusal(done.failure);
  },
};

/** Discord sends a signed PING while the URL is being set, so the connection must be reachable by now. */
async function register(world: World, connection: DiscordConnection): Promise<InstanceReport> {
  if (connection.credentials.botToken === undefined) {
    return { state: "unknown", detail: `set the interactions endpoint to ${world.webhookUrl}` };
  }
  const botUserId = await ask(world, botUserRequest(connection), readBotUser);
  const application = await ask(world, applicationRequest(connection), readApplication);
  if (application.id !== connection.applicationId) throw mismatch("applicationId");
  if (application.publicKey.toLowerCase() !== connection.credentials.publicKey.toLowerCase()) {
    throw mismatch("credentials/publicKey");
  }
  if (application.interactionsUrl !== world.webhookUrl) {
    await ask(world, setInteractionsUrlRequest(connection, world.webhookUrl), readApplication);
  }
  return { state: "open", learned: { botUserId } };
}

function mismatch(member: string): HubError {
  const errors = [{ pointer: `#/${member}`, detail: "not the one this bot token belongs to" }];
  return new HubError("unprocessable", undefined, { extensions: { errors } });
}
