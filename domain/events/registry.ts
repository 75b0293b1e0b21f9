/**
 * The event types a tenant has declared: which new version of a schema is let in, and what is said of an event that
 * no declared type fits. Checking data against a schema is injected; nothing here evaluates one.
 */
import { fail, ok, type Result } from "../result.ts";
import { nearestName } from "./nearest-name.ts";
import { type JsonSchema, type SchemaBreak, schemaBreaks } from "./schema-compatibility.ts";
import { isDeeper } from "./schema-references.ts";

/**
 * `backward`: data of the last version can be read with the new one. `forward`: data of the new one with the last.
 * `full`: both. `none`: anything goes.
 */
export const COMPATIBILITIES = ["backward", "forward", "full", "none"] as const;
export type Compatibility = (typeof COMPATIBILITIES)[number];

/** Versions kept of one event type. */
export const VERSIONS_MAX = 100;

/** Levels of objects and arrays in one schema. */
export const SCHEMA_DEPTH_MAX = 100;

export interface EventTypeVersion {
  /** `1`, `1.0`, `2.1` … */
  readonly version: string;
  readonly schema: JsonSchema;
}

/** A declared event type; versions rise. */
export interface EventTypeEntry {
  readonly name: string;
  readonly compatibility: Compatibility;
  readonly versions: readonly EventTypeVersion[];
}

export type RegistrationFailure =
  | { readonly reason: "not_rising"; readonly last: string }
  | { readonly reason: "too_many" | "too_deep"; readonly max: number }
  | {
      readonly reason: "incompatible";
      /** Data of which version the other one cannot read. */
      readonly breaks: readonly (SchemaBreak & { readonly direction: "backward" | "forward" })[];
    };

/** Adds a version. The same version with the same schema again changes nothing and is no failure. */
export function addVersion(
  entry: EventTypeEntry,
  next: EventTypeVersion,
): Result<EventTypeEntry, RegistrationFailure> {
  if (isDeeper(next.schema, SCHEMA_DEPTH_MAX))
    return fail({ reason: "too_deep", max: SCHEMA_DEPTH_MAX });
  const last = entry.versions.at(-1);
  if (last && compareVersions(next.version, last.version) <= 0) {
    const known = entry.versions.find(({ version }) => version === next.version);
    const again = known && JSON.stringify(known.schema) === JSON.stringify(next.schema);
    return again ? ok(entry) : fail({ reason: "not_rising", last: last.version });
  }
  if (entry.versions.length >= VERSIONS_MAX) return fail({ reason: "too_many", max: VERSIONS_MAX });
  const breaks = last ? breaksBetween(entry.compatibility, last.schema, next.schema) : [];
  if (breaks.length > 0) return fail({ reason: "incompatible", breaks });
  return ok({ ...entry, versions: [...entry.versions, next] });
}

/** One place where data does not fit its schema. */
export interface DataError {
  /** JSON pointer into the data. */
  readonly pointer: string;
  readonly message: string;
}

/** Checks data against a schema; empty where it fits. `platform` brings one that needs no `eval`. */
export type SchemaValidator = (schema: JsonSchema, data: unknown) => readonly DataError[];

export type EventTypeFailure =
  | { readonly reason: "unknown_type"; readonly nearest?: string }
  | { readonly reason: "unknown_version"; readonly known: readonly string[] }
  | { readonly reason: "invalid_data"; readonly errors: readonly DataError[] };

/** Looks an event's type and version up and has its data checked. Without a version, the last one counts. */
export function checkEvent(
  types: ReadonlyMap<string, EventTypeEntry>,
  event: { readonly type: string; readonly version?: string; readonly data: unknown },
  validate: SchemaValidator,
): Result<EventTypeVersion, EventTypeFailure> {
  const entry = types.get(event.type);
  if (!entry) {
    const nearest = nearestName(event.type, types.keys());
    return fail({ reason: "unknown_type", ...(nearest === undefined ? {} : { nearest }) });
  }
  const version =
    event.version === undefined
      ? entry.versions.at(-1)
      : entry.versions.find((one) => compareVersions(one.version, event.version ?? "") === 0);
  if (!version)
    return fail({ reason: "unknown_version", known: entry.versions.map((one) => one.version) });
  const errors = validate(version.schema, event.data);
  return errors.length > 0 ? fail({ reason: "invalid_data", errors }) : ok(version);
}

/** Negative, zero or positive; `1` and `1.0` are the same version. */
export function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}

function breaksBetween(mode: Compatibility, last: JsonSchema, next: JsonSchema) {
  const backward = mode === "backward" || mode === "full" ? schemaBreaks(last, next) : [];
  const forward = mode === "forward" || mode === "full" ? schemaBreaks(next, last) : [];
  return [
    ...backward.map((one) => ({ ...one, direction: "backward" as const })),
    ...forward.map((one) => ({ ...one, direction: "forward" as const })),
  ];
}
