/** References inside one JSON Schema document, and the parts of a schema that say nothing about data. */

/** The members of a schema; none where it is `true`, `false` or nonsense. */
export type Members = Readonly<Record<string, unknown>>;

const ANNOTATIONS: ReadonlySet<string> = new Set([
  ...["title", "description", "$comment", "default", "examples", "deprecated"],
  ...["readOnly", "writeOnly", "$id", "$schema", "$anchor", "$defs", "definitions"],
]);
/** References that lead to references. */
const HOPS_MAX = 16;

/** Follows `#/…` to its target. References elsewhere, and those with rules beside them, stay as they are. */
export function resolveSchema(schema: unknown, root: unknown, hops = 0): unknown {
  const reference = membersOf(schema).$ref;
  if (typeof reference !== "string" || !/^#(?:\/|$)/.test(reference)) return schema;
  const beside = Object.keys(membersOf(schema)).filter((name) => name !== "$ref");
  if (hops >= HOPS_MAX || beside.some((name) => !ANNOTATIONS.has(name))) return schema;
  let target: unknown = root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const members = membersOf(target);
    target = Object.hasOwn(members, name) ? members[name] : undefined;
  }
  return target === undefined ? schema : resolveSchema(target, root, hops + 1);
}

export function membersOf(schema: unknown): Members {
  const isObject = typeof schema === "object" && schema !== null && !Array.isArray(schema);
  return isObject ? (schema as Members) : {};
}

/** All members but some, and without annotations. */
export function rulesOf(schema: unknown, ...but: readonly string[]): Members {
  const kept = Object.entries(membersOf(schema)).filter(
    ([name]) => !but.includes(name) && !ANNOTATIONS.has(name),
  );
  return Object.fromEntries(kept);
}

/** Whether something refers anywhere, so that equal texts may mean different things in two documents. */
export function refers(schema: unknown): boolean {
  return JSON.stringify(schema ?? null).includes('"$ref"');
}

/** Whether a value as parsed from JSON has more levels than this. Level by level, so that no depth exhausts the stack. */
export function isDeeper(value: unknown, levels: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= levels; depth++) {
    level = level.flatMap((one) => (typeof one === "object" && one ? Object.values(one) : []));
    if (level.length === 0) return false;
  }
  return true;
}
