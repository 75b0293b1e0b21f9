/** Which events a replay wants: those its subscription would have had, of the types and the partition asked for. */
import type { EventEnvelope } from "../../../schema/event.ts";
import type { Subscription } from "../../../schema/subscription.ts";
import { MESSAGE_EVENT_TYPES } from "../hub-message-types.ts";
import { subscriptionIndex } from "../subscribing.ts";
import { topicIndex } from "../topic.ts";
import type { EventsSpec } from "./job.ts";
import type { SourceName } from "./walk.ts";

type Wanted = Pick<EventsSpec, "types" | "partition">;

/** Made once per step or page. */
export function selectorOf(
  { types, partition }: Wanted,
  subscription: Subscription,
): (event: EventEnvelope) => boolean {
  const index = subscriptionIndex([subscription]);
  const isAsked = typeTest(types);
  return (event) =>
    (partition === undefined || event.metadata.partition_key === partition) &&
    isAsked(event.event_type) &&
    index.match(event).length > 0;
}

/** Messages are only gone through where one of their events could be wanted. */
export function sourcesOf({ types }: Wanted, { bindings }: Subscription): readonly SourceName[] {
  const isAsked = typeTest(types);
  const bound = topicIndex(bindings.map((binding) => ({ binding, target: true })));
  const wants = MESSAGE_EVENT_TYPES.some(
    ({ name }) => isAsked(name) && bound.match(name).length > 0,
  );
  return wants ? ["log", "messages"] : ["log"];
}

function typeTest(types: readonly string[] | undefined): (type: string) => boolean {
  if (!types) return () => true;
  const index = topicIndex(
    types.map((key) => ({ binding: { kind: "topic", key } as const, target: true })),
  );
  return (type) => index.match(type).length > 0;
}

/** The event as a replay delivers it: marked, and without its own instant of expiry, which may be long over. */
export function replayed(event: EventEnvelope, replay: string): EventEnvelope {
  const { expires_at: _, ...metadata } = event.metadata;
  return { ...event, metadata: { ...metadata, replay_id: replay } };
}
