/**
 * `npm run conformance -- DIR`: runs every payload under `DIR/<channel>/*.json` through that channel's parser
 * and prints one JSON line a file. Signatures are not checked: files are unsigned. Exits 1 where a parser
 * throws or makes something that is no unified message, 2 where DIR cannot be read. `DIR/events` and
 * `DIR/workflows` hold case files: one line a file too, and 1 where a case does not hold.
 */
import { parseArgs } from "node:util";
import { runEventsConformance } from "./conformance/events.ts";
import { runConformance } from "./conformance/run.ts";
import { runWorkflowsConformance } from "./conformance/workflows.ts";

/** Folders of case files, not of payloads. */
const CASE_FOLDERS: ReadonlySet<string> = new Set(["events", "workflows"]);
const USAGE = "usage: npm run conformance -- DIR";
const { positionals } = parseArgs({ allowPositionals: true });
process.exitCode = await main(positionals[0]);

async function main(directory: string | undefined): Promise<number> {
  if (directory === undefined) {
    console.error(USAGE);
    return 2;
  }
  try {
    const { lines, notCovered, broken } = runConformance(directory, Date.now());
    const cases = [
      ...(await runEventsConformance(directory)),
      ...(await runWorkflowsConformance(directory)),
    ];
    for (const folder of notCovered.filter((name) => !CASE_FOLDERS.has(name))) {
      console.error(`not covered: ${folder}`);
    }
    const all = [...lines, ...cases];
    process.stdout.write(all.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return broken || cases.some(({ outcome }) => outcome === "failed") ? 1 : 0;
  } catch (error) {
    console.error(`${USAGE}\n${error instanceof Error ? error.message : "unreadable directory"}`);
    return 2;
  }
}
