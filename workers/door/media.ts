/** `GET /media/…`: stored files behind signed links that expire. The link is the permission; nothing else is asked. */
import { openMediaLink } from "../../platform/media-link.ts";
import { count } from "../../platform/metrics.ts";
import { isolateOf } from "../isolate.ts";
import { refuse } from "./answers.ts";

/** A file, or the same 404 for every link that opens nothing. Files are never shown inline as pages of ours. */
export async function handleMedia(request: Request, env: Env): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD")
    return refuse({ code: "method_not_allowed" });
  const link = await openMediaLink(isolateOf(env).vars, new URL(request.url), Date.now());
  if (!link.ok) {
    count("refusals_total", { reason: `media_${link.failure.reason}` });
    return refuse({ code: "not_found" });
  }
  const object = await env.STORE.get(link.value);
  if (!object) return refuse({ code: "not_found" });
  const headers = {
    "content-type": object.httpMetadata?.contentType ?? "application/octet-stream",
    "content-length": String(object.size),
    "cache-control": "private, max-age=300",
    "content-disposition": "attachment",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    etag: object.httpEtag,
  };
  return new Response(request.method === "HEAD" ? null : object.body, { headers });
}
