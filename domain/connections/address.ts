/**
 * Names of a connection that other parties use: its provider, and the address a channel-wide webhook
 * gives. Stored beside the connection, so that a webhook finds it by index.
 */
import type { ConnectionInput } from "../../schema/connection.ts";

export type Provider = "evolution" | "slack" | "discord";

/** Providers by the word that stands in a webhook path: a channel's name or a provider's. */
const PROVIDERS: Readonly<Record<string, readonly Provider[]>> = {
  whatsapp: ["evolution"],
  evolution: ["evolution"],
  slack: ["slack"],
  discord: ["discord"],
};

/** Providers behind a path word; empty for a word we do not know. */
export function providersOf(channelOrProvider: string): readonly Provider[] {
  return Object.hasOwn(PROVIDERS, channelOrProvider) ? (PROVIDERS[channelOrProvider] ?? []) : [];
}

/** The provider of a connection: which product speaks for the channel. */
export function providerOf(connection: Pick<ConnectionInput, "channel">): Provider {
  return connection.channel === "whatsapp" ? "evolution" : connection.channel;
}

/**
 * Leaves out Discord connections that share their public key with another one: a signature would prove
 * both, so a channel-wide webhook must not choose. Their own URLs go on working.
 */
export function unambiguous<T extends { readonly connection: ConnectionInput }>(
  candidates: readonly T[],
): readonly T[] {
  const keys = candidates.map(({ connection }) => publicKeyOf(connection));
  return candidates.filter((_, index) => {
    const key = keys[index];
    return key === undefined || keys.filter((other) => other === key).length === 1;
  });
}

/**
 * What every channel-wide webhook names: Evolution instance, Slack team (not every payload names the app;
 * of two apps of one team the signature tells), Discord application id.
 */
export function addressOf(connection: ConnectionInput): string {
  switch (connection.channel) {
    case "whatsapp":
      return connection.instance;
    case "slack":
      return connection.teamId;
    case "discord":
      return connection.applicationId;
  }
}

function publicKeyOf(connection: ConnectionInput): string | undefined {
  return connection.channel === "discord"
    ? connection.credentials.publicKey.toLowerCase()
    : undefined;
}
