/** The names that an expression can read while it is evaluated. */
import type { CostBudget } from "./failure.ts";
import type { Value, ValueMap } from "./value.ts";

/** A name that a macro binds, over those outside of it. */
interface Bound {
  readonly name: string;
  readonly value: Value;
  readonly outer: Bound | undefined;
}

export interface Scope {
  readonly facts: ValueMap;
  readonly bound?: Bound | undefined;
  readonly budget: CostBudget;
}
