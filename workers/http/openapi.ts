/**
 * Makes OpenAPI operations out of declared routes: chanfana collects them and writes the 3.1
 * document. Schemas are built once per isolate, when a route is registered.
 */
import { OpenAPIRoute } from "chanfana";
import type { Context } from "hono";
import * as z from "zod";
import { ERRORS } from "../../domain/errors.ts";
import type { AnyRoute } from "./route.ts";

/** Schema of every error answer. */
const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(ERRORS) as [keyof typeof ERRORS, ...(keyof typeof ERRORS)[]]),
    detail: z.string().optional(),
    instance: z.string().optional(),
    trace_id: z.string().optional(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: "Problem", title: "Problem details (RFC 9457)" });

const PROBLEM = { content: { "application/problem+json": { schema: ProblemSchema } } };
const KEY_REFUSALS = {
  401: { description: "No valid key", ...PROBLEM },
  403: { description: "The key may not do this", ...PROBLEM },
  429: {
    description: "The tenant's requests have to wait",
    ...PROBLEM,
    headers: {
      "retry-after": {
        description: "Seconds until it is worth asking again",
        schema: { type: "integer" as const, minimum: 1 },
      },
    },
  },
};
const BODY_REFUSALS = {
  413: { description: "The body is larger than 1 MiB", ...PROBLEM },
  415: { description: "The body is not application/json", ...PROBLEM },
};
const RAW_REFUSALS = {
  413: BODY_REFUSALS[413],
  415: { description: "The body is of none of these media types", ...PROBLEM },
};
const TENANT_QUERY = z.string().max(64).optional().describe("Needed with the operator's key only.");

/** The chanfana class of a route. `run` does the work; the class only carries the schema. */
export function operationOf(spec: AnyRoute, run: (c: Context) => Promise<Response>) {
  const schema = schemaOf(spec);
  return class extends OpenAPIRoute {
    override schema = schema as never;
    override handle(c: Context): Promise<Response> {
      return run(c);
    }
  };
}

function schemaOf(spec: AnyRoute) {
  const isPublic = spec.access === "public";
  const query = withTenant(spec);
  return {
    operationId: spec.id,
    tags: [spec.tag],
    summary: spec.summary,
    description: descriptionOf(spec),
    security: isPublic ? [] : [{ bearer: [] }, { apiKey: [] }],
    request: {
      ...(spec.params ? { params: spec.params } : {}),
      ...(query ? { query } : {}),
      ...bodyOf(spec),
    },
    responses: {
      ...Object.fromEntries(Object.entries(spec.responses).map(declaredOf)),
      400: { description: "Path, query or body do not match", ...PROBLEM },
      ...(isPublic ? {} : KEY_REFUSALS),
      ...(spec.params ? { 404: { description: "Not found", ...PROBLEM } } : {}),
      ...(spec.body ? BODY_REFUSALS : {}),
      ...(spec.bodies ? RAW_REFUSALS : {}),
      default: { description: "Any other refusal or failure", ...PROBLEM },
    },
  };
}

function withTenant(spec: AnyRoute): z.ZodObject | undefined {
  const keyBound = spec.access !== "public" && spec.access.tenant === "key";
  if (!keyBound) return spec.query;
  return (spec.query ?? z.strictObject({})).extend({ tenant: TENANT_QUERY });
}

function descriptionOf(spec: AnyRoute): string {
  const { access, description } = spec;
  const scope = access === "public" ? "No key needed." : `Scope \`${access.scope}\`.`;
  const operator = access !== "public" && access.tenant === "operator" ? " Operator only." : "";
  return [description, `${scope}${operator}`].filter(Boolean).join("\n\n");
}

function bodyOf(spec: AnyRoute) {
  const types = spec.bodies ?? (spec.body ? { "application/json": spec.body } : undefined);
  return types ? { body: { required: true, content: contentOf(types) } } : {};
}

function contentOf(types: Readonly<Record<string, z.ZodType>>) {
  return Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, { schema }]));
}

/** A refusal that a route names without a schema of its own is a problem like every other. */
function declaredOf([status, { description, schema, type = "application/json", also = {} }]: [
  string,
  AnyRoute["responses"][number],
]) {
  if (schema)
    return [status, { description, content: contentOf({ [type]: schema, ...also }) }] as const;
  return [status, { description, ...(Number(status) >= 400 ? PROBLEM : {}) }] as const;
}
