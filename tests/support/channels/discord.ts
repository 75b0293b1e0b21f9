/** Discord connections of a test world, and what was asked of the platform. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import type { Call } from "../../../simulators/call-log.ts";
import { type ChannelWorld, ECHO, SERIAL, until } from "./world.ts";

type Json = Readonly<Record<string, unknown>>;

/** One key pair for every application of the tests is not enough: it is made of the application's number. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

/** A connection to the application `applicationOf(n)`: every text is echoed, one turn each. */
export function discordConnection(id: string, n: number, more: Json = {}): Json {
  return {
    id,
    channel: "discord",
    baseUrl: "simulator",
    route: ECHO,
    policy: SERIAL,
    applicationId: applicationOf(n),
    botUserId: applicationOf(n),
    credentials: { publicKey: publicKeyOf(n), botToken: `bot-token-${n}` },
    ...more,
  };
}

/** The application, its interactions and Webhook Events going to the connection's address. */
export function openDiscord({ discord, hub }: ChannelWorld, id: string, n: number): void {
  const url = `${hub.url}/webhooks/discord/${id}`;
  discord.register({
    tenant: id,
    applicationId: applicationOf(n),
    botToken: `bot-token-${n}`,
    seedHex: seedOf(n),
    interactionsUrl: url,
    eventsUrl: url,
  });
}

export function applicationOf(n: number): string {
  return String(700_000_000_000_000_000n + BigInt(n));
}

export function seedOf(n: number): string {
  return n.toString(16).padStart(64, "0");
}

export function publicKeyOf(n: number): string {
  const der = Buffer.concat([PKCS8_HEAD, Buffer.from(seedOf(n), "hex")]);
  const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  return key.export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
}

/** Calls whose method and path fit, oldest first; the API's version is left out of the path. */
export function discordCalls({ discord }: ChannelWorld, wanted: RegExp): readonly Call[] {
  return discord
    .calls()
    .filter(({ method, path }) => wanted.test(`${method} ${path.replace("/api/v10", "")}`));
}

/** What was posted into a channel, oldest first. */
export function posts(world: ChannelWorld, channel: string): readonly Json[] {
  return discordCalls(world, new RegExp(`^POST /channels/${channel}/messages$`)).map(
    ({ body }) => body as Json,
  );
}

/** Waits until a text was posted into a channel. */
export function postedTo(world: ChannelWorld, channel: string, content: string): Promise<Json> {
  return until(`"${content}" in ${channel}`, () =>
    posts(world, channel).find((post) => post.content === content),
  );
}
