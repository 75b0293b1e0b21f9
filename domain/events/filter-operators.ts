/**
 * The `$` operators of JSON filters that compare one value with one operand. A value of the wrong kind fails the
 * test, it never throws; an absent value is `undefined` here and equals nothing, not even null.
 */

export interface FilterOperator {
  /** Whether the operand makes sense. */
  readonly takes: (operand: unknown) => boolean;
  readonly holds: (value: unknown, operand: unknown) => boolean;
}

/**
 * `$in`: a text inside a text, an operand inside an array value, or a value inside an operand array.
 * `$startsWith` and `$endsWith` take one text or several of which one must fit.
 */
export const OPERATORS: ReadonlyMap<string, FilterOperator> = new Map([
  ["$eq", { takes: anything, holds: sameJson }],
  ["$neq", { takes: anything, holds: (value, operand) => !sameJson(value, operand) }],
  ["$gt", { takes: anything, holds: (value, operand) => compare(value, operand, (n) => n > 0) }],
  ["$gte", { takes: anything, holds: (value, operand) => compare(value, operand, (n) => n >= 0) }],
  ["$lt", { takes: anything, holds: (value, operand) => compare(value, operand, (n) => n < 0) }],
  ["$lte", { takes: anything, holds: (value, operand) => compare(value, operand, (n) => n <= 0) }],
  ["$in", { takes: anything, holds: isIn }],
  ["$nin", { takes: anything, holds: (value, operand) => !isIn(value, operand) }],
  ["$startsWith", { takes: texts, holds: affix((value, part) => value.startsWith(part)) }],
  ["$endsWith", { takes: texts, holds: affix((value, part) => value.endsWith(part)) }],
  ["$exist", { takes: isTruth, holds: (value, operand) => (value !== undefined) === operand }],
]);

function anything(): boolean {
  return true;
}

function isTruth(operand: unknown): boolean {
  return typeof operand === "boolean";
}

function texts(operand: unknown): boolean {
  return Array.isArray(operand)
    ? operand.every((part) => typeof part === "string")
    : typeof operand === "string";
}

function compare(value: unknown, operand: unknown, holds: (order: number) => boolean): boolean {
  if (typeof value === "number" && typeof operand === "number") return holds(value - operand);
  if (typeof value !== "string" || typeof operand !== "string") return false;
  return holds(value < operand ? -1 : Number(value > operand));
}

function isIn(value: unknown, operand: unknown): boolean {
  if (Array.isArray(operand)) return operand.some((item) => sameJson(value, item));
  if (typeof value === "string") return typeof operand === "string" && value.includes(operand);
  return Array.isArray(value) && value.some((item) => sameJson(item, operand));
}

function affix(
  fits: (value: string, part: string) => boolean,
): (value: unknown, operand: unknown) => boolean {
  return (value, operand) => {
    if (typeof value !== "string") return false;
    const parts: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
    return parts.some((part) => typeof part === "string" && fits(value, part));
  };
}

/** Equal as JSON: the order of members does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = b as Readonly<Record<string, unknown>>;
  return (
    left.length === Object.keys(right).length &&
    left.every(([name, value]) => Object.hasOwn(right, name) && sameJson(value, right[name]))
  );
}
