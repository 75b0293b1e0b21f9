/** Every answer of the webhook door. Refusals are problem+json that say nothing about who else lives here. */
import { ERRORS, problemType } from "../../domain/errors.ts";
import type { Ack } from "../../schema/parsed.ts";

/** Codes of the one table in `domain/errors.ts`; `retryAfterSeconds` becomes the header. */
export type Refusal =
  | {
      readonly code:
        | "bad_request"
        | "unauthorized"
        | "not_found"
        | "method_not_allowed"
        | "payload_too_large"
        | "unsupported_media_type";
    }
  | { readonly code: "rate_limited" | "unavailable"; readonly retryAfterSeconds: number };

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
  const { code } = refusal;
  const { status, title } = ERRORS[code];
  if (code === "method_not_allowed") headers.allow = "POST";
  if ("retryAfterSeconds" in refusal) headers["retry-after"] = String(refusal.retryAfterSeconds);
  const body = { type: problemType(code), title, status, code };
  return new Response(JSON.stringify(body), { status, headers });
}
