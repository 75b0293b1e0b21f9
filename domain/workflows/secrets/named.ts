/** The secrets that a mapping names, and where. */

/** A `{"$secret": name}` and its place from the mapping's root. */
export interface NamedSecret {
  readonly name: string;
  readonly path: readonly (string | number)[];
}

/** Every place where `putSecrets` puts one; what stands within `$literal` or beside an instruction is data. */
export function namedSecrets(
  mapping: unknown,
  path: NamedSecret["path"] = [],
): readonly NamedSecret[] {
  if (typeof mapping !== "object" || mapping === null) return [];
  if (Array.isArray(mapping)) return mapping.flatMap((one, at) => namedSecrets(one, [...path, at]));
  const members = new Map<string, unknown>(Object.entries(mapping));
  if (members.has("$secret")) return [{ name: String(members.get("$secret")), path }];
  if (members.has("$ref") || members.has("$literal")) return [];
  return [...members].flatMap(([key, one]) => namedSecrets(one, [...path, key]));
}
