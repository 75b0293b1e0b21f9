/**
 * Sends one outbox item: admitted by its downstream, request by request as the adapter describes them, and
 * judged by the adapter. Where an earlier attempt may have gone out and the platform has no idempotent
 * send, the platform is asked first; nothing is ever repeated blindly.
 */
import type { ChannelAdapter } from "../../channels/channel-adapter.ts";
import { adapterFor } from "../../channels/registry.ts";
import { RESPONDER_NOT_READY } from "../../channels/shared/responder.ts";
import type { DownstreamLimits } from "../../domain/resilience/admission.ts";
import { type Admission, admitCall, noteOutcome } from "../../platform/admission.ts";
import { insist } from "../../platform/conversations.ts";
import { checkDestination } from "../../platform/egress.ts";
import { type CallResult, callOnce } from "../../platform/http.ts";
import { count, observe } from "../../platform/metrics.ts";
import type { OutboxItem, SendReport } from "../../schema/conversation.ts";
import type {
  OutboundMessage,
  OutboundRequest,
  SendOutcome,
  StepResponse,
} from "../../schema/outbound.ts";
import type { Responder } from "../../schema/parsed.ts";
import { isolateOf } from "../isolate.ts";
import { limitsOf } from "./downstream-limits.ts";
import { conversationStub, type Leased } from "./leased.ts";
import { openMedia, sendableContent } from "./media-out.ts";
import { withOwnTarget } from "./own-target.ts";
import { reconcile } from "./reconcile.ts";
import type { Sending } from "./sending.ts";

/** Requests one message may need: parts of a long text, uploads, opening a conversation. */
const STEPS_MAX = 60;

/** Waited at most for a place in the pace of a downstream; stays well within the window of a send. */
const PACE_WAIT_MS_MAX = 3000;

/** So often a gesture's way back may be unknown at its platform: some seven seconds by the retry schedule. */
const NOT_READY_MAX = 3;

type Result = SendReport["result"];

/** Never rejects for anything the platform does. */
export async function sendItem(env: Env, leased: Leased, item: OutboxItem): Promise<SendReport> {
  const adapter = adapterFor(leased.located.connection.channel);
  if (!adapter) return report(item, item.steps, { is: "failed", reason: "unknown_channel" });
  const message = await outboundMessage(env, leased, item);
  const sending: Sending = { env, leased, adapter, item, message };
  const doubt = item.state.is === "uncertain" || (item.state.is === "sending" && item.state.maybe);
  if (!doubt) return runSteps(sending, item.steps);
  const next = adapter.next(message, leased.located.connection, item.steps);
  if (typeof next === "object" && "method" in next && next.idempotent)
    return runSteps(sending, item.steps);
  return resolveDoubt(sending);
}

async function resolveDoubt(sending: Sending): Promise<SendReport> {
  const { item } = sending;
  const answer = await reconcile(sending);
  switch (answer.found) {
    case "yes":
      count("reconciliations_total", { channel: sending.adapter.channel, outcome: "found" });
      if (answer.steps) return runSteps(sending, answer.steps);
      return report(item, item.steps, {
        is: "ended",
        end: sent(answer.platformId),
        recorded: false,
      });
    case "no":
      count("reconciliations_total", { channel: sending.adapter.channel, outcome: "absent" });
      return report(item, item.steps, { is: "absent" });
    case "unknown":
      return report(item, item.steps, { is: "uncertain", reason: reasonOf(item) });
  }
}

function reasonOf(item: OutboxItem): string {
  return item.state.is === "uncertain" ? item.state.reason : "interrupted";
}

async function runSteps(sending: Sending, known: readonly StepResponse[]): Promise<SendReport> {
  const { adapter, item, leased, message } = sending;
  let steps = known;
  for (let n = 0; n < STEPS_MAX; n++) {
    const next = adapter.next(message, leased.located.connection, steps);
    if (next === "done")
      return report(item, steps, { is: "ended", end: sent(lastId(steps)), recorded: false });
    if ("refused" in next) return report(item, steps, { is: "failed", reason: next.refused });
    if (n > 0 && !(await keepSteps(sending, steps)))
      return report(item, steps, { is: "uncertain", reason: "fenced" });
    const outcome = await oneStep(sending, next);
    if (outcome.is !== "delivered") return report(item, steps, outcome);
    steps = [...steps, outcome.step];
  }
  return report(item, steps, { is: "failed", reason: "too_many_steps" });
}

/** What has been sent of a message of several parts is kept before the next part goes out. */
function keepSteps(
  { env, leased, item }: Sending,
  steps: readonly StepResponse[],
): Promise<boolean> {
  return insist(() =>
    conversationStub(env, leased.of).progress(
      leased.token,
      item.seq,
      item.attempt,
      steps,
      Date.now(),
    ),
  );
}

type StepOutcome =
  | { readonly is: "delivered"; readonly step: StepResponse }
  | Exclude<Result, { is: "ended" }>;

