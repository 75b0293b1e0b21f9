/** Reads members of runtime objects so that their methods stay callable through a proxy. */

/** A runtime object looked at by name. */
export type Binding = Record<PropertyKey, unknown>;
export type Method = (...values: unknown[]) => unknown;

/** A property, or a method bound to its own object. */
export function member(target: Binding, name: PropertyKey): unknown {
  const value = target[name];
  return typeof value === "function" ? value.bind(target) : value;
}
