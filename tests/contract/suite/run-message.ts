/** Walks a message to its end, with the platform answering every request well. */
import type { ChannelAdapter } from "../../../channels/channel-adapter.ts";
import type { ConnectionInput } from "../../../schema/connection.ts";
import type { OutboundMessage, OutboundRequest, StepResponse } from "../../../schema/outbound.ts";
import type { ChannelSamples } from "../channel-samples.ts";

/** No message needs more requests than this (the sender gives up there). */
const STEPS_MAX = 60;

/** The requests in order; throws where the message is refused, fails or never ends. */
export function runMessage<C extends ConnectionInput>(
  adapter: ChannelAdapter<C>,
  samples: ChannelSamples<C>,
  message: OutboundMessage,
): OutboundRequest[] {
  const requests: OutboundRequest[] = [];
  let responses: StepResponse[] = [];
  for (let n = 0; n < STEPS_MAX; n++) {
    const next = adapter.next(message, samples.connection, responses);
    if (next === "done") {
      return requests;
    }
    if ("refused" in next) {
      throw new Error(`refused: ${next.refused}`);
    }
    requests.push(next);
    responses = [...responses, delivered(adapter, samples, next)];
  }
  throw new Error("never done");
}

function delivered<C extends ConnectionInput>(
  adapter: ChannelAdapter<C>,
  samples: ChannelSamples<C>,
  request: OutboundRequest,
): StepResponse {
  const { status, body, headers } = samples.success(request);
  const outcome = adapter.readResponse(request, status, new Headers(headers), body);
  if (outcome.outcome !== "delivered") {
    throw new Error(`${request.step}: ${JSON.stringify(outcome)}`);
  }
  return { step: request.step, ...outcome };
}
