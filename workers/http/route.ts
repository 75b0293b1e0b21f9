/**
 * One declaration per operation: path, schemas, scope and tenant binding beside its handler. From it
 * come the OpenAPI document, authentication, validation and the tenant fence, so that a route cannot
 * forget one of them. Add a route (in `workers/routes/<noun>.ts`, registered in `workers/api.ts`):
 *
 *   export function registerGreetings(api: Api, deps: ApiDeps): void {
 *     api.route({
 *       id: "getGreeting", method: "get", path: "/tenants/:tenant/greeting", tag: "greetings",
 *       summary: "Greet a tenant", access: { scope: "greetings:read", tenant: "path" },
 *       params: z.strictObject({ tenant: Id }), responses: { 200: { description: "A greeting", schema: Greeting } },
 *       handle: async ({ tenant }) => json(200, { hello: tenant }),
 *     });
 *   }
 */
import type * as z from "zod";
import type { Caller } from "./authenticate.ts";

/**
 * How a route is bound to a tenant:
 * `path`: the parameter `:tenant` names it; a key of another tenant gets 404.
 * `key`: the key's tenant; the operator says `tenant` in the query, the body or `x-tenant`.
 * `resource`: the handler finds the tenant and calls `own(tenant)`, which gives 404 to strangers.
 * `operator`: the operator's key only.
 */
type TenantBinding = "path" | "key" | "resource" | "operator";

type Access = { readonly scope: string; readonly tenant: TenantBinding } | "public";

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

export interface RouteContext<P, Q, B> {
  readonly params: Output<P>;
  readonly query: Output<Q>;
  readonly body: Output<B>;
  /** The raw body of a route with `bodies`; empty otherwise. */
  readonly bytes: Uint8Array;
  readonly request: Request;
  readonly nowMs: number;
  readonly traceId: string;
  /** The bound tenant with `path` and `key`; an empty string otherwise. */
  readonly tenant: string;
  /** Absent on public routes. */
  readonly caller: Caller | undefined;
  /** Throws `not_found` unless the caller may act for this tenant. */
  own(tenant: string): void;
  /** Lets work go on after the answer. */
  waitUntil(work: Promise<unknown>): void;
}

interface RouteSpec<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
> {
  /** operationId, camelCase, unique. */
  readonly id: string;
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** Hono's form: `/tenants/:tenant/connections/:connection`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly params?: P;
  readonly query?: Q;
  /** JSON body, at most 1 MiB. */
  readonly body?: B;
  /** Instead of `body`: the media types that the handler reads by itself from `bytes`, at most 1 MiB. */
  readonly bodies?: Readonly<Record<string, z.ZodType>>;
  /** A status of 400 and above without a schema is a problem. `type`: of the body; default JSON. `also`: other types of it. */
  readonly responses: Readonly<
    Record<
      number,
      {
        readonly description: string;
        readonly schema?: z.ZodType;
        readonly type?: string;
        readonly also?: Readonly<Record<string, z.ZodType>>;
      }
    >
  >;
  handle(context: RouteContext<P, Q, B>): Promise<Response>;
}

/** A declaration whose schema types no longer matter. */
export type AnyRoute = RouteSpec<
  z.ZodObject | undefined,
  z.ZodObject | undefined,
  z.ZodType | undefined
>;

/** What route modules register with. */
export interface Api {
  route<
    P extends z.ZodObject | undefined = undefined,
    Q extends z.ZodObject | undefined = undefined,
    B extends z.ZodType | undefined = undefined,
  >(spec: RouteSpec<P, Q, B>): void;
}

/** A JSON answer. `headers` beside the usual ones. */
export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
}

/** 204. */
export function noContent(): Response {
  return new Response(null, { status: 204 });
}
