/**
 * The one exit of every error: HubError, zod issues and anything unknown become
 * `application/problem+json` (RFC 9457). A 401 never says why, a 5xx never says how; both go to the
 * log under the trace id that the answer carries.
 */
import { ZodError } from "zod";
import { ERRORS, type ErrorCode, HubError, isHubError, problemType } from "../../domain/errors.ts";

/** The body of an error. `errors[].pointer` is a JSON pointer into the body, or `#/query/…`, `#/params/…`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail?: string;
  readonly instance?: string;
  readonly trace_id?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly [extension: string]: unknown;
}

const ISSUES_MAX = 50;
const RESERVED = new Set(["type", "title", "status", "code", "detail", "instance", "trace_id"]);

/** Turns any error into its problem. `where`: path of the request and its trace id. */
export function toProblem(
  error: unknown,
  where: { readonly instance?: string; readonly traceId?: string } = {},
): Problem {
  const known = isZodError(error) ? validationError(error) : asHubError(error);
  const { status, title } = ERRORS[known.code];
  const hidden = status === 401 || status >= 500;
  return {
    ...(hidden ? {} : openExtensions(known)),
    type: problemType(known.code),
    title,
    status,
    code: known.code,
    ...(known.detail === undefined || hidden ? {} : { detail: known.detail }),
    ...(where.instance === undefined ? {} : { instance: where.instance }),
    ...(where.traceId === undefined ? {} : { trace_id: where.traceId }),
  };
}

/** The whole response. `retryAfterSeconds` among the extensions becomes `Retry-After`, also on a 5xx. */
export function problemResponse(
  error: unknown,
  where: { readonly instance?: string; readonly traceId?: string } = {},
): Response {
  const problem = toProblem(error, where);
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
  if (problem.status === 401) headers.set("www-authenticate", 'Bearer realm="omni-edge"');
  const after = isHubError(error) ? error.extensions?.retryAfterSeconds : undefined;
  if (typeof after === "number") headers.set("retry-after", String(Math.max(1, Math.ceil(after))));
  const allow = isHubError(error) ? error.extensions?.allow : undefined;
  if (Array.isArray(allow)) headers.set("allow", allow.join(", "));
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** Issues of a failed schema as pointers; unknown keys are named one by one. */
export function validationError(error: Pick<ZodError, "issues">): HubError {
  const errors = error.issues.flatMap((issue) => {
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [];
    if (keys.length === 0) return [{ pointer: pointerOf(issue.path), detail: issue.message }];
    return keys.map((key) => ({ pointer: pointerOf([...issue.path, key]), detail: "unknown key" }));
  });
  return new HubError("validation_failed", undefined, {
    extensions: { errors: errors.slice(0, ISSUES_MAX) },
  });
}

function asHubError(error: unknown): HubError {
  if (isHubError(error)) return error;
  return new HubError("internal", undefined, { cause: error });
}

/** By shape, not class: bundles may hold zod twice (`zod` and `zod/mini`). */
function isZodError(error: unknown): error is ZodError {
  return (
    error instanceof ZodError ||
    (error instanceof Error && "issues" in error && Array.isArray(error.issues))
  );
}

function openExtensions(error: HubError): Record<string, unknown> {
  const open = Object.entries(error.extensions ?? {}).filter(([name]) => !RESERVED.has(name));
  return Object.fromEntries(open);
}

/** RFC 6901, as a URI fragment. The framework's leading "body" is dropped: pointers are into the body. */
function pointerOf(path: readonly PropertyKey[]): string {
  const inBody = path[0] === "body" ? path.slice(1) : path;
  const steps = inBody.map((step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1"));
  return steps.length === 0 ? "#" : `#/${steps.join("/")}`;
}
