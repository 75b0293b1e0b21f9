/**
 * What an isolate remembers of the event types its tenants have declared: schemas that events were found to have.
 * That there is no such type or version is never remembered, so that a new one counts at once everywhere; one that
 * was deleted may be known for the cache time, and an event without a version may get the last one but one.
 */
import type { EventTypeVersion } from "../domain/events/registry.ts";
import { databaseFor } from "./database.ts";
import { eventTypeNames, eventTypeVersions, findEventSchema } from "./repositories/event-types.ts";

/** Characters of schemas kept by one isolate; what is compiled of them takes a multiple. */
export const REGISTRY_CHARS_MAX = 2_000_000;

/** Rejects as D1 does. */
export interface EventRegistry {
  /** The schema of a version, of the last one without. */
  schemaOf(
    tenant: string,
    type: string,
    version: string | undefined,
    nowMs: number,
  ): Promise<EventTypeVersion | undefined>;
  /** Names of the tenant's types, for those who have mistyped one. */
  namesOf(tenant: string): Promise<readonly string[]>;
  /** Versions of one type, rising. */
  versionsOf(tenant: string, type: string): Promise<readonly string[]>;
  /** A type has changed: this isolate looks again. */
  forget(tenant: string, type: string): void;
}

interface Entry {
  readonly value: EventTypeVersion;
  readonly chars: number;
  readonly untilMs: number;
}

/** One per isolate. `cacheMs` 0 remembers nothing. */
export function createEventRegistry(
  env: { readonly DB: D1Database },
  cacheMs: number,
): EventRegistry {
  const entries = new Map<string, Entry>();
  let chars = 0;
  const drop = (key: string) => {
    chars -= entries.get(key)?.chars ?? 0;
    entries.delete(key);
  };
  const keep = (key: string, value: EventTypeVersion, nowMs: number) => {
    drop(key);
    const size = JSON.stringify(value.schema).length;
    entries.set(key, { value, chars: size, untilMs: nowMs + cacheMs });
    chars += size;
    for (const oldest of entries.keys()) if (chars > REGISTRY_CHARS_MAX) drop(oldest);
  };
  return {
    async schemaOf(tenant, type, version, nowMs) {
      const key = keyOf(tenant, type, version);
      const known = entries.get(key);
      if (known && nowMs < known.untilMs) return known.value;
      const found = await findEventSchema(databaseFor(env, tenant), tenant, type, version);
      if (found && cacheMs > 0) keep(key, found, nowMs);
      else drop(key);
      return found;
    },
    namesOf: (tenant) => eventTypeNames(databaseFor(env, tenant), tenant),
    versionsOf: (tenant, type) => eventTypeVersions(databaseFor(env, tenant), tenant, type),
    forget(tenant, type) {
      const prefix = keyOf(tenant, type, undefined);
      for (const key of entries.keys()) if (key.startsWith(prefix)) drop(key);
    },
  };
}

/** None of the three has a space in it. */
function keyOf(tenant: string, type: string, version: string | undefined): string {
  return `${tenant} ${type} ${version ?? ""}`;
}
