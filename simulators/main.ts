/**
 * The simulators as a process: `node simulators/main.ts [options.json]`. Prints one line of JSON with their
 * base URLs, then runs until SIGTERM or SIGINT. The file holds the options of `startAll`.
 */
import { readFileSync } from "node:fs";
import { type AllOptions, startAll } from "./all.ts";

const [file] = process.argv.slice(2);
const options = file === undefined ? {} : (JSON.parse(readFileSync(file, "utf8")) as AllOptions);
const simulators = await startAll(options);
process.stdout.write(`${JSON.stringify(simulators.urls)}\n`);

const stop = (): void => {
  simulators.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
