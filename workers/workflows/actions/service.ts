/**
 * Actions of the tenant's own: names that are bound to an HTTP service in the tenant's data under `$services`, as
 * `{"<action>": {url, secret?, timeoutMs?}}`. The service gets `POST {run, step, action, input}`, signed by Standard
 * Webhooks where a secret is named, and answers with the output as JSON, or with 4xx and `{error: {code, message?,
 * retryable?}}`.
 */
import * as z from "zod/mini";
import { fail, ok } from "../../../domain/result.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { databaseFor } from "../../../platform/database.ts";
import { deadline } from "../../../platform/http-deadline.ts";
import { readData } from "../../../platform/repositories/tenant-data.ts";
import { openSecrets } from "../../../platform/repositories/tenant-secrets.ts";
import { webhookIdOf } from "../../../platform/webhook-request.ts";
import { signWebhook } from "../../../platform/webhook-signature.ts";
import { ErrorCode } from "../../../schema/workflow-value.ts";
import { isolateOf } from "../../isolate.ts";
import { type ActionContext, type ActionResult, never } from "./action.ts";
import { type CallAnswer, callOut, statusError } from "./call.ts";
import { headerSafe, jsonOrText } from "./http-request.ts";

/** Where the tenant's data says which services there are. */
export const SERVICES_KEY = "$services";
/** Services of one tenant. */
export const SERVICES_MAX = 200;

const Service = z.object({
  url: z.string().check(z.minLength(1), z.maxLength(2048)),
  /** Name of the tenant's secret that signs (`whsec_…`). */
  secret: z.optional(z.string()),
  /** Of one call; never longer than the attempt. */
  timeoutMs: z.optional(z.int().check(z.gte(1), z.lte(3_600_000))),
});
export type Service = z.infer<typeof Service>;

export const Services = z.record(z.string(), Service);

const Refused = z.object({
  error: z.object({
    code: z.string(),
    message: z.optional(z.string()),
    retryable: z.optional(z.boolean()),
  }),
});

/** Undefined where the tenant has no such action. Rejects as D1 does. */
export async function findService(
  { env, tenant }: Pick<ActionContext, "env" | "tenant">,
  action: string,
): Promise<Service | undefined> {
  return (await servicesOf(env, tenant)).get(action);
}

/** Every action of the tenant's own, by name; what is no service is left out. Rejects as D1 does. */
export async function servicesOf(env: Env, tenant: string): Promise<ReadonlyMap<string, Service>> {
  const stored = await readData(databaseFor(env, tenant), tenant, SERVICES_KEY);
  const parsed = Services.safeParse(stored?.value ?? {});
  return new Map(parsed.success ? Object.entries(parsed.data).slice(0, SERVICES_MAX) : []);
}

export async function callService(
  context: ActionContext,
  action: string,
  service: Service,
  input: Json,
): Promise<ActionResult> {
  const { run, step, idempotencyKey, signal } = context;
  const body = JSON.stringify({ run, step, action, input });
  const headers = await headersOf(context, service, body);
  if (!headers)
    return never("missing_secret", `there is no secret ${service.secret ?? ""} that signs`);
  const answer = await callOut(context, {
    ...{ url: service.url, method: "POST", body },
    headers: { ...headers, "idempotency-key": headerSafe(idempotencyKey) },
    signal: service.timeoutMs === undefined ? signal : deadline(service.timeoutMs, signal),
  });
  if (!answer.ok) return answer;
  const { status, text, contentType } = answer.value;
  if (status >= 200 && status <= 299) return ok(jsonOrText(text, contentType));
  return fail(errorOf(answer.value));
}

/** The service's own word, else the status. */
function errorOf(answer: CallAnswer) {
  const error = statusError(answer);
  const parsed = Refused.safeParse(jsonOrText(answer.text, answer.contentType));
  if (!parsed.success) return error;
  const { code, message, retryable } = parsed.data.error;
  return {
    ...error,
    ...(ErrorCode.safeParse(code).success ? { reason: code } : {}),
    ...(message === undefined ? {} : { message }),
    ...(retryable === undefined ? {} : { retryable }),
  };
}

/** `webhook-id` is the same in every attempt. Undefined where the secret is missing or cannot sign. */
async function headersOf(
  { env, tenant, idempotencyKey }: ActionContext,
  { secret: name }: Service,
  text: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const plain = { "content-type": "application/json", "user-agent": "omni-edge" };
  if (name === undefined) return plain;
  const secrets = await openSecrets(databaseFor(env, tenant), isolateOf(env).vault, tenant, [name]);
  const secret = secrets.get(name)?.value;
  if (secret === undefined) return undefined;
  const delivery = {
    id: await webhookIdOf(idempotencyKey),
    timestamp: Math.floor(Date.now() / 1000),
    body: new TextEncoder().encode(text),
  };
  const signed = await signWebhook(delivery, [secret]);
  return signed.ok ? { ...plain, ...signed.value } : undefined;
}
