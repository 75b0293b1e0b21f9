/** The JSON Schema of definitions, as it is published for editors and generators. */
import * as z from "zod";
import { WorkflowDefinition } from "../../schema/workflow.ts";

export const SCHEMA_TYPE = "application/schema+json";
/** How long it may be kept, s: it changes with a release. */
const KEPT_S = 300;

let made: object | undefined;

/** Without what a schema cannot say: those checks are made on upload. */
export function definitionSchema(publicUrl: string): Response {
  made ??= z.toJSONSchema(WorkflowDefinition, { io: "input", unrepresentable: "any" });
  const about = { $id: `${publicUrl}/workflows/schema`, title: "Workflow definition" };
  return new Response(JSON.stringify({ ...made, ...about }), {
    headers: { "content-type": SCHEMA_TYPE, "cache-control": `public, max-age=${KEPT_S}` },
  });
}
