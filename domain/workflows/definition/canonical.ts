/** One text for one meaning: what a definition's hash is taken over, and what two versions are compared by. */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";

/** JSON with sorted members. The order of steps stays: the first one starts. `$schema` says nothing and is left out. */
export function canonicalText(definition: WorkflowDefinition): string {
  const { $schema: _ignored, ...meaning } = definition;
  return canonicalJson(meaning);
}

/** JSON with sorted members and without those that are undefined. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "null";
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(members.map(([key, one]) => [key, sorted(one)]));
}
