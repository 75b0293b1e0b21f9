/**
 * Runs `DIR/workflows` through the workflows' own decisions: definitions with their scenarios, cron cases, and the
 * conformance kit of the Serverless Workflow DSL. Kinds of files that are not there are not spoken of.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CaseLine, type CaseRunner, runCaseFile } from "./case-file.ts";
import { runCron } from "./workflows-cron.ts";
import { runCtk } from "./workflows-ctk.ts";
import { runDefinitionScenarios } from "./workflows-definitions.ts";

const FILES: ReadonlyMap<string, CaseRunner> = new Map([
  ["workflows/cron/cases.json", runCron as CaseRunner],
  ["workflows/ctk/ctk.parsed.json", runCtk as CaseRunner],
]);

/** One line a file, in a stable order; none where there is no `workflows` folder. */
export async function runWorkflowsConformance(directory: string): Promise<readonly CaseLine[]> {
  const lines: CaseLine[] = [...runDefinitionScenarios(directory)];
  for (const [file, runner] of FILES)
    if (existsSync(join(directory, file))) lines.push(await runCaseFile(directory, file, runner));
  return lines;
}
