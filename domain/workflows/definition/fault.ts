/** What is wrong with a definition, in words that its author can act upon. */

export type FaultReason =
  /** The text is neither JSON nor YAML. */
  | "syntax"
  | "too_large"
  | "too_deep"
  /** Too many YAML aliases. */
  | "aliases"
  /** A key stands twice in one map. */
  | "duplicate_key"
  /** A field is missing, unknown, or not of its form. */
  | "schema"
  | "duplicate_id"
  | "unknown_step"
  | "unreachable_step"
  /** A step belongs to two branches, bodies or both. */
  | "shared_step"
  | "cycle_without_exit"
  | "missing_action"
  | "unknown_action"
  /** An action's `with` does not fit its input. */
  | "action_input"
  /** A secret stands where it may not go. */
  | "secret_host"
  | "expression"
  | "unknown_compensation"
  /** What undoes a step must be an action. */
  | "undo_is_no_action"
  | "duration"
  | "pattern"
  | "schedule"
  /** There were more than `FAULTS_MAX`. */
  | "too_many_faults";

/** A fault and where it is: members and indices from the document's root. */
export interface PathFault {
  readonly path: readonly (string | number)[];
  readonly reason: FaultReason;
  readonly message: string;
  /** The key at the path's end is meant, not its value. */
  readonly onKey?: boolean;
  /** Index into the text at the path. */
  readonly offset?: number;
}

/** A fault as it is told. */
export interface DefinitionFault {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** `steps[2].next`; empty for the document as a whole. */
  readonly path: string;
  readonly reason: FaultReason;
  readonly message: string;
}

/** `steps[2].next`, `compensation["my key"]`. */
export function pathText(path: readonly (string | number)[]): string {
  return path
    .map((part, at) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[A-Za-z_$][\w$-]*$/.test(part)) return `[${JSON.stringify(part.slice(0, 100))}]`;
      return at === 0 ? part : `.${part}`;
    })
    .join("");
}
