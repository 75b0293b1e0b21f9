/** Wire shapes of the workflows that come with the product. */
import * as z from "zod";
import { ActionName, SecretName, WorkflowId, WorkflowVersion } from "../workflow-value.ts";

const ReadyWorkflow = z
  .object({
    id: WorkflowId,
    version: WorkflowVersion,
    name: z.string(),
    description: z.string(),
    /** What its steps call, and which of it the tenant has no service for: that has to be there before it is installed. */
    actions: z.array(z.object({ name: ActionName, bound: z.boolean() })),
    /** Secrets that its calls carry, by name; a run fails where one is missing. */
    secrets: z.array(z.object({ name: SecretName, present: z.boolean() })),
    /** As it would be stored. */
    definition: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "ReadyWorkflow" });

export const ReadyWorkflowList = z.object({ items: z.array(ReadyWorkflow) });
export type ReadyWorkflowList = z.infer<typeof ReadyWorkflowList>;
