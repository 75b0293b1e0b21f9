/** Counts the cases of one file and keeps what does not hold, in words. */
import { isDeepStrictEqual } from "node:util";

export interface Tally {
  /** One case: `actual` is computed here, so that a throw is a failure of this case alone. */
  check(name: string, actual: () => unknown, expected: unknown): void;
  /** The same for decisions that are asynchronous. */
  checkLater(name: string, actual: () => Promise<unknown>, expected: unknown): Promise<void>;
  leaveOut(): void;
  sum(): {
    readonly cases: number;
    readonly failures: readonly string[];
    readonly leftOut: number;
  };
}

export function tally(): Tally {
  const failures: string[] = [];
  let cases = 0;
  let leftOut = 0;
  const compare = (name: string, actual: unknown, expected: unknown) => {
    if (isDeepStrictEqual(actual, expected)) return;
    failures.push(`${name}: expected ${show(expected)}, got ${show(actual)}`);
  };
  return {
    check(name, actual, expected) {
      cases += 1;
      try {
        compare(name, actual(), expected);
      } catch (error) {
        failures.push(`${name}: threw ${String(error)}`);
      }
    },
    async checkLater(name, actual, expected) {
      cases += 1;
      try {
        compare(name, await actual(), expected);
      } catch (error) {
        failures.push(`${name}: threw ${String(error)}`);
      }
    },
    leaveOut() {
      leftOut += 1;
    },
    sum: () => ({ cases, failures, leftOut }),
  };
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
