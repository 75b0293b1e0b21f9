/**
 * `POST /events`: every event is held against the registry, given its key and handed to its shard. What is answered
 * `accepted` is durable; every other answer says why, and the same call may be made again.
 */

import { HUB_EVENT_TYPES } from "../../domain/events/catalogue.ts";
import { nearestName } from "../../domain/events/nearest-name.ts";
import { type Publishing, publishingOf } from "../../domain/events/publishing.ts";
import {
  checkEvent,
  type EventTypeEntry,
  type EventTypeFailure,
  type SchemaValidator,
} from "../../domain/events/registry.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { parseTraceparent } from "../../domain/observability/traceparent.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { type Published, publishEvents } from "../../platform/event-bus.ts";
import { createEventRegistry, type EventRegistry } from "../../platform/event-registry.ts";
import type { ShardEvent } from "../../platform/event-shards.ts";
import { schemaValidator } from "../../platform/json-schema.ts";
import { count } from "../../platform/metrics.ts";
import type { EventEnvelope, PublishInput } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";
import { isReservedType } from "./event-types.ts";
import { chained } from "./publish-chain.ts";
import { homed } from "./publish-home.ts";
import type { Candidate } from "./publish-input.ts";
import { type PublishRefusal, unavailable } from "./publish-refusal.ts";

/** Largest event, in bytes of its JSON: written into JSON once more it must fit one bound value of D1 (2 MB). */
export const EVENT_BYTES_MAX = 524_288;
/** Unknown types of one call that the nearest known name is looked for: it is compared with every name. */
const HINTS_MAX = 5;
export type PublishOutcome = Result<Accepted, PublishRefusal>;

interface Accepted {
  readonly id: string;
  readonly seq: number;
  readonly duplicate: boolean;
}

export interface PublishOperation {
  readonly tenant: string;
  readonly candidates: readonly Candidate[];
  readonly nowMs: number;
  /** Of the call; events that have one keep theirs. */
  readonly traceparent: string | undefined;
  /** Of the run that publishes, in its chain of events. Absent: somebody outside does. */
  readonly depth?: number;
}

const registries = new WeakMap<object, EventRegistry>();

/** The one of this isolate. */
export function registryOf({ env, vars }: Pick<ApiDeps, "env" | "vars">): EventRegistry {
  const known = registries.get(env);
  if (known) return known;
  const made = createEventRegistry(env, vars.TENANT_CACHE_MS);
  registries.set(env, made);
  return made;
}

/** In the order of the candidates. Never rejects. */
export async function publish(
  deps: Pick<ApiDeps, "env" | "vars">,
  operation: PublishOperation,
): Promise<readonly PublishOutcome[]> {
  const { tenant } = operation;
  const call = callOf(deps, operation);
  const bus = { env: deps.env, shards: deps.vars.EVENT_SHARDS };
  const checked = await Promise.all(
    (await chained(deps.env, operation)).map(async (candidate) =>
      candidate.ok ? make(call, candidate.value) : candidate,
    ),
  );
  const { nowMs } = operation;
  const made = await homed({ ...bus, tenant, nowMs }, checked);
  for (const one of made)
    if (!one.ok) count("events_refused_total", { tenant, reason: one.failure.reason });
  const ready = made.flatMap((one) => (one.ok ? [one.value] : []));
  const published = (await publishEvents(bus, tenant, ready)).values();
  return made.map((one) => (one.ok ? outcomeOf(published.next().value) : one));
}

/**
 * Why an event could not be published at all, whoever would get it; undefined where it could. Of the hub's own types
 * only the names are looked at: nobody publishes those.
 */
export async function refusalOf(
  deps: Pick<ApiDeps, "env" | "vars">,
  tenant: string,
  input: PublishInput,
  nowMs: number,
): Promise<PublishRefusal | undefined> {
  const { event_type: type } = input;
  if (isReservedType(type)) {
    const names = HUB_EVENT_TYPES.map(({ name }) => name);
    if (names.some((name) => name === type)) return undefined;
    const nearest = nearestName(type, names);
    return typeRefusal(type, { reason: "unknown_type", ...(nearest ? { nearest } : {}) });
  }
  const known = await versionOf(
    callOf(deps, { tenant, nowMs, candidates: [], traceparent: undefined }),
    input,
  );
  return known.ok ? undefined : known.failure;
}

function callOf(deps: Pick<ApiDeps, "env" | "vars">, operation: PublishOperation): Call {
  return {
    ...operation,
    registry: askedOnce(registryOf(deps)),
    validate: schemaValidator(),
    hints: { left: HINTS_MAX },
  };
}

interface Call extends PublishOperation {
  readonly registry: Registry;
  /** With the budget of the whole call. */
  readonly validate: SchemaValidator;
  readonly hints: { left: number };
}

type Registry = Pick<EventRegistry, "schemaOf" | "namesOf" | "versionsOf">;

/** The same questions about the events of one call are asked once. */
function askedOnce(registry: EventRegistry): Registry {
  const asked = new Map<string, Promise<unknown>>();
  const once = <T>(question: string, ask: () => Promise<T>): Promise<T> => {
    const known = asked.get(question) ?? ask();
    asked.set(question, known);
    return known as Promise<T>;
  };
  return {
    schemaOf: (tenant, type, version, nowMs) =>
      once(`s ${type} ${version ?? ""}`, () => registry.schemaOf(tenant, type, version, nowMs)),
    namesOf: (tenant) => once("n", () => registry.namesOf(tenant)),
    versionsOf: (tenant, type) => once(`v ${type}`, () => registry.versionsOf(tenant, type)),
  };
}

