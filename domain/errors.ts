/**
 * Unexpected failures: one class with a stable code, one table from code to status, title and type.
 * Callers compare codes, never classes (classes do not survive Durable Object RPC). The table is the
 * only place that knows a status; `workers/http/problem.ts` is the only place that writes the answer.
 */

/** Every code with its HTTP status and title. Codes are part of the API: never rename one. */
export const ERRORS = {
  bad_request: { status: 400, title: "Bad request" },
  invalid_json: { status: 400, title: "The body is not valid JSON" },
  validation_failed: { status: 400, title: "The request does not match its schema" },
  unauthorized: { status: 401, title: "Unauthorized" },
  insufficient_scope: { status: 403, title: "The key's scopes do not allow this" },
  tenant_conflict: { status: 403, title: "The request names another tenant" },
  forbidden: { status: 403, title: "Not for this caller to do" },
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  conflict: { status: 409, title: "Conflict" },
  precondition_failed: { status: 412, title: "The resource has changed" },
  payload_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "Unsupported media type" },
  unprocessable: { status: 422, title: "The request cannot be carried out" },
  idempotency_key_reused: { status: 422, title: "Idempotency-Key was used with another body" },
  rate_limited: { status: 429, title: "Too many requests" },
  too_many_concurrent: { status: 429, title: "Too many requests at once" },
  internal: { status: 500, title: "Internal error" },
  upstream_failed: { status: 502, title: "The platform refused or failed" },
  unavailable: { status: 503, title: "Not available now" },
  upstream_timeout: { status: 504, title: "The platform did not answer in time" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Extra members for the caller: small, JSON, no secrets. `retryAfterSeconds` becomes a header too. */
export type ErrorExtensions = Readonly<Record<string, unknown>>;

export class HubError extends Error {
  override readonly name = "HubError";
  readonly code: ErrorCode;
  /** For the caller where status < 500; for the log otherwise. */
  readonly detail: string | undefined;
  readonly extensions: ErrorExtensions;

  constructor(
    code: ErrorCode,
    detail?: string,
    options: { readonly extensions?: ErrorExtensions; readonly cause?: unknown } = {},
  ) {
    super(detail ?? ERRORS[code].title, { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.extensions = options.extensions ?? {};
  }
}

/** True for a HubError, also one that lost its class on its way through RPC. */
export function isHubError(error: unknown): error is HubError {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    typeof error.code === "string" &&
    Object.hasOwn(ERRORS, error.code)
  );
}

/** The problem type of a code: a stable URN, listed on the documentation page. */
export function problemType(code: ErrorCode): string {
  return `urn:omni-edge:problem:${code}`;
}
