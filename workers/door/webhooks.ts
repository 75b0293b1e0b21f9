/**
 * The door platforms knock on: `POST /webhooks/:channel[/:connection or tenant[/…]]`. Raw bytes are read
 * once and verified before anything is parsed; the answer goes out when everything read is durable.
 * Stands alone: no framework, no validator, nothing of the admin API is evaluated here.
 */
import type { ChannelReceiver } from "../../channels/channel-adapter.ts";
import { receiverFor } from "../../channels/receivers.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import type { Located } from "../../platform/directory.ts";
import { logLine } from "../../platform/log.ts";
import { count, flushMetrics } from "../../platform/metrics.ts";
import type { RawWebhook, WebhookReading } from "../../schema/parsed.ts";
import { isolateOf } from "../isolate.ts";
import { acknowledge, type Refusal, refuse } from "./answers.ts";
import { readBody } from "./body.ts";
import { overRate } from "./rate.ts";
import { takeIn } from "./take-in.ts";

/** Handles one webhook. Never throws: what goes wrong on our side is a 503 the platform will repeat. */
export async function handleWebhook(
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  const nowMs = Date.now();
  const unit: Unit = { channel: "unknown", outcome: "unavailable" };
  try {
    return await admit(request, env, context, nowMs, unit);
  } catch {
    return refuse({ code: "unavailable", retryAfterSeconds: 2 });
  } finally {
    count("webhooks_total", { channel: unit.channel, outcome: unit.outcome });
    logLine("webhook.received", { ...unit, durationMs: Date.now() - nowMs });
    context.waitUntil(flushMetrics(env, nowMs));
  }
}

/** The one wide log line of a webhook, filled on the way. */
interface Unit {
  channel: string;
  outcome: string;
  tenant?: string;
  connection?: string;
  reason?: string;
  messages?: number;
  statuses?: number;
  ignored?: number;
}

async function admit(
  request: Request,
  env: Env,
  context: ExecutionContext,
  nowMs: number,
  unit: Unit,
): Promise<Response> {
  const target = targetOf(new URL(request.url).pathname);
  const receiver = target && (await receiverFor(target.channel));
  if (!target || !receiver) return refused(unit, { code: "not_found" });
  unit.channel = receiver.channel;
  const raw = await rawWebhook(request, receiver, target.suffix);
  if (!raw.ok) return refused(unit, raw.failure);
  const candidates = await locate(env, receiver, target, raw.value, nowMs);
  if (candidates.length === 0) return unaddressed(env, receiver, target, raw.value, nowMs, unit);
  const located = await verifyAny(receiver, raw.value, candidates, nowMs, unit);
  if (!located) return refused(unit, { code: "unauthorized" });
  unit.tenant = located.tenant.id;
  unit.connection = located.connection.id;
  const read = receiver.parse(raw.value, { connection: located.connection, nowMs });
  if (!read.ok) {
    const { quarantine } = await import("./quarantine.ts");
    await quarantine(env, located, raw.value, read.failure, nowMs);
    Object.assign(unit, { outcome: "quarantined", reason: read.failure.reason });
    return acknowledge({ status: 200 });
  }
  return store(request, env, context, located, read.value, nowMs, unit);
}

/** No connection is meant: only the challenge of a whole app's address can still be answered. */
async function unaddressed(
  env: Env,
  receiver: ChannelReceiver,
  target: Target,
  raw: RawWebhook,
  nowMs: number,
  unit: Unit,
): Promise<Response> {
  const secret = target.key === undefined ? isolateOf(env).vars.SLACK_SIGNING_SECRET : "";
  const { answerChallenge } = await import("./app-challenge.ts");
  const challenge = await answerChallenge(receiver, raw, secret, nowMs);
  if (challenge.is === "none") return refused(unit, { code: "not_found" });
  if (challenge.is === "unproven") return refused(unit, { code: "unauthorized" });
  unit.outcome = "acknowledged";
  return acknowledge(challenge.ack);
}

