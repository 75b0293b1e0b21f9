/**
 * The admin API: a Hono application with an OpenAPI 3.1 document made from the same declarations
 * that the requests are checked against. Loaded lazily by `hub.ts`; never on the webhook path.
 * A route module exports `registerX(api, deps)` (see `workers/http/route.ts`) and stands in ROUTES.
 */
import { fromHono } from "chanfana";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { HubError } from "../domain/errors.ts";
import { flushAudit, isAuditHeld } from "../platform/audit-buffer.ts";
import { count, observe } from "../platform/metrics.ts";
import { createAuthenticator } from "./http/authenticate.ts";
import type { ApiDeps } from "./http/deps.ts";
import { completeDocument, DOCUMENT_INFO } from "./http/document.ts";
import { createRequestLimiter } from "./http/limit.ts";
import { operationOf } from "./http/openapi.ts";
import { problemResponse, toProblem } from "./http/problem.ts";
import type { AnyRoute, Api } from "./http/route.ts";
import { runRoute } from "./http/run-route.ts";
import { traceIdOf } from "./http/trace-id.ts";
import { registerAccessRules } from "./routes/access-rules.ts";
import { registerApiKeys } from "./routes/api-keys.ts";
import { registerConnections } from "./routes/connections.ts";
import { registerDocs } from "./routes/docs.ts";
import { DOOR_SECURITY_SCHEMES, doorPaths } from "./routes/doors.ts";
import { registerHealth } from "./routes/health.ts";
import { registerInstances } from "./routes/instances.ts";
import { registerMetrics } from "./routes/metrics.ts";
import { registerOAuth } from "./routes/oauth.ts";
import { registerPreview } from "./routes/preview.ts";
import { registerTenants } from "./routes/tenants.ts";

/** Every route module. Order matters only for paths that overlap. */
const ROUTES: readonly ((api: Api, deps: ApiDeps) => void)[] = [
  registerTenants,
  registerConnections,
  registerApiKeys,
  registerAccessRules,
  registerInstances,
  registerOAuth,
  registerPreview,
  registerHealth,
  registerMetrics,
];

export interface HubApi {
  fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response>;
  /** Every declared operation, for tests that walk over all of them. */
  readonly routes: readonly AnyRoute[];
}

/** One per isolate. `extra`: route modules of the caller, registered like the built-in ones. */
export function createApi(
  deps: ApiDeps,
  extra: readonly ((api: Api, deps: ApiDeps) => void)[] = [],
): HubApi {
  const app = new Hono<HubContext>();
  app.use(countRequest(deps));
  const router = fromHono(app, {
    passthroughErrors: true,
    docs_url: null,
    redoc_url: null,
    openapi_url: null,
    schema: { info: DOCUMENT_INFO } as never,
  });
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    router.registry.registerComponent("securitySchemes", name, scheme);
  }
  const gate = {
    authenticator: createAuthenticator(deps.env.DB, deps.vars.ADMIN_API_KEY),
    limiter: createRequestLimiter(deps.vars.TENANT_CONCURRENCY_MAX),
    now: deps.now,
    isAuditHeld,
    flushAudit: () => flushAudit(deps.env, deps.now()),
  };
  const inner: ApiDeps = { ...deps, forgetKeys: (tenant) => gate.authenticator.forget(tenant) };
  const routes: AnyRoute[] = [];
  const api: Api = {
    route(declared) {
      const spec = declared as unknown as AnyRoute;
      routes.push(spec);
      router[spec.method](
        spec.path,
        operationOf(spec, (c) => {
          c.set("route", spec.id);
          return runRoute(spec, callOf(c, deps), gate);
        }),
      );
    },
  };
  for (const register of [...ROUTES, ...extra]) register(api, inner);
  for (const path of doorPaths()) router.registry.registerPath(path as never);
  registerDocs(app, () => completeDocument(router.schema, deps.vars.PUBLIC_URL));
  app.notFound((c) => problemResponse(unknownPath(routes, c), whereOf(c)));
  app.onError((error, c) => {
    logFailure(deps, error, c);
    return problemResponse(error, whereOf(c));
  });
  return {
    routes,
    fetch: async (request, env, context) => withHeaders(await app.fetch(request, env, context)),
  };
}

interface HubContext {
  Bindings: Env;
  /** The operation that took the request. */
  Variables: { route: string };
}

/** One count and one time per request, errors included, by operation: a path may hold ids. */
function countRequest({ now }: ApiDeps): MiddlewareHandler<HubContext> {
  return async function countedRequest(c, next) {
    const startMs = now();
    await next();
    const route = c.get("route") ?? "unknown";
    const { method } = c.req;
    count("http_requests_total", { route, method, status: String(c.res.status) });
    observe("http_request_seconds", { route }, Math.max(0, now() - startMs) / 1000);
  };
}

/** How a caller shows who it is, as the document says it. */
const SECURITY_SCHEMES = {
  bearer: { type: "http", scheme: "bearer", description: "An API key" },
  apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
  ...DOOR_SECURITY_SCHEMES,
} as const;

function callOf(c: Context, deps: ApiDeps) {
  return {
    request: c.req.raw,
    params: c.req.param() as Record<string, string>,
    nowMs: deps.now(),
    traceId: traceIdOf(c.req.raw.headers),
    waitUntil: (work: Promise<unknown>) => c.executionCtx.waitUntil(work),
  };
}

function whereOf(c: Context): { instance: string; traceId: string } {
  return { instance: c.req.path, traceId: traceIdOf(c.req.raw.headers) };
}

/** 405 with `Allow` where the path is known under other methods, else 404. */
function unknownPath(routes: readonly AnyRoute[], c: Context): HubError {
  const steps = c.req.path.split("/");
  const allow = routes
    .filter((spec) => isPath(spec.path.split("/"), steps))
    .map((spec) => spec.method.toUpperCase());
  if (allow.length === 0) return new HubError("not_found");
  return new HubError("method_not_allowed", undefined, { extensions: { allow } });
}

function isPath(pattern: readonly string[], steps: readonly string[]): boolean {
  const same = (part: string, index: number) => part.startsWith(":") || part === steps[index];
  return pattern.length === steps.length && pattern.every(same);
}

function logFailure(deps: ApiDeps, error: unknown, c: Context<HubContext>): void {
  const { status, code } = toProblem(error);
  if (status < 500) return;
  const reason = error instanceof Error ? error.name : "unknown";
  deps.log("api.failed", {
    code,
    reason,
    httpStatus: status,
    method: c.req.method,
    route: c.get("route") ?? "unknown",
    trace: traceIdOf(c.req.raw.headers),
  });
}

function withHeaders(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("x-content-type-options", "nosniff");
  return new Response(response.body, { status: response.status, headers });
}
