/** What an event says under a name of a text template: `type`, `source`, `id`, `data.a.b`, `metadata.subject`. */
import type { EventEnvelope } from "../../schema/event.ts";

/** Objects and arrays as JSON; undefined for a name it does not have. */
export function eventText(event: EventEnvelope, name: string): string | undefined {
  const [first = "", ...path] = name.split(".");
  const root = rootOf(event, first);
  const value = path.reduce(memberOf, root);
  if (value === undefined || value === null) return undefined;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function rootOf(event: EventEnvelope, name: string): unknown {
  switch (name) {
    case "id":
      return event.event_id;
    case "type":
      return event.event_type;
    case "version":
      return event.event_version;
    case "source":
      return event.source;
    case "timestamp":
      return event.timestamp;
    case "data":
      return event.data;
    case "metadata":
      return event.metadata;
    default:
      return undefined;
  }
}

/** Own members only; a number names an element of a list. */
function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
