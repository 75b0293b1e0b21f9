/** Files on their way out: a stored one becomes a signed link where the platform fetches it itself, or a stream. */

import { tenantOfKey } from "../../domain/media/link.ts";
import type { Located } from "../../platform/directory.ts";
import { guardedFetch } from "../../platform/egress.ts";
import { publicMediaUrl } from "../../platform/media-link.ts";
import type { OutboundContent, OutboundMedia } from "../../schema/outbound.ts";
import { isolateOf } from "../isolate.ts";

/** How long a platform has to fetch a file of ours, in ms. */
const LINK_TTL_MS = 3_600_000;

/**
 * WhatsApp's Evolution API fetches files by URL; the others are sent the bytes, and Slack wants to know
 * their number beforehand.
 */
export async function sendableContent(
  env: Env,
  { connection, tenant }: Located,
  content: OutboundContent,
): Promise<OutboundContent> {
  if (content.type !== "media") return content;
  const media = await Promise.all(
    content.media.map((one) =>
      connection.channel === "whatsapp" ? linked(env, tenant.id, one) : sized(env, tenant.id, one),
    ),
  );
  return { ...content, media };
}

/** A key of another tenant stays a key, which no platform can open. */
async function linked(env: Env, tenant: string, media: OutboundMedia): Promise<OutboundMedia> {
  if (media.source.from !== "stored" || !isOwnKey(media.source.key, tenant)) return media;
  const { vars } = isolateOf(env);
  const url = await publicMediaUrl(vars, media.source.key, Date.now() + LINK_TTL_MS);
  return { ...media, source: { from: "url", url } };
}

async function sized(env: Env, tenant: string, media: OutboundMedia): Promise<OutboundMedia> {
  if (media.source.from !== "stored" || !isOwnKey(media.source.key, tenant)) return media;
  const head = await env.STORE.head(media.source.key);
  return head ? { ...media, size_bytes: head.size } : media;
}

function isOwnKey(key: string, tenant: string): boolean {
  return tenantOfKey(key) === tenant;
}

/** Opens a file to send. Undefined where it is not there, not this tenant's, or at an address we do not call. */
export async function openMedia(
  env: Env,
  tenant: string,
  media: OutboundMedia,
): Promise<Response | undefined> {
  if (media.source.from === "url") {
    const answer = await guardedFetch(media.source.url, {}, { vars: isolateOf(env).vars });
    return answer.ok ? answer.value : undefined;
  }
  if (!isOwnKey(media.source.key, tenant)) return undefined;
  const object = await env.STORE.get(media.source.key);
  if (!object) return undefined;
  const headers = {
    "content-type": object.httpMetadata?.contentType ?? "application/octet-stream",
    "content-length": String(object.size),
  };
  return new Response(object.body, { headers });
}
