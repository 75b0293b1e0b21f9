/**
 * `npm run conformance -- DIR`: runs every payload under `DIR/<channel>/*.json` through that channel's parser
 * and prints one JSON line a file. Signatures are not checked: files are unsigned. Exits 1 where a parser
 * throws or makes something that is no unified message, 2 where DIR cannot be read. `DIR/events` holds case files of
 * the event backbone: one line a file too, and 1 where a case does not hold.
 */
import { parseArgs } from "node:util";
import { runEventsConformance } from "./conformance/events.ts";
import { runConformance } from "./conformance/run.ts";

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
    const events = await runEventsConformance(directory);
    for (const folder of notCovered.filter((name) => name !== "events")) {
      console.error(`not covered: ${folder}`);
    }
    const all = [...lines, ...events];
    process.stdout.write(all.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return broken || events.some(({ outcome }) => outcome === "failed") ? 1 : 0;
  } catch (error) {
    console.error(`${USAGE}\n${error instanceof Error ? error.message : "unreadable directory"}`);
    return 2;
  }
}