async function store(
  request: Request,
  env: Env,
  context: ExecutionContext,
  located: Located,
  reading: WebhookReading,
  nowMs: number,
  unit: Unit,
): Promise<Response> {
  const { messages, statuses, ignored, connection } = reading;
  Object.assign(unit, {
    messages: messages.length,
    statuses: statuses.length,
    ignored: ignored.length,
  });
  for (const { type } of ignored) count("messages_ignored_total", { channel: unit.channel, type });
  const limit = located.tenant.config.limits.messagesPerMinute;
  const waitSeconds =
    messages.length > 0 ? overRate(located.tenant.id, messages.length, limit, nowMs) : 0;
  if (waitSeconds > 0)
    return refused(unit, { code: "rate_limited", retryAfterSeconds: waitSeconds });
  if (connection) {
    const { noteConnection } = await import("./connection-changes.ts");
    await noteConnection(env, located, connection);
  }
  const traceparent = request.headers.get("traceparent") ?? undefined;
  const taken = await takeIn(env, located, reading, nowMs, traceparent);
  if (!taken.ok) {
    unit.reason = taken.failure.reason;
    const { retryAfterSeconds } = taken.failure;
    const full = taken.failure.reason === "backlog_full";
    return refused(
      unit,
      full
        ? { code: "rate_limited", retryAfterSeconds }
        : { code: "unavailable", retryAfterSeconds },
    );
  }
  context.waitUntil(taken.value.after());
  unit.outcome = messages.length + statuses.length > 0 ? "accepted" : "acknowledged";
  return acknowledge(reading.ack);
}

function refused(unit: Unit, refusal: Refusal): Response {
  unit.outcome = "refused";
  unit.reason ??= refusal.code;
  count("refusals_total", { reason: refusal.code });
  return refuse(refusal);
}

interface Target {
  readonly channel: string;
  readonly key?: string;
  readonly suffix: string;
}

/** `/webhooks/<channel or provider>[/<connection or tenant id>[/<suffix>]]` */
function targetOf(pathname: string): Target | undefined {
  const [, , channel, key, ...rest] = pathname.split("/");
  if (!channel) return undefined;
  try {
    const decoded = key ? decodeURIComponent(key) : undefined;
    return { channel, ...(decoded ? { key: decoded } : {}), suffix: rest.join("/") };
  } catch {
    return undefined;
  }
}

async function rawWebhook(
  request: Request,
  receiver: ChannelReceiver,
  suffix: string,
): Promise<Result<RawWebhook, Refusal>> {
  if (request.method !== "POST") return fail({ code: "method_not_allowed" });
  const type =
    (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!receiver.limits.contentTypes.includes(type)) return fail({ code: "unsupported_media_type" });
  const body = await readBody(request, receiver.limits.bodyBytesMax);
  if (!body.ok) {
    return fail(
      body.failure.reason === "too_large" ? { code: "payload_too_large" } : { code: "bad_request" },
    );
  }
  return ok({
    method: "POST",
    suffix,
    header: (name) => request.headers.get(name),
    body: body.value,
  });
}

/** Active connections this webhook may be for. The unverified body is only a hint of which secret to try. */
async function locate(
  env: Env,
  receiver: ChannelReceiver,
  target: Target,
  raw: RawWebhook,
  nowMs: number,
): Promise<readonly Located[]> {
  const { directory } = isolateOf(env);
  if (target.key !== undefined) {
    const found = await directory.byPath(target.channel, target.key, nowMs);
    return found?.tenant.active ? [found] : [];
  }
  const hint = receiver.locate(raw);
  if (!hint) return [];
  const all = await directory.byAddress(target.channel, hint.addresses, nowMs);
  return all.filter((one) => one.tenant.active);
}

async function verifyAny(
  receiver: ChannelReceiver,
  raw: RawWebhook,
  candidates: readonly Located[],
  nowMs: number,
  unit: Unit,
): Promise<Located | undefined> {
  for (const candidate of candidates) {
    const verified = await receiver.verify(raw, candidate.connection, nowMs);
    if (verified.ok) return candidate;
    unit.reason = verified.failure.reason;
    count("signature_failures_total", {
      channel: receiver.channel,
      reason: verified.failure.reason,
    });
  }
  return undefined;
}
