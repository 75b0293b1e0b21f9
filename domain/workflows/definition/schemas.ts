/** JSON Schemas that a definition holds: of its input, and of the forms of its tasks. One that is none fits no data ever. */
import type { Draft } from "./draft.ts";
import type { PathFault } from "./fault.ts";

/** What is wrong with a schema, and where in it; undefined where data can be checked against it. */
export type SchemaCheck = (
  schema: unknown,
) => { readonly pointer: string; readonly message: string } | undefined;

export function checkSchemas(draft: Draft, check: SchemaCheck): readonly PathFault[] {
  const forms = draft.steps.flatMap(({ at, value }) =>
    value.type === "approval" ? [{ path: ["steps", at, "form"], schema: value.form }] : [],
  );
  return [{ path: ["input"], schema: draft.raw.input }, ...forms].flatMap(({ path, schema }) => {
    const fault = schema === undefined ? undefined : check(schema);
    if (!fault) return [];
    const place = [...path, ...fault.pointer.split("/").slice(1).map(unescaped)];
    return [
      { path: place, reason: "schema" as const, message: `no JSON Schema: ${fault.message}` },
    ];
  });
}

function unescaped(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
