/**
 * Runs one declared route: authenticate, admit, check the scope, validate, bind the tenant, handle.
 * The order is fixed here; what a stranger learns is 401 or 404, never whether a thing exists.
 */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { allows } from "../../domain/security/scopes.ts";
import { count } from "../../platform/metrics.ts";
import {
  isNoted,
  noteAnswer,
  noteRefusal,
  type OperationNote,
} from "../operations/audit-operation.ts";
import type { Authenticator, Caller } from "./authenticate.ts";
import { readJson, readRaw } from "./body.ts";
import type { RequestLimiter } from "./limit.ts";
import { validationError } from "./problem.ts";
import type { AnyRoute } from "./route.ts";

export interface RouteCall {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly nowMs: number;
  readonly traceId: string;
  waitUntil(work: Promise<unknown>): void;
}

export interface Gate {
  readonly authenticator: Authenticator;
  readonly limiter: RequestLimiter;
  /** ms since the epoch. */
  now(): number;
  /** Whether anything was noted that is not appended yet. */
  isAuditHeld(): boolean;
  /** Appends what was noted to the audit trails; never rejects. */
  flushAudit(): Promise<void>;
}

/** The route's answer. Throws HubError for everything refused. */
export async function runRoute(spec: AnyRoute, call: RouteCall, gate: Gate): Promise<Response> {
  if (spec.access === "public") return open(spec, call, gate);
  const caller = await identify(call, gate);
  const release = gate.limiter.admit(caller, call.nowMs);
  try {
    return await audited(spec, call, caller, gate);
  } finally {
    release();
  }
}

/** Nobody has shown who they are: calls that it leads to stand in the audit trail, itself does not. */
async function open(spec: AnyRoute, call: RouteCall, gate: Gate): Promise<Response> {
  try {
    return await handle(spec, call, undefined, {});
  } finally {
    if (gate.isAuditHeld()) call.waitUntil(gate.flushAudit());
  }
}

/** A stranger is counted and no more: anybody can be one as often as they like. */
async function identify({ request, nowMs }: RouteCall, gate: Gate): Promise<Caller> {
  try {
    return await gate.authenticator.identify(request.headers, nowMs);
  } catch (error) {
    if (error instanceof HubError && error.code === "unauthorized")
      count("auth_failures_total", {});
    throw error;
  }
}

/** The entry is written behind the answer: the work never waits for it, nor fails with it. */
async function audited(
  spec: AnyRoute,
  call: RouteCall,
  caller: Caller,
  gate: Gate,
): Promise<Response> {
  const learned: OperationNote = {};
  const afterwards = (noted: () => Promise<void>) => {
    if (isNoted(spec)) call.waitUntil(noted().then(() => gate.flushAudit()));
    else if (gate.isAuditHeld()) call.waitUntil(gate.flushAudit());
  };
  try {
    checkScope(spec, caller, call.params);
    const response = await handle(spec, call, caller, learned);
    afterwards(() => noteAnswer(spec, call, caller, learned, response, gate.now()));
    return response;
  } catch (error) {
    afterwards(() => noteRefusal(spec, call, caller, error, gate.now()));
    throw error;
  }
}

function checkScope(spec: AnyRoute, caller: Caller, params: RouteCall["params"]): void {
  if (spec.access === "public" || caller.kind === "operator") return;
  if (spec.access.tenant === "operator") throw new HubError("insufficient_scope");
  // A stranger's tenant is hidden before scopes are spoken of.
  if (spec.access.tenant === "path" && params.tenant !== caller.tenant) {
    throw new HubError("not_found");
  }
  if (!allows(caller.scopes, spec.access.scope)) {
    const needed = spec.access.scope;
    throw new HubError("insufficient_scope", `needs ${needed}`, { extensions: { scope: needed } });
  }
}

async function handle(
  spec: AnyRoute,
  call: RouteCall,
  caller: Caller | undefined,
  learned: OperationNote,
): Promise<Response> {
  const keyBound = spec.access !== "public" && spec.access.tenant === "key";
  const search = new URL(call.request.url).searchParams;
  const named = keyBound ? takeTenant(search) : undefined;
  const params = spec.params && checkParams(spec.params, call.params);
  const query = checkQuery(spec.query, search);
  const body = spec.body && check(spec.body, await readJson(call.request), []);
  const wanted = oneTenant(caller, [
    named,
    call.request.headers.get("x-tenant") ?? undefined,
    tenantInBody(body),
  ]);
  const tenant = boundTenant(spec, caller, params, wanted);
  learned.tenant = tenant;
  return spec.handle({
    params: params as never,
    query: query as never,
    body: body as never,
    bytes: spec.bodies ? await readRaw(call.request) : new Uint8Array(),
    request: call.request,
    nowMs: call.nowMs,
    traceId: call.traceId,
    tenant,
    caller,
    own: (owner) => {
      own(caller, owner);
      learned.tenant = owner;
    },
    waitUntil: call.waitUntil,
  });
}

function boundTenant(
  spec: AnyRoute,
  caller: Caller | undefined,
  params: unknown,
  wanted: string | undefined,
): string {
  if (spec.access === "public") return "";
  if (spec.access.tenant === "path") return (params as { tenant: string }).tenant;
  if (spec.access.tenant !== "key") return "";
  if (caller?.kind === "tenant") return caller.tenant;
  if (wanted !== undefined) return wanted;
  const errors = [{ pointer: "#/tenant", detail: "the operator's key must name a tenant" }];
  throw new HubError("validation_failed", undefined, { extensions: { errors } });
}

/** The tenant a request names in one or more places. Two different names, or a name that is not the key's, are refused. */
function oneTenant(
  caller: Caller | undefined,
  named: readonly (string | undefined)[],
): string | undefined {
  const names = new Set(named.filter((name) => name !== undefined));
  if (caller?.kind === "tenant") names.add(caller.tenant);
  if (names.size > 1) throw new HubError("tenant_conflict");
  return [...names][0];
}

function own(caller: Caller | undefined, tenant: string): void {
  if (caller?.kind === "operator") return;
  if (caller?.kind !== "tenant" || caller.tenant !== tenant) throw new HubError("not_found");
}

function takeTenant(search: URLSearchParams): string | undefined {
  const tenant = search.get("tenant") ?? undefined;
  search.delete("tenant");
  return tenant;
}

function tenantInBody(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("tenant" in body)) return undefined;
  return typeof body.tenant === "string" ? body.tenant : undefined;
}

/** A path that cannot name anything names nothing: 404, like every other unknown id. */
function checkParams(schema: z.ZodObject, params: RouteCall["params"]): unknown {
  const parsed = schema.safeParse(params);
  if (!parsed.success) throw new HubError("not_found");
  return parsed.data;
}

/** Unknown and repeated names are refused. A member that takes an array may repeat. */
function checkQuery(schema: z.ZodObject | undefined, search: URLSearchParams): unknown {
  const given: Record<string, string | string[]> = Object.create(null);
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name);
    given[name] = values.length === 1 && values[0] !== undefined ? values[0] : values;
  }
  return check(schema ?? NO_QUERY, { ...given }, ["query"]);
}

const NO_QUERY = z.strictObject({});

function check(schema: z.ZodType, value: unknown, at: readonly string[]): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] }));
  throw validationError({ issues });
}
