/**
 * Webhooks that start runs: who posts proves itself over the raw bytes before anything of them is read. With a secret
 * in the trigger: a Standard Webhooks signature, HMAC-SHA-256 of the body in `x-hub-signature-256` or
 * `x-webhook-signature`, or the secret itself as a bearer token. Without one: an API key. Whatever is wrong, or not
 * there at all, is the same 401.
 */
import { HubError } from "../../domain/errors.ts";
import { INBOUND_SCHEMES } from "../../domain/events/inbound-hmac.ts";
import { sameSecret } from "../../domain/security/api-key.ts";
import { allows } from "../../domain/security/scopes.ts";
import type { Json } from "../../domain/workflows/run/state.ts";
import { startOf, webhookHappening } from "../../domain/workflows/triggers/start.ts";
import { databaseFor } from "../../platform/database.ts";
import { claimKey } from "../../platform/idempotency.ts";
import { verifyInbound } from "../../platform/inbound-hmac.ts";
import { count } from "../../platform/metrics.ts";
import { openSecrets } from "../../platform/repositories/tenant-secrets.ts";
import { findVersion, readRoute } from "../../platform/repositories/workflows.ts";
import { verifyWebhook } from "../../platform/webhook-signature.ts";
import type { WorkflowTrigger } from "../../schema/workflow-trigger.ts";
import { overRate } from "../door/rate.ts";
import type { Authenticator } from "../http/authenticate.ts";
import { parseJson, sound } from "../http/body.ts";
import type { ApiDeps } from "../http/deps.ts";
import { startRun } from "../workflows/start.ts";
import { startError } from "./workflow-start.ts";

/** Longest id of a call, in characters: of `webhook-id` and `Idempotency-Key`. */
const CALL_ID_CHARS_MAX = 255;
/** Scope of an API key that may call a webhook without a secret. */
const SCOPE = "runs:write";

export interface HookCall {
  readonly tenant: string;
  readonly workflow: string;
  readonly path: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly nowMs: number;
}

export interface HookAnswer {
  /** Null where the trigger's condition was false. */
  readonly run: string | null;
  readonly workflow: string;
  readonly duplicate: boolean;
}

type WebhookTrigger = Extract<WorkflowTrigger, { type: "webhook" }>;

/** How a call has proven itself: what of it may name it. */
type Proof = "signed_id" | "signed_body" | "token";

/** Throws unauthorized, rate_limited, bad_request, invalid_json, and what a refused start is. */
export async function takeHook(
  deps: ApiDeps,
  keys: Authenticator,
  call: HookCall,
): Promise<HookAnswer> {
  const { tenant, workflow, path, bytes, nowMs } = call;
  const trigger = await triggerOf(deps, call);
  const proof = trigger && (await proofOf(deps, keys, trigger, call));
  if (!(trigger && proof)) {
    count("workflow_triggers_total", {
      tenant: "unknown",
      trigger: "webhook",
      outcome: "unauthorized",
    });
    throw new HubError("unauthorized");
  }
  await checkRate(deps, call);
  const data = sound(bytes.length === 0 ? null : parseJson(bytes)) as Json;
  const id = await callId(deps, call, proof);
  const made = startOf(trigger, webhookHappening(path, id, data), nowMs);
  const note = (outcome: string) =>
    count("workflow_triggers_total", { tenant, trigger: "webhook", outcome });
  if (!made.ok) {
    const { reason, at, message } = made.failure;
    note(reason);
    throw new HubError("unprocessable", `${at} of the trigger: ${message}`, {
      extensions: { reason, at },
    });
  }
  if (!made.value) {
    note("condition");
    return { run: null, workflow, duplicate: false };
  }
  const start = { tenant, workflow, ...made.value, trigger: "webhook", nowMs };
  const started = await startRun(deps.env, start);
  note(started.ok ? (started.value.duplicate ? "duplicate" : "started") : started.failure.reason);
  if (!started.ok) throw startError(started.failure);
  const { run, duplicate } = started.value;
  return { run, workflow, duplicate };
}

