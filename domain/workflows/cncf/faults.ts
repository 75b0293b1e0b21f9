/** What a document of the Serverless Workflow DSL says that cannot be taken over: all of it, each with its place. */

export interface CncfFault {
  /** JSON pointer into the document. */
  readonly path: string;
  readonly reason: CncfReason;
  readonly detail: string;
}

/**
 * `not_supported`: right in the DSL, nothing here does it. `expression`: outside of the jq that is translated.
 * `invalid`: not right in the DSL either. `unknown_reference`: names something that is not in the document.
 * `too_large`: beyond a bound of ours. `no_definition`: what it becomes is refused, as an uploaded one would be.
 */
export type CncfReason =
  | "not_yaml"
  | "not_supported"
  | "expression"
  | "invalid"
  | "unknown_reference"
  | "too_large"
  | "no_definition";

/** A place in the document, and what was found wrong there and below. */
export interface Place {
  readonly path: string;
  /** The place of a member or item. */
  at(key: string | number): Place;
  fault(reason: CncfReason, detail: string): void;
}

/** The whole document; faults are added to `faults`. */
export function placeIn(faults: CncfFault[], path = ""): Place {
  return {
    path,
    at: (key) => placeIn(faults, `${path}/${escaped(String(key))}`),
    fault: (reason, detail) => {
      faults.push({ path, reason, detail });
    },
  };
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
