/** Types of the event bus itself and of what keeps its promises: dead letters, subscriptions, replays, alerts, archive. */
import { changed, hubType, instant, number, objectOf, oneOf, text, whole } from "./hub-schemas.ts";

const letter = {
  dead_letter: text,
  stage: oneOf("quarantine", "turn", "send", "event", "workflow"),
};
const origins = {
  connection: text,
  conversation: text,
  message: text,
  subscription: text,
  event: text,
  event_type: text,
  run: text,
};
const subscription = { subscription: text };
const health = { failures: whole, failing_since: instant, reason: text };
const replay = objectOf(
  { replay: text, kind: oneOf("events", "dead_letters") },
  { subscription: text, state: text, done: whole, total: whole, reason: text },
);
const alert = objectOf(
  { rule: text },
  {
    name: text,
    metric: text,
    value: number,
    threshold: number,
    subscription: text,
    severity: text,
  },
);
const compatibility = oneOf("backward", "forward", "full", "none");
const eventType = objectOf({ name: text, compatibility });

export const BUS_EVENT_TYPES = [
  hubType(
    "dead_letter.created",
    "Something was given up on and waits for an operator",
    objectOf({ ...letter, reason: text }, origins),
  ),
  hubType("dead_letter.replayed", "A dead letter is being tried again", objectOf(letter, origins)),
  hubType(
    "dead_letter.discarded",
    "A dead letter was given up for good",
    objectOf(letter, origins),
  ),
  hubType(
    "subscription.created",
    "A subscription was added",
    objectOf(subscription, { state: text }),
  ),
  hubType(
    "subscription.updated",
    "A subscription was changed",
    objectOf({ ...subscription, changed }, { state: text }),
  ),
  hubType("subscription.deleted", "A subscription was removed", objectOf(subscription)),
  hubType(
    "subscription.paused",
    "What is for a subscription waits",
    objectOf(subscription, { reason: text }),
  ),
  hubType(
    "subscription.resumed",
    "What waited for a subscription is delivered",
    objectOf(subscription, { reason: text }),
  ),
  hubType(
    "endpoint.verification",
    "Asks an endpoint to show that it wants deliveries, by answering with the challenge",
    objectOf({ ...subscription, challenge: text }),
  ),
  hubType(
    "endpoint.test",
    "A test delivery an operator asked for",
    objectOf(subscription, { requested_at: instant }),
  ),
  hubType(
    "endpoint.failing",
    "An endpoint keeps failing and will be switched off",
    objectOf(subscription, { ...health, disables_at: instant }),
  ),
  hubType(
    "endpoint.recovered",
    "An endpoint that failed works again",
    objectOf(subscription, health),
  ),
  hubType(
    "endpoint.disabled",
    "An endpoint was switched off: gone, or failing for too long",
    objectOf(subscription, health),
  ),
  hubType("event_type.created", "An event type was declared", eventType),
  hubType(
    "event_type.registered",
    "A version of an event type was declared",
    objectOf({ name: text, version: text, compatibility }),
  ),
  hubType("event_type.updated", "An event type's description or compatibility changed", eventType),
  hubType(
    "event_type.deleted",
    "An event type was removed with its versions",
    objectOf({ name: text }),
  ),
  hubType("replay.started", "A replay has begun", replay),
  hubType("replay.finished", "A replay has ended: done, cancelled or failed", replay),
  hubType("alert.raised", "An alert rule's condition has come true", alert),
  hubType("alert.cleared", "An alert rule's condition is over", alert),
  hubType(
    "archive.written",
    "An archive object was written",
    objectOf(
      { kind: oneOf("messages", "events"), hour: instant, key: text, rows: whole },
      { part: whole, bytes: whole, sha256: text },
    ),
  ),
] as const;
