/**
 * The connection a payload belongs to, made up from what the payload names (instance, team and app,
 * application), so that no file fails for being somebody else's.
 */
import type { ChannelAdapter } from "../../channels/channel-adapter.ts";
import type { Connection } from "../../schema/connection.ts";
import type { RawWebhook } from "../../schema/parsed.ts";

const COMMON = { id: "conformance", tenant: "conformance" } as const;
const UNNAMED = "unnamed";
const APPLICATION_IDS = /"application_id":\s*"(\d{1,20})"/g;

/** `neighbours` are the other bodies of the folder. */
export function connectionFor(
  adapter: ChannelAdapter,
  raw: RawWebhook,
  neighbours: readonly string[],
): Connection {
  const [address] = adapter.locate(raw)?.addresses ?? [];
  switch (adapter.channel) {
    case "whatsapp":
      return {
        ...COMMON,
        channel: "whatsapp",
        provider: "evolution",
        instance: address ?? UNNAMED,
        credentials: { apiKey: "" },
      };
    case "slack":
      return {
        ...COMMON,
        channel: "slack",
        teamId: address?.split(":")[0] ?? UNNAMED,
        credentials: { signingSecret: "" },
      };
    case "discord":
      return {
        ...COMMON,
        channel: "discord",
        applicationId: address ?? ownApplication(raw, neighbours) ?? "0",
        credentials: { publicKey: "" },
      };
  }
}

/**
 * Gateway frames name no application; a bot's user id is its application's id (newer applications), so the
 * one known in this folder that the frame speaks of is its own.
 */
function ownApplication(raw: RawWebhook, neighbours: readonly string[]): string | undefined {
  const body = new TextDecoder().decode(raw.body);
  const ids = neighbours.flatMap((text) => [...text.matchAll(APPLICATION_IDS)].map(([, id]) => id));
  return ids.find((id) => id !== undefined && body.includes(`"${id}"`));
}
