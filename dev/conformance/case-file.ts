/** One case file run through the product's own decisions: how many of its cases hold, as one line. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Tally, tally } from "./events-tally.ts";

export interface CaseLine {
  /** Relative to the directory, with forward slashes. */
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Cases that were run. */
  readonly cases: number;
  /** The cases that do not hold: name, expected and actual. */
  readonly failures?: readonly string[];
  /** Optional cases of the file that were left out. */
  readonly left_out?: number;
  readonly reason?: string;
}

export type CaseRunner = (json: unknown, to: Tally) => void | Promise<void>;

/** Reads `directory/file` and runs it. A file that cannot be read, or holds no case, has failed. */
export async function runCaseFile(
  directory: string,
  file: string,
  runner: CaseRunner,
): Promise<CaseLine> {
  const to = tally();
  try {
    await runner(JSON.parse(readFileSync(join(directory, file), "utf8")), to);
  } catch (error) {
    const thrown = () => {
      throw error;
    };
    to.check("the whole file", thrown, undefined);
  }
  return caseLineOf(file, to);
}

/** A file without a single case proves nothing. */
export function caseLineOf(file: string, to: Tally): CaseLine {
  const { cases, failures, leftOut } = to.sum();
  const passed = failures.length === 0 && cases > 0;
  return {
    file,
    outcome: passed ? "passed" : "failed",
    cases,
    ...(passed ? {} : { failures: failures.length > 0 ? failures : ["no cases found"] }),
    ...(leftOut > 0 ? { left_out: leftOut } : {}),
  };
}
