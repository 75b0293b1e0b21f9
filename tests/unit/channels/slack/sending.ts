/** Walks a message's requests the way the sender does. */
import { slackAdapter } from "../../../../channels/slack/adapter.ts";
import type {
  OutboundMessage,
  OutboundRequest,
  StepResponse,
} from "../../../../schema/outbound.ts";
import { CONNECTION } from "./webhooks.ts";

export function next(
  message: OutboundMessage,
  responses: StepResponse[] = [],
  connection = CONNECTION,
) {
  return slackAdapter.next(message, connection, responses);
}

export function request(
  message: OutboundMessage,
  responses: StepResponse[] = [],
  connection = CONNECTION,
): OutboundRequest {
  const described = next(message, responses, connection);
  if (described === "done" || "refused" in described) {
    throw new Error(`expected a request, got ${JSON.stringify(described)}`);
  }
  return described;
}

export function json(described: OutboundRequest): Record<string, unknown> {
  if (described.body.as !== "json") {
    throw new Error(`expected JSON, got ${described.body.as}`);
  }
  return described.body.json as Record<string, unknown>;
}

/** Every request of a message, each answered as delivered with the given data. */
export function conversation(
  message: OutboundMessage,
  data: Record<string, Record<string, string>> = {},
) {
  const requests: OutboundRequest[] = [];
  const responses: StepResponse[] = [];
  for (let turn = 0; turn < 50; turn++) {
    const described = next(message, responses);
    if (described === "done") {
      return requests;
    }
    if ("refused" in described) {
      throw new Error(described.refused);
    }
    requests.push(described);
    const given = data[described.step];
    responses.push({
      step: described.step,
      outcome: "delivered",
      ...(given === undefined ? {} : { data: given }),
    });
  }
  throw new Error("no end");
}

export const delivered = (step: string, data?: Record<string, string>): StepResponse => ({
  step,
  outcome: "delivered",
  ...(data === undefined ? {} : { data }),
});