async function oneStep(sending: Sending, request: OutboundRequest): Promise<StepOutcome> {
  const { adapter, env, leased } = sending;
  const name = `${leased.of.tenant}:${leased.located.connection.id}`;
  const limits = limitsOf(adapter);
  const admission = await admitPatiently(env, name, limits);
  if (!admission.ok) {
    count("send_refusals_total", { tenant: leased.of.tenant, reason: admission.reason });
    return {
      is: "retry",
      reason: admission.reason,
      afterMs: admission.retryAfterMs,
      counts: false,
    };
  }
  const refused = await refusedAddress(sending, request);
  if (refused) {
    noteOutcome(name, limits, { slotId: admission.slotId, verdict: "neutral" });
    return refused;
  }
  const traceparent = sending.item.traceparent;
  const startMs = Date.now();
  const answer = await callOnce(request, {
    media: (media) => openMedia(env, leased.of.tenant, media),
    ...(traceparent ? { traceparent } : {}),
  });
  observe("send_duration_seconds", { channel: adapter.channel }, (Date.now() - startMs) / 1000);
  const outcome = judge(adapter, request, answer);
  const pauseMs = outcome.outcome === "retry" && !outcome.breaker ? outcome.afterMs : undefined;
  const verdict = verdictOf(outcome, answer);
  noteOutcome(name, limits, { slotId: admission.slotId, verdict, ...(pauseMs ? { pauseMs } : {}) });
  return resultOf(sending, request, outcome);
}

/**
 * A short wait for the pace of a number is waited for here, where it costs nothing; a long one goes back to
 * the conversation, which is not held up in a worker's hands.
 */
async function admitPatiently(
  env: Env,
  name: string,
  limits: DownstreamLimits,
): Promise<Admission> {
  const untilMs = Date.now() + PACE_WAIT_MS_MAX;
  for (;;) {
    const admission = await admitCall(env, name, limits);
    const paced =
      !admission.ok && (admission.reason === "rate_limited" || admission.reason === "busy");
    if (admission.ok || !paced || Date.now() + admission.retryAfterMs > untilMs) return admission;
    await new Promise((resolve) => setTimeout(resolve, admission.retryAfterMs));
  }
}

/** A connection whose API is not the platform's public one (`baseUrl`) may only lead where user-given URLs may. */
async function refusedAddress(
  { env, leased }: Sending,
  request: OutboundRequest,
): Promise<StepOutcome | undefined> {
  if (!leased.located.connection.baseUrl) return undefined;
  const checked = await checkDestination(request.url, { vars: isolateOf(env).vars });
  if (checked.ok) return undefined;
  if (!checked.failure.retryable)
    return { is: "failed", reason: "refused_url", detail: checked.failure.reason };
  return { is: "retry", reason: checked.failure.reason, counts: true };
}

/** The adapter judges answers; what never became an answer is judged here. */
function judge(adapter: ChannelAdapter, request: OutboundRequest, answer: CallResult): SendOutcome {
  if (answer.ok) return adapter.readResponse(request, answer.status, answer.headers, answer.body);
  if (answer.reason === "media")
    return { outcome: "failed", reason: "media_unavailable", breaker: false };
  if (!answer.sent || request.idempotent)
    return { outcome: "retry", reason: answer.reason, breaker: true };
  return { outcome: "uncertain", reason: answer.reason };
}

function verdictOf(outcome: SendOutcome, answer: CallResult): "success" | "failure" | "neutral" {
  switch (outcome.outcome) {
    case "delivered":
      return "success";
    case "uncertain":
      return "failure";
    case "retry":
    case "failed":
      return outcome.breaker || !answer.ok ? "failure" : "neutral";
  }
}

function resultOf(sending: Sending, request: OutboundRequest, outcome: SendOutcome): StepOutcome {
  const { tenant } = sending.leased.of;
  const { channel } = sending.adapter;
  switch (outcome.outcome) {
    case "delivered": {
      const { platformId, data } = outcome;
      const step = {
        step: request.step,
        outcome: "delivered",
        ...(platformId ? { platformId } : {}),
        ...(data ? { data } : {}),
      } as const;
      return { is: "delivered", step };
    }
    case "retry":
      count("send_retries_total", { tenant, channel, reason: outcome.reason });
      return {
        is: "retry",
        reason: outcome.reason,
        counts: true,
        ...(outcome.afterMs === undefined ? {} : { afterMs: outcome.afterMs }),
      };
    case "uncertain":
      return { is: "uncertain", reason: outcome.reason };
    case "failed":
      return {
        is: "failed",
        reason: outcome.reason,
        ...(outcome.detail ? { detail: outcome.detail } : {}),
      };
  }
}

async function outboundMessage(
  env: Env,
  { located, work }: Leased,
  item: OutboxItem,
): Promise<OutboundMessage> {
  const { responder } = item;
  const ofHere = { tenant: located.tenant.id, connection: located.connection.id };
  return {
    id: item.id,
    conversationKey: work.config.conversationKey,
    content: await withOwnTarget(env, ofHere, await sendableContent(env, located, item.content)),
    group: item.group,
    createdAtMs: item.createdAtMs,
    ...(item.replyTo ? { replyTo: item.replyTo } : {}),
    ...(item.thread ? { thread: item.thread } : {}),
    ...(responder && isOpen(responder, item) ? { responder } : {}),
  };
}

/** A gesture's way back is used while it lasts, and given up where the platform does not come to know it. */
function isOpen(responder: Responder, item: OutboxItem): boolean {
  const unknown = item.history.filter(({ reason }) => reason === RESPONDER_NOT_READY).length;
  return responder.expiresAtMs > Date.now() && unknown < NOT_READY_MAX;
}

function report(item: OutboxItem, steps: readonly StepResponse[], result: Result): SendReport {
  return { seq: item.seq, attempt: item.attempt, steps, result };
}

function sent(platformId: string | undefined) {
  return { status: "sent", atMs: Date.now(), ...(platformId ? { platformId } : {}) } as const;
}

function lastId(steps: readonly StepResponse[]): string | undefined {
  return steps.findLast((step) => step.platformId !== undefined)?.platformId;
}
