/**
 * Every event type the hub itself publishes, with the schema of its data: what the API serves, what publishers in the
 * hub are typed by, and what `docs/events.md` lists. A type that is not here does not compile where it is published.
 */
import { ADMIN_EVENT_TYPES } from "./hub-admin-types.ts";
import { BUS_EVENT_TYPES } from "./hub-bus-types.ts";
import { MESSAGE_EVENT_TYPES } from "./hub-message-types.ts";
import type { HubEventDeclaration } from "./hub-schemas.ts";
import { WORKFLOW_EVENT_TYPES } from "./hub-workflow-types.ts";

const ALL = [
  ...MESSAGE_EVENT_TYPES,
  ...ADMIN_EVENT_TYPES,
  ...BUS_EVENT_TYPES,
  ...WORKFLOW_EVENT_TYPES,
] as const;

/** The name of one of the hub's own event types. */
export type HubEventType = (typeof ALL)[number]["name"];

export const HUB_EVENT_TYPES: readonly HubEventDeclaration<HubEventType>[] = ALL;
