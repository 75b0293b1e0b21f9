/**
 * The registry of event types: what may be declared, under which name, and how a version is added while others add
 * theirs. Decided by `domain/events/registry.ts` on what was read; written only if that still holds.
 */

import { HubError } from "../../domain/errors.ts";
import { HUB_EVENT_TYPES } from "../../domain/events/catalogue.ts";
import {
  addVersion,
  type EventTypeVersion,
  type RegistrationFailure,
} from "../../domain/events/registry.ts";
import { databaseFor } from "../../platform/database.ts";
import { checkSchema } from "../../platform/json-schema.ts";
import {
  addEventTypeVersion,
  findEventType,
  type StoredEventType,
} from "../../platform/repositories/event-types.ts";
import type { ApiDeps } from "../http/deps.ts";

/** Rounds of reading and writing before the caller is asked to come again. */
const ROUNDS_MAX = 5;

const HUB_WORDS: ReadonlySet<string> = new Set(HUB_EVENT_TYPES.map(({ name }) => firstWord(name)));

/** True for every name whose first word the hub uses itself: `message.anything` will never be a tenant's. */
export function isReservedType(name: string): boolean {
  return HUB_WORDS.has(firstWord(name));
}

function firstWord(name: string): string {
  return name.split(".", 1)[0] ?? name;
}

/** Throws unprocessable for a name of the hub's. */
export function checkTypeName(name: string): void {
  if (!isReservedType(name)) return;
  throw new HubError("unprocessable", `"${firstWord(name)}." names the hub's own events`, {
    extensions: { reason: "reserved_type" },
  });
}

/** Throws payload_too_large or unprocessable for a schema that cannot be taken. `at`: where it is in the body. */
export function checkEventSchema(schema: unknown, at: string): void {
  const checked = checkSchema(schema);
  if (checked.ok) return;
  const { reason, pointer, message } = checked.failure;
  if (reason === "too_large") throw new HubError("payload_too_large", `the schema has ${message}`);
  throw new HubError("unprocessable", "the schema cannot be taken", {
    extensions: { reason, errors: [{ pointer: `#${at}${pointer}`, detail: message }] },
  });
}

/** The tenant's type. Throws not_found. */
export async function needEventType(
  { env }: ApiDeps,
  tenant: string,
  name: string,
): Promise<StoredEventType> {
  const type = await findEventType(databaseFor(env, tenant), tenant, name);
  if (!type) throw new HubError("not_found");
  return type;
}

/** Adds a version, or finds it there already. Throws not_found, conflict, unprocessable or payload_too_large. */
export async function registerVersion(
  deps: ApiDeps,
  tenant: string,
  name: string,
  next: EventTypeVersion,
  nowMs: number,
): Promise<{ readonly added: boolean; readonly type: StoredEventType }> {
  checkTypeName(name);
  checkEventSchema(next.schema, "/schema");
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const type = await needEventType(deps, tenant, name);
    const decided = addVersion(type, next);
    if (!decided.ok) throw refusalOf(decided.failure);
    if (decided.value === type) return { added: false, type };
    const known = { count: type.versions.length, updatedAtMs: type.updatedAtMs, nowMs };
    if (await addEventTypeVersion(databaseFor(deps.env, tenant), tenant, name, next, known))
      return { added: true, type: await needEventType(deps, tenant, name) };
  }
  throw new HubError("unavailable", "others register versions of it right now", {
    extensions: { retryAfterSeconds: 1 },
  });
}

function refusalOf(failure: RegistrationFailure): HubError {
  const { reason } = failure;
  switch (reason) {
    case "not_rising":
      return new HubError("conflict", `versions rise: the last one is ${failure.last}`, {
        extensions: { reason, last: failure.last },
      });
    case "too_many":
      return new HubError("conflict", `a type may have ${failure.max} versions`, {
        extensions: { reason },
      });
    case "too_deep":
      return new HubError("unprocessable", `a schema may have ${failure.max} levels`, {
        extensions: { reason },
      });
    case "incompatible":
      return new HubError("conflict", "the schema breaks the type's compatibility", {
        extensions: { reason, breaks: failure.breaks },
      });
  }
}