/** Of the version in force; undefined for everything that is not there. */
async function triggerOf(
  { env, directory }: ApiDeps,
  { tenant, workflow, path, nowMs }: HookCall,
): Promise<WebhookTrigger | undefined> {
  const known = await directory.tenant(tenant, nowMs);
  if (!known?.active) return undefined;
  const db = databaseFor(env, tenant);
  const route = await readRoute(db, tenant, workflow);
  const version = route && (await findVersion(db, tenant, workflow, route.active));
  const triggers = version?.definition.triggers ?? [];
  return triggers.find(
    (trigger): trigger is WebhookTrigger => trigger.type === "webhook" && trigger.path === path,
  );
}

async function proofOf(
  { env, vault }: ApiDeps,
  keys: Authenticator,
  { secret }: WebhookTrigger,
  call: HookCall,
): Promise<Proof | undefined> {
  const { tenant, headers, nowMs } = call;
  if (secret === undefined) {
    const caller = await keys.identify(headers, nowMs);
    const own = caller.kind === "operator" || caller.tenant === tenant;
    const may = caller.kind === "operator" || allows(caller.scopes, SCOPE);
    return own && may ? "token" : undefined;
  }
  // One a line: parts of a secret with spaces in it must never be secrets of their own.
  const opened = await openSecrets(databaseFor(env, tenant), vault, tenant, [secret]);
  const secrets = opened.get(secret)?.value.split(/\r?\n/).filter(Boolean) ?? [];
  return provenBy(secrets, call);
}

/** By any one of the secrets, so that they can be replaced without a gap. */
async function provenBy(
  secrets: readonly string[],
  { headers, bytes, nowMs }: HookCall,
): Promise<Proof | undefined> {
  const header = (name: string) => headers.get(name);
  if (headers.has("webhook-signature")) {
    const proven = await verifyWebhook(header, bytes, secrets, nowMs);
    return proven.ok ? "signed_id" : undefined;
  }
  for (const scheme of [INBOUND_SCHEMES.github, INBOUND_SCHEMES.sha256]) {
    if (!headers.has(scheme.header)) continue;
    const proven = await verifyInbound(scheme, header, bytes, secrets, nowMs);
    return proven.ok ? "signed_body" : undefined;
  }
  const token = /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (token === undefined) return undefined;
  const same = await Promise.all(secrets.map((secret) => sameSecret(token, secret)));
  return same.includes(true) ? "token" : undefined;
}

/** Counted behind the proof: a stranger uses up nothing of the tenant's. */
async function checkRate({ directory }: ApiDeps, { tenant, nowMs }: HookCall): Promise<void> {
  const { messagesPerMinute = Infinity } =
    (await directory.tenant(tenant, nowMs))?.config.limits ?? {};
  const retryAfterSeconds = overRate(`hooks:${tenant}`, 1, messagesPerMinute, nowMs);
  if (retryAfterSeconds > 0)
    throw new HubError("rate_limited", undefined, { extensions: { retryAfterSeconds } });
}

/**
 * What the call is called: the same again is the same run. A header that nobody has signed does not count, else a
 * signed body could be posted again under another name; then, and without a header, the same body within 24 h is the
 * same call.
 */
async function callId(
  { env }: ApiDeps,
  { tenant, workflow, path, headers, bytes, nowMs }: HookCall,
  proof: Proof,
): Promise<string> {
  const named = proof === "signed_id" ? "webhook-id" : "idempotency-key";
  const name = proof === "signed_body" ? null : headers.get(named);
  if (name !== null) {
    if (name.length > 0 && name.length <= CALL_ID_CHARS_MAX) return name;
    throw new HubError("bad_request", `${named} must have 1 to ${CALL_ID_CHARS_MAX} characters`);
  }
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>),
  );
  const key = `hook:${workflow}/${path}:${digest.toHex()}`;
  const proposedId = crypto.randomUUID();
  const claimed = await claimKey(env, { tenant, key, body: null, proposedId, nowMs });
  return `body:${claimed.id}`;
}
