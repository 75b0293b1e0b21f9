/** Files on their way out: a stored one becomes a signed link where the platform fetches it itself, or a stream. */
import { publicMediaUrl } from "../../platform/media-link.ts";
import type { Located } from "../../platform/directory.ts";
import { guardedFetch } from "../../platform/egress.ts";
import type { OutboundContent, OutboundMedia } from "../../schema/outbound.ts";
import { isolateOf } from "../isolate.ts";

/** How long a platform has to fetch a file of ours, in ms. */
const LINK_TTL_MS = 3_600_000;

/** WhatsApp's Evolution API fetches files by URL; the others are sent the bytes. */
export async function sendableContent(env: Env, { connection }: Located, content: OutboundContent): Promise<OutboundContent> {
  if (content.type !== "media" || connection.channel !== "whatsapp") return content;
  const { vars } = isolateOf(env);
  const media = await Promise.all(
    content.media.map(async (one): Promise<OutboundMedia> => {
      if (one.source.from !== "stored") return one;
      const url = await publicMediaUrl(vars, one.source.key, Date.now() + LINK_TTL_MS);
      return { ...one, source: { from: "url", url } };
    }),
  );
  return { ...content, media };
}

/** Opens a file to send. Undefined where it is not there, not this tenant's, or at an address we do not call. */
export async function openMedia(env: Env, tenant: string, media: OutboundMedia): Promise<Response | undefined> {
  if (media.source.from === "url") {
    const answer = await guardedFetch(media.source.url, {}, { vars: isolateOf(env).vars });
    return answer.ok ? answer.value : undefined;
  }
  if (!media.source.key.startsWith(`media/${tenant}/`)) return undefined;
  const object = await env.STORE.get(media.source.key);
  if (!object) return undefined;
  const headers = { "content-type": object.httpMetadata?.contentType ?? "application/octet-stream", "content-length": String(object.size) };
  return new Response(object.body, { headers });
}
