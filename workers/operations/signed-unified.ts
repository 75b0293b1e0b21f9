/**
 * `POST /messages/unified` without an API key: proven by a Standard Webhooks signature with the `intakeSecret`
 * of the connection it names. The body is only a hint of which secret to try until the signature holds.
 */
import { readJson } from "../../channels/shared/json.ts";
import { HubError } from "../../domain/errors.ts";
import { verifyWebhook } from "../../platform/webhook-signature.ts";
import { UnifiedInput } from "../../schema/api/messages.ts";
import { readBody } from "../door/body.ts";
import type { ApiDeps } from "../http/deps.ts";
import { problemResponse } from "../http/problem.ts";
import { json } from "../http/route.ts";
import { takeUnified } from "./take-unified.ts";

const BODY_BYTES_MAX = 1_048_576;

/** Signed and keyless: a call with an API key goes the ordinary way. */
export function isSignedUnified(request: Request): boolean {
  const { headers } = request;
  const keyless = !headers.has("authorization") && !headers.has("x-api-key");
  const here = new URL(request.url).pathname === "/messages/unified";
  return here && request.method === "POST" && keyless && headers.has("webhook-signature");
}

export async function handleSignedUnified(
  deps: ApiDeps,
  request: Request,
  context: ExecutionContext,
): Promise<Response> {
  try {
    return await take(deps, request, context);
  } catch (error) {
    return problemResponse(error, { instance: "/messages/unified" });
  }
}

async function take(deps: ApiDeps, request: Request, context: ExecutionContext): Promise<Response> {
  const nowMs = deps.now();
  const bytes = await readBody(request, BODY_BYTES_MAX);
  if (!bytes.ok) {
    throw new HubError(bytes.failure.reason === "too_large" ? "payload_too_large" : "bad_request");
  }
  const body = readJson(bytes.value);
  if (!body.ok) throw new HubError("unauthorized");
  const tenant = await provenTenant(deps, request, bytes.value, connectionOf(body.value), nowMs);
  const input = UnifiedInput.parse(body.value);
  const traceparent = request.headers.get("traceparent") ?? undefined;
  const taken = await takeUnified(deps, { tenant, body: input, nowMs, traceparent });
  context.waitUntil(taken.after());
  return json(202, taken.view);
}

/** The tenant of the connection whose secret signed the body; everything else is the same 401. */
async function provenTenant(
  { directory }: ApiDeps,
  request: Request,
  body: Uint8Array,
  connection: string | undefined,
  nowMs: number,
): Promise<string> {
  const located = connection === undefined ? undefined : await directory.byId(connection, nowMs);
  const secrets = located?.connection.credentials.intakeSecret?.split(" ").filter(Boolean) ?? [];
  const header = (name: string) => request.headers.get(name);
  const proven = await verifyWebhook(header, body, secrets, nowMs);
  if (!located?.tenant.active || !proven.ok) throw new HubError("unauthorized");
  return located.tenant.id;
}

function connectionOf(body: unknown): string | undefined {
  const named =
    typeof body === "object" && body !== null && "connection" in body ? body.connection : undefined;
  return typeof named === "string" ? named : undefined;
}
