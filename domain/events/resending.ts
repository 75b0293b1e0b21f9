/** How it is said of a delivery that it was not the event's first: its `replay_id` names what caused it. */
import type { EventEnvelope } from "../../schema/event.ts";

/** `schedule`: the subscription's own deliveries. The others: a person, a test, a replay from the log. */
export type DeliveryCause = "schedule" | "resend" | "test" | "replay";

const RESEND = "resend:";
const TEST = "test:";

/** The event once more, marked as sent again. `of` names the attempt or the call that asked for it. */
export function resent(event: EventEnvelope, of: string): EventEnvelope {
  return marked(event, RESEND + of);
}

/** An event that only tries an endpoint. */
export function asTest(event: EventEnvelope): EventEnvelope {
  return marked(event, TEST + event.event_id);
}

export function causeOf({ metadata }: EventEnvelope): DeliveryCause {
  const { replay_id } = metadata;
  if (replay_id === undefined) return "schedule";
  if (replay_id.startsWith(RESEND)) return "resend";
  return replay_id.startsWith(TEST) ? "test" : "replay";
}

function marked(event: EventEnvelope, replay_id: string): EventEnvelope {
  return { ...event, metadata: { ...event.metadata, replay_id } };
}
