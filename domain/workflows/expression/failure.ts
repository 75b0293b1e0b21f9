/** Why an expression cannot be used or has no value, and how an evaluation stops where that is found. */

export interface ExpressionFailure {
  readonly reason: "too_large" | "too_slow" | "syntax" | "unknown_name" | "type" | "not_json";
  /** For the author: holds names and types, never values. */
  readonly message: string;
  /** Index into the text, where known. */
  readonly position?: number;
}

/** Ends an evaluation; caught at its entrance, never seen outside this folder. */
export class Stop extends Error {
  readonly failure: ExpressionFailure;

  constructor(failure: ExpressionFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** @throws Stop always. */
export function stop(reason: ExpressionFailure["reason"], message: string): never {
  throw new Stop({ reason, message });
}

/** Units of work left to one evaluation. */
export interface CostBudget {
  units: number;
}

/** Takes units from the budget. @throws Stop `too_slow` where none are left. */
export function spend(budget: CostBudget, units: number): void {
  budget.units -= units;
  if (!(budget.units >= 0)) stop("too_slow", "takes too many steps");
}
