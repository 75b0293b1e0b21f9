/**
 * The trace of a message's way through the hub, told once, when its reply has ended: one span for the whole
 * way, one for each hop. Only for tenants that asked for it; ids and times, never content.
 */
import { endTrace, exportSpans, span, startTrace, type Trace } from "../../platform/trace.ts";
import type { OutboxItem, SendEnd } from "../../schema/conversation.ts";
import { isolateOf } from "../isolate.ts";
import type { Leased } from "./leased.ts";

/** Journeys kept until the end of a batch; more are left out. */
const JOURNEYS_MAX = 200;
const journeys: Trace[] = [];

/** Notes the journey of a send that has just ended. */
export function noteJourney({ located, of }: Leased, item: OutboxItem, end: SendEnd): void {
  if (!located.tenant.config.tracing.export || journeys.length >= JOURNEYS_MAX) return;
  const { routedAtMs, agentStartMs, agentEndMs, receivedAtMs, route } = item.traits ?? {};
  const startMs = receivedAtMs ?? item.createdAtMs;
  const trace = startTrace(item.traceparent);
  const ids = { tenant: of.tenant, conversation: of.conversation, message: item.id };
  const status = end.status === "sent" ? "ok" : "error";
  if (receivedAtMs && routedAtMs)
    span(trace, "message.queued", receivedAtMs, routedAtMs, ids, "ok");
  if (routedAtMs)
    span(
      trace,
      "message.routed",
      routedAtMs,
      item.createdAtMs,
      { ...ids, ...(route ? { route } : {}) },
      "ok",
    );
  if (agentStartMs && agentEndMs) span(trace, "agent.called", agentStartMs, agentEndMs, ids, "ok");
  span(
    trace,
    "message.sent",
    item.createdAtMs,
    end.atMs,
    { ...ids, attempt: item.attempt },
    status,
  );
  endTrace(trace, "message.answered", startMs, end.atMs, ids, status);
  journeys.push(trace);
}

/** Sends what was noted to the collector, in one request. Never rejects. */
export async function exportJourneys(env: Env): Promise<void> {
  if (journeys.length > 0) await exportSpans(journeys.splice(0), isolateOf(env).vars.OTLP_ENDPOINT);
}
