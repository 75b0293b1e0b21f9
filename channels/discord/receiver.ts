/** Discord's interactions, Webhook Events and Gateway frames. Only the assembly. */
import type { DiscordConnection } from "../../schema/connection.ts";
import type { ChannelReceiver } from "../channel-adapter.ts";
import { LIMITS } from "./facts.ts";
import { locateDiscord, parseDiscord } from "./parse.ts";
import { verifySignature } from "./verify.ts";

export const discordReceiver: ChannelReceiver<DiscordConnection> = {
  channel: "discord",
  limits: LIMITS,
  locate: locateDiscord,
  verify: (raw, connection, nowMs) => verifySignature(raw, connection.credentials.publicKey, nowMs),
  parse: parseDiscord,
};
