/** The few shapes a Slack webhook's reading takes, each with the empty 200 that Slack wants by default. */
import type { Ack, ConnectionChange, ParsedMessage, WebhookReading } from "../../schema/parsed.ts";

/** Slack takes an empty 200 as "received, nothing to show" (Slack docs: Events API, interactivity). */
const RECEIVED: Ack = { status: 200 };
/** Longest name of an ignored thing: it becomes a metric label. */
const IGNORED_TYPE = /^[A-Za-z0-9_.:-]{1,64}$/;

/** Messages to accept. */
export function accepted(messages: readonly ParsedMessage[]): WebhookReading {
  return { ack: RECEIVED, messages, statuses: [], ignored: [] };
}

/** Understood and deliberately not acted upon; `type` is Slack's own name or our reason, never content. */
export function ignored(type: string, ack: Ack = RECEIVED): WebhookReading {
  const name = IGNORED_TYPE.test(type) ? type : "unnamed";
  return { ack, messages: [], statuses: [], ignored: [{ type: name }] };
}

/** An answer with nothing behind it (challenge, TLS probe). */
export function answered(ack: Ack = RECEIVED): WebhookReading {
  return { ack, messages: [], statuses: [], ignored: [] };
}

/** The installation itself changed. */
export function connectionChanged(connection: ConnectionChange): WebhookReading {
  return { ack: RECEIVED, messages: [], statuses: [], connection, ignored: [] };
}
