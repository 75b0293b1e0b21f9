/** Every answer of the webhook door. Refusals are problem+json that say nothing about who else lives here. */
import type { Ack } from "../../schema/parsed.ts";

export type Refusal =
  | { readonly status: 400; readonly code: "unreadable_body" }
  | { readonly status: 401; readonly code: "unauthorized" }
  | { readonly status: 404; readonly code: "not_found" }
  | { readonly status: 405; readonly code: "method_not_allowed" }
  | { readonly status: 413; readonly code: "body_too_large" }
  | { readonly status: 415; readonly code: "unsupported_media_type" }
  | { readonly status: 429; readonly code: "rate_limited"; readonly retryAfterSeconds: number }
  | { readonly status: 503; readonly code: "unavailable"; readonly retryAfterSeconds: number };

const TITLES: Readonly<Record<Refusal["code"], string>> = {
  unreadable_body: "The body could not be read",
  unauthorized: "Unauthorized",
  not_found: "Not found",
  method_not_allowed: "Method not allowed",
  body_too_large: "The body is too large",
  unsupported_media_type: "Unsupported media type",
  rate_limited: "Too many messages",
  unavailable: "Temporarily unavailable",
};

/** The platform's own acknowledgement, as its adapter worded it. */
export function acknowledge(ack: Ack): Response {
  const headers: Record<string, string> = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  };
  if (ack.body !== undefined) headers["content-type"] = ack.contentType ?? "text/plain";
  return new Response(ack.status === 204 ? null : (ack.body ?? ""), {
    status: ack.status,
    headers,
  });
}

export function refuse(refusal: Refusal): Response {
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
  if (refusal.status === 405) headers.allow = "POST";
  if ("retryAfterSeconds" in refusal) headers["retry-after"] = String(refusal.retryAfterSeconds);
  const { status, code } = refusal;
  const body = {
    type: `https://omni-edge.dev/problems/${code}`,
    title: TITLES[code],
    status,
    code,
  };
  return new Response(JSON.stringify(body), { status, headers });
}
