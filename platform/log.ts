/**
 * One wide line of JSON per unit of work, written once at its end and named `noun.verbed`. Only the
 * fields of `domain/observability/fields.ts` go out: no text, no numbers of people, no secrets.
 */
import { cleanFields, type SafeFields } from "../domain/observability/fields.ts";
import { isSafeText } from "../domain/observability/safe-value.ts";

const EVENT_NAME = /^[a-z_]{1,40}\.[a-z_]{1,40}$/;

/** Ids, codes, counts, durations in ms and flags. */
export type LogFields = SafeFields;

/** Writes one line; never throws. A name that is not `noun.verbed` is written as `line.unnamed`. */
export function logLine(event: `${string}.${string}`, fields: LogFields): void {
  const name = EVENT_NAME.test(event) && isSafeText(event) ? event : "line.unnamed";
  const line: Record<string, unknown> = { at: new Date().toISOString(), line: name };
  for (const [field, value] of cleanFields(fields)) line[field] = value;
  console.log(JSON.stringify(line));
}
