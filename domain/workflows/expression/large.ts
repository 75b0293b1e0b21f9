/**
 * Values too large for a run's state: they are kept apart, and a reference stands for them in everything that the run
 * holds, tells and shows. A reference passes through mappings as it is; whoever carries an action out puts the value in
 * its place, right before the call. So no decision ever waits for a value, and the log alone still gives the state.
 */
import { stop } from "./failure.ts";
import type { Json } from "./json.ts";

/** Longest value that is kept apart, as JSON, in characters: an answer of 1 MiB, and what JSON makes of it. */
export const LARGE_VALUE_CHARS_MAX = 2_097_152;
/** Characters of JSON that are put into one input in place of references. */
export const LOADED_CHARS_MAX = 2_097_152;

/** Stands for a value of a run; nobody who does not know the value knows its digest. */
export interface LargeValue {
  readonly $large: {
    /** The run whose step gave it. */
    readonly run: string;
    /** SHA-256 of its JSON, in hex. */
    readonly sha256: string;
    /** Characters of its JSON. */
    readonly chars: number;
  };
}

const RUN = /^run_[0-9a-z]{26}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** What such a value says it stands for; undefined for every other value. */
export function largeOf(value: Json | undefined): LargeValue["$large"] | undefined {
  const inner = memberIn(value, "$large");
  if (inner === undefined || Object.keys(value as object).length !== 1) return undefined;
  const [run, sha256, chars] = ["run", "sha256", "chars"].map((name) => memberIn(inner, name));
  if (typeof run !== "string" || typeof sha256 !== "string" || typeof chars !== "number")
    return undefined;
  const isForm = RUN.test(run) && SHA256.test(sha256) && Number.isSafeInteger(chars) && chars > 0;
  return isForm ? { run, sha256, chars } : undefined;
}

function memberIn(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Every reference within a value, in its order. */
export function largeValuesIn(value: Json): readonly LargeValue["$large"][] {
  const own = largeOf(value);
  if (own) return [own];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(largeValuesIn);
}

/** With the values in place of the references to them; a reference without one stays. */
export function withLargeValues(value: Json, valueFor: (sha256: string) => Json | undefined): Json {
  const own = largeOf(value);
  if (own) return valueFor(own.sha256) ?? value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => withLargeValues(one, valueFor));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, withLargeValues(one, valueFor)]),
  );
}

/** For whoever has found nothing under a name. @throws Stop `too_large` where it is not there because it is kept apart. */
export function stopAtLarge(value: unknown): undefined {
  const large = largeOf(value as Json);
  if (large)
    stop("too_large", `the value has ${large.chars} characters and is kept apart: use value.read`);
}
