/**
 * The trace of a message's way through the hub, told once, when its reply has ended: one span for the whole
 * way, one for each hop. Only for tenants that asked for it; ids and times, and content where they asked for that too.
 */
import type { SpanContent } from "../../domain/observability/otlp.ts";
import { endTrace, exportSpans, span, startTrace, type Trace } from "../../platform/trace.ts";
import type { OutboxItem, SendEnd } from "../../schema/conversation.ts";
import { isolateOf } from "../isolate.ts";
import type { Leased } from "./leased.ts";

/** Journeys kept until the end of a batch; more are left out. */
const JOURNEYS_MAX = 200;
const journeys: Trace[] = [];

/** Notes the journey of a send that has just ended. */
export function noteJourney(leased: Leased, item: OutboxItem, end: SendEnd): void {
  const { located, of } = leased;
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
  endTrace(trace, "message.answered", startMs, end.atMs, ids, status, contentOf(leased, item));
  journeys.push(trace);
}

/** The messages are at hand where the turn was answered under this lease. */
function contentOf({ located, work }: Leased, item: OutboxItem): SpanContent | undefined {
  if (!located.tenant.config.tracing.pii) return undefined;
  const asked = (work.turn?.items ?? [])
    .filter(({ id }) => item.answers.includes(id))
    .map(({ message }) => message.content.text ?? "");
  return {
    asked: asked.join("\n"),
    replied: ("text" in item.content && item.content.text) || "",
    conversationKey: work.config.conversationKey,
  };
}

/** Sends what was noted to the collector, in one request. Never rejects. */
export async function exportJourneys(env: Env): Promise<void> {
  if (journeys.length > 0) await exportSpans(journeys.splice(0), isolateOf(env).vars.OTLP_ENDPOINT);
}
