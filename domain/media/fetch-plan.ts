/**
 * How the bytes of a media item are had: from the message itself, from a URL (with the connection's token only
 * for the platform's own hosts), or by asking the platform. Describes requests, makes none.
 */
import type { ConnectionInput } from "../../schema/connection.ts";
import type { Media } from "../../schema/message.ts";

interface Described {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type MediaFetch =
  /** Nothing to do: stored already, or refused. */
  | { readonly kind: "none" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "inline"; readonly base64: string }
  | ({ readonly kind: "bytes" } & Described)
  /** Evolution `POST /chat/getBase64FromMediaMessage/{instance}`: JSON with the file in `base64`. */
  | ({ readonly kind: "evolution_base64"; readonly body: string } & Described)
  /** Slack `POST files.info`: says where the file is; `planUrl` judges that address. */
  | ({ readonly kind: "slack_info"; readonly body: string } & Described);

/** Hosts of Slack's files; the bot token goes along. */
const SLACK_FILE_HOSTS: readonly string[] = ["files.slack.com"];
/** Hosts of Discord's files; links are signed, no token goes along. */
const DISCORD_FILE_HOSTS: readonly string[] = ["cdn.discordapp.com", "media.discordapp.net"];

/** Plans one item. Without a connection (a message taken in through the API) only public URLs are fetched. */
export function planMediaFetch(connection: ConnectionInput | undefined, media: Media): MediaFetch {
  const { source } = media;
  switch (source.from) {
    case "stored":
    case "refused":
      return { kind: "none" };
    case "inline":
      return { kind: "inline", base64: source.base64 };
    case "url":
      return planUrl(connection, source.url);
    case "platform":
      return planPlatform(connection, source.id);
  }
}

/** A URL from the platform's payload. Also used for the address that `files.info` names. */
export function planUrl(connection: ConnectionInput | undefined, text: string): MediaFetch {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return refused("not_http");
  const own = connection?.baseUrl ? URL.parse(connection.baseUrl)?.origin === url.origin : false;
  switch (connection?.channel) {
    case "slack": {
      if (!own && !isHost(url, SLACK_FILE_HOSTS)) return refused("foreign_host");
      return { kind: "bytes", url: url.href, headers: bearer(connection.credentials.botToken) };
    }
    case "discord":
      if (!own && !isHost(url, DISCORD_FILE_HOSTS)) return refused("foreign_host");
      return { kind: "bytes", url: url.href, headers: {} };
    case "whatsapp":
    case undefined:
      // Evolution's own storage may be any S3: fetched without credentials, behind the egress check.
      return { kind: "bytes", url: url.href, headers: {} };
  }
}

function planPlatform(connection: ConnectionInput | undefined, id: string): MediaFetch {
  if (connection?.channel === "whatsapp") {
    if (!connection.baseUrl) return refused("no_base_url");
    return {
      kind: "evolution_base64",
      url: `${base(connection.baseUrl)}/chat/getBase64FromMediaMessage/${encodeURIComponent(connection.instance)}`,
      headers: { apikey: connection.credentials.apiKey, "content-type": "application/json" },
      body: JSON.stringify({ message: { key: { id } }, convertToMp4: false }),
    };
  }
  if (connection?.channel === "slack") {
    return {
      kind: "slack_info",
      url: `${base(connection.baseUrl ?? "https://slack.com")}/api/files.info`,
      headers: {
        ...bearer(connection.credentials.botToken),
        "content-type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams({ file: id }).toString(),
    };
  }
  return refused("no_way_to_fetch");
}

function isHost(url: URL, hosts: readonly string[]): boolean {
  return url.protocol === "https:" && hosts.includes(url.host);
}

function bearer(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function base(url: string): string {
  return url.replace(/\/{1,8}$/, "");
}

function refused(reason: string): MediaFetch {
  return { kind: "refused", reason };
}