async function make(call: Call, input: PublishInput): Promise<Result<ShardEvent, PublishRefusal>> {
  const { nowMs, traceparent } = call;
  const version = await versionOf(call, input).catch(() =>
    fail(unavailable("the registry of event types did not answer")),
  );
  if (!version.ok) return version;
  const made = publishingOf(ownMetadata(input), mintId("evt", nowMs, Math.random), nowMs);
  if (!made.ok) {
    const { reason, pointer } = made.failure;
    const detail = reason === "told_twice" ? "is said twice, differently" : "is nested too deep";
    const errors = [{ pointer: `#${pointer}`, detail }];
    return fail({ code: "validation_failed", reason, detail: "the event cannot be taken", errors });
  }
  const event = completed(made.value.envelope, version.value, traceparent);
  const bytes = new TextEncoder().encode(JSON.stringify(event)).length;
  if (bytes > EVENT_BYTES_MAX) {
    const detail = `an event may have ${EVENT_BYTES_MAX} bytes`;
    return fail({ code: "payload_too_large", reason: "too_large", detail });
  }
  return ok({ key: made.value.key, event, bytes, logged: true, ...timesOf(made.value) });
}

/** A caller's event is no replay, whatever it was copied from. */
function ownMetadata(input: PublishInput): PublishInput {
  if (input.metadata?.replay_id === undefined) return input;
  const { replay_id: _, ...metadata } = input.metadata;
  return { ...input, metadata };
}

function completed(
  envelope: EventEnvelope,
  event_version: string,
  traceparent: string | undefined,
): EventEnvelope {
  const traced =
    envelope.metadata.traceparent === undefined && parseTraceparent(traceparent) !== undefined;
  const metadata =
    traced && traceparent ? { ...envelope.metadata, traceparent } : envelope.metadata;
  return { ...envelope, event_version, metadata };
}

function timesOf({ ttlMs, delayMs }: Publishing): Pick<ShardEvent, "ttlMs" | "delayMs"> {
  return {
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(delayMs === undefined ? {} : { delayMs }),
  };
}

/** The version of its type that an event has, as it was registered. Rejects as D1 does. */
async function versionOf(
  call: Call,
  { event_type: type, event_version: version, data }: PublishInput,
): Promise<Result<string, PublishRefusal>> {
  if (isReservedType(type)) {
    const detail = `the hub itself publishes "${type.split(".", 1)[0]}." events`;
    return fail({ code: "unprocessable", reason: "reserved_type", detail });
  }
  const found = await call.registry.schemaOf(call.tenant, type, version, call.nowMs);
  const entries = found ? new Map([[type, entryOf(type, [found])]]) : await around(call, type);
  const event = { type, ...(version ? { version } : {}), data };
  const checked = checkEvent(entries, event, call.validate);
  return checked.ok ? ok(checked.value.version) : fail(typeRefusal(type, checked.failure));
}

/** What a refusal has to say of a type or version that is not there: versions of the type, else other names. */
async function around(
  { registry, tenant, hints }: Call,
  type: string,
): Promise<ReadonlyMap<string, EventTypeEntry>> {
  const names = await registry.namesOf(tenant);
  if (names.includes(type)) {
    const versions = await registry.versionsOf(tenant, type);
    // None of these is the one that is asked for, so no schema of theirs is needed.
    return new Map([
      [
        type,
        entryOf(
          type,
          versions.map((version) => ({ version, schema: false })),
        ),
      ],
    ]);
  }
  hints.left -= 1;
  return new Map(hints.left < 0 ? [] : names.map((name) => [name, entryOf(name, [])]));
}

function entryOf(name: string, versions: EventTypeEntry["versions"]): EventTypeEntry {
  return { name, compatibility: "none", versions };
}

function typeRefusal(type: string, failure: EventTypeFailure): PublishRefusal {
  const { reason } = failure;
  switch (reason) {
    case "unknown_type": {
      const { nearest } = failure;
      const detail = nearest === undefined ? "no such event type" : `did you mean ${nearest}?`;
      return {
        ...{ code: "unprocessable", reason, detail: `${type}: ${detail}` },
        ...(nearest === undefined ? {} : { nearest }),
      };
    }
    case "unknown_version": {
      const { known } = failure;
      return { code: "unprocessable", reason, detail: `${type} has no such version`, known };
    }
    case "invalid_data": {
      const errors = failure.errors.map(({ pointer, message }) => {
        return { pointer: `#/data${pointer}`, detail: message };
      });
      return { code: "unprocessable", reason, detail: `not the data of ${type}`, errors };
    }
  }
}

function outcomeOf(published: Published | undefined): PublishOutcome {
  if (published?.is === "accepted") {
    const { id, seq, duplicate } = published;
    return ok({ id, seq, duplicate });
  }
  if (published?.is === "refused" && published.reason === "backlog_full") {
    const { reason, retryAfterSeconds } = published;
    const detail = "subscribers are behind: too many deliveries wait";
    return fail({ code: "rate_limited", reason, detail, retryAfterSeconds });
  }
  return fail(unavailable("its shard did not answer"));
}
