/** Makes the envelope of an event that the hub itself publishes: typed by the catalogue, named after what it tells of. */
import type { EventEnvelope } from "../../schema/event.ts";
import type { HubEventType } from "./catalogue.ts";
import { carried } from "./chain.ts";
import { DEFAULT_VERSION } from "./envelope.ts";

/** What a part of the hub has to say. Ids, codes and names of members; never a secret, never a person's data. */
export interface HubEvent {
  readonly type: HubEventType;
  /** As the catalogue's schema of the type has it. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What it is about; events of one subject are delivered in order. */
  readonly subject: string;
  /** The connection it comes from, where there is one. */
  readonly connection?: string;
  readonly correlation?: string;
  readonly causation?: string;
  /** Of its chain of events; absent: its beginning. */
  readonly depth?: number;
}

/** `id` is the event's own; `atMs` when it happened, in ms since the epoch. */
export function hubEnvelope(
  tenant: string,
  { type, data, subject, connection, correlation, causation, depth }: HubEvent,
  id: string,
  atMs: number,
): EventEnvelope {
  return {
    event_id: id,
    event_type: type,
    event_version: DEFAULT_VERSION,
    timestamp: new Date(atMs).toISOString(),
    source: sourceOf(tenant, connection),
    data,
    metadata: {
      subject,
      partition_key: subject,
      ...(correlation === undefined ? {} : { correlation_id: correlation }),
      ...(causation === undefined ? {} : { causation_id: causation }),
      ...carried(depth),
    },
  };
}

/** The source of everything that is a tenant's, or one of its connections'. */
export function sourceOf(tenant: string, connection?: string): string {
  return connection === undefined
    ? `/tenants/${tenant}`
    : `/tenants/${tenant}/connections/${connection}`;
}
