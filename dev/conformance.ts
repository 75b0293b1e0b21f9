/**
 * `npm run conformance -- DIR`: runs every payload under `DIR/<channel>/*.json` through that channel's parser
 * and prints one JSON line a file. Signatures are not checked: files are unsigned. Exits 1 where a parser
 * throws or makes something that is no unified message, 2 where DIR cannot be read.
 */
import { parseArgs } from "node:util";
import { runConformance } from "./conformance/run.ts";

const USAGE = "usage: npm run conformance -- DIR";
const { positionals } = parseArgs({ allowPositionals: true });
process.exitCode = main(positionals[0]);

function main(directory: string | undefined): number {
  if (directory === undefined) {
    console.error(USAGE);
    return 2;
  }
  try {
    const { lines, notCovered, broken } = runConformance(directory, Date.now());
    for (const folder of notCovered) {
      console.error(`not covered: ${folder}`);
    }
    process.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return broken ? 1 : 0;
  } catch (error) {
    console.error(`${USAGE}\n${error instanceof Error ? error.message : "unreadable directory"}`);
    return 2;
  }
}
