/**
 * Shapes of platform JSON, declared once and read in one go: what a shape does not name is dropped, and the first
 * thing that does not fit is named by its path and a code, never by its value. A validator in miniature, because
 * receivers are loaded before an acknowledgement and carry no schema library.
 */

/** What reads a value: the value as the shape has it, or where it does not fit. `undefined` is a missing member. */
export type Shape<T> = (value: unknown) => T | Misfit;

/** What a shape reads. */
export type Read<S> = S extends Shape<infer T> ? T : never;

type Code = "invalid_type" | "invalid_union" | "too_small" | "too_big";

/** Where a value does not fit, outermost member first. */
export class Misfit {
  readonly code: Code;
  readonly path: readonly (string | number)[];

  constructor(code: Code, path: readonly (string | number)[] = []) {
    this.code = code;
    this.path = path;
  }

  /** The same, seen from the object or list that holds the value. */
  under(part: string | number): Misfit {
    return new Misfit(this.code, [part, ...this.path]);
  }
}

const WRONG_TYPE = new Misfit("invalid_type");

/** A string of `min` to `max` UTF-16 units. */
export function text(min = 0, max = Number.POSITIVE_INFINITY): Shape<string> {
  return (value) => {
    if (typeof value !== "string") return WRONG_TYPE;
    if (value.length < min) return new Misfit("too_small");
    return value.length > max ? new Misfit("too_big") : value;
  };
}

/** A finite number: JSON's `1e999` is none. */
export const number: Shape<number> = (value) =>
  typeof value === "number" && Number.isFinite(value) ? value : WRONG_TYPE;

export const boolean: Shape<boolean> = (value) => (typeof value === "boolean" ? value : WRONG_TYPE);

/** Whatever stands there, unchecked. */
export const anything: Shape<unknown> = (value) => value;

/** May be missing. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value) => (value === undefined ? undefined : shape(value));
}

/** May be missing or null. */
export function nullish<T>(shape: Shape<T>): Shape<T | null | undefined> {
  return (value) => (value === undefined || value === null ? value : shape(value));
}

/** The first of these that fits. */
export function either<T>(...shapes: readonly Shape<T>[]): Shape<T> {
  return (value) => {
    for (const shape of shapes) {
      const read = shape(value);
      if (!(read instanceof Misfit)) return read;
    }
    return new Misfit("invalid_union");
  };
}

/** A list of at most `max`. */
export function list<T>(shape: Shape<T>, max = Number.POSITIVE_INFINITY): Shape<T[]> {
  return (value) => {
    if (!Array.isArray(value)) return WRONG_TYPE;
    const read: T[] = [];
    for (const [index, entry] of value.entries()) {
      const one = shape(entry);
      if (one instanceof Misfit) return one.under(index);
      read.push(one);
    }
    return read.length > max ? new Misfit("too_big") : read;
  };
}

/** An object with any members, all of one shape; `__proto__` is none. */
export function record<T>(shape: Shape<T>): Shape<Record<string, T>> {
  return (value) => {
    if (!isObject(value)) return WRONG_TYPE;
    const read: Record<string, T> = {};
    for (const [name, member] of Object.entries(value)) {
      if (name === "__proto__") continue;
      const one = shape(member);
      if (one instanceof Misfit) return one.under(name);
      read[name] = one;
    }
    return read;
  };
}

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type Needed<S extends Shapes> = {
  [K in keyof S]: undefined extends Read<S[K]> ? never : K;
}[keyof S];
type ObjectOf<S extends Shapes> = { [K in Needed<S>]: Read<S[K]> } & {
  [K in Exclude<keyof S, Needed<S>>]?: Read<S[K]>;
};

/** An object with these members; others are dropped. Only own members are seen. */
export function object<S extends Shapes>(members: S): Shape<ObjectOf<S>> {
  const known = Object.entries(members);
  return (value) => {
    if (!isObject(value)) return WRONG_TYPE;
    const read: Record<string, unknown> = {};
    for (const [name, shape] of known) {
      const present = Object.hasOwn(value, name);
      const one = shape(present ? value[name] : undefined);
      if (one instanceof Misfit) return one.under(name);
      if (present) read[name] = one;
    }
    return read as ObjectOf<S>;
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
