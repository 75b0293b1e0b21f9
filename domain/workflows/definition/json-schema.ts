/** The published JSON Schema of the definition language, for editors and other programs. */
import * as z from "zod";
import { WorkflowDefinition } from "../../../schema/workflow.ts";

/** JSON Schema 2020-12 of what may be uploaded; `id` is the URL it is published under. */
export function definitionJsonSchema(id: string): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = z.toJSONSchema(WorkflowDefinition, { io: "input" });
  return { $schema, $id: id, title: "Workflow definition", ...rest };
}
