/**
 * Asking Slack whether a post in doubt is there: our posts carry their message id as metadata, and the
 * history of the channel or thread shows it (Slack docs: conversations.history, conversations.replies).
 * Posts through a response URL carry none and stay uncertain.
 */

import type { SlackConnection } from "../../schema/connection.ts";
import type { OutboundMessage, OutboundRequest, StepResponse } from "../../schema/outbound.ts";
import type { Reconciliation } from "../channel-adapter.ts";
import { type Fields, fieldsOf } from "../shared/fields.ts";
import { CALL_TIMEOUT_MS, METADATA_TYPE, type SendTarget } from "./api.ts";
import { listOf, tsOf } from "./fields.ts";
import { postCountOf, sendTargetOf } from "./send.ts";

/** Slack's clock and ours may differ by this much, in ms. */
const CLOCK_SLACK_MS = 60_000;
/** Apps outside the Marketplace get 15 messages at most (Slack docs: conversations.history). */
const HISTORY_MAX = 15;

export const slackReconciliation: Reconciliation<SlackConnection> = {
  request(message, connection) {
    const target = sendTargetOf(message, connection);
    const askable = postCountOf(message) > 0 && message.responder === undefined;
    const direct = "refused" in target || /^[UW]/.test(target.channel);
    return askable && !direct ? historyCall(message, target) : undefined;
  },

  read(message, status, body, delivered) {
    const answer = status === 200 ? answerOf(body) : undefined;
    if (answer === undefined) {
      return { found: "unknown" };
    }
    const found = partsIn(answer, message.id);
    const last = postCountOf(message) - 1;
    const whole = found.get(last);
    if (whole !== undefined) {
      return { found: "yes", platformId: whole };
    }
    if (delivered !== undefined) {
      return judgeStep(found, delivered, answer.has_more === true);
    }
    return found.size > 0 || answer.has_more === true ? { found: "unknown" } : { found: "no" };
  },
};

function historyCall(message: OutboundMessage, target: SendTarget): OutboundRequest {
  const oldest = ((message.createdAtMs - CLOCK_SLACK_MS) / 1000).toFixed(6);
  const query = new URLSearchParams({
    channel: target.channel,
    ...(target.thread === undefined ? {} : { ts: target.thread }),
    oldest,
    inclusive: "true",
    limit: String(HISTORY_MAX),
    include_all_metadata: "true",
  });
  const method = target.thread === undefined ? "conversations.history" : "conversations.replies";
  return {
    step: "reconcile",
    method: "GET",
    url: `${target.base}/api/${method}?${query}`,
    headers: { authorization: `Bearer ${target.token}` },
    body: { as: "none" },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent: true,
  };
}

/** The part in doubt is the first one not known to be delivered. */
function judgeStep(
  found: ReadonlyMap<number, string>,
  delivered: readonly StepResponse[],
  more: boolean,
): ReturnType<Reconciliation["read"]> {
  const doubtful = delivered.filter(({ step }) => step.startsWith("part:")).length;
  const platformId = found.get(doubtful);
  if (platformId === undefined) {
    return more ? { found: "unknown" } : { found: "no" };
  }
  const proven: StepResponse = { step: `part:${doubtful}`, outcome: "delivered", platformId };
  return { found: "yes", platformId, steps: [...delivered, proven] };
}

/** Our parts of this message by number. */
function partsIn(answer: Fields, outId: string): ReadonlyMap<number, string> {
  const parts = new Map<number, string>();
  for (const entry of listOf(answer.messages)) {
    const posted = fieldsOf(entry);
    const metadata = fieldsOf(posted?.metadata);
    const payload = fieldsOf(metadata?.event_payload);
    const part = Number(payload?.part);
    const ts = tsOf(posted?.ts);
    if (metadata?.event_type === METADATA_TYPE && payload?.out_id === outId && ts !== undefined) {
      parts.set(part, ts);
    }
  }
  return parts;
}

function answerOf(body: string): Fields | undefined {
  try {
    const answer = fieldsOf(JSON.parse(body));
    return answer?.ok === true && Array.isArray(answer.messages) ? answer : undefined;
  } catch {
    return undefined;
  }
}
