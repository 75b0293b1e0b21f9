/** What expressions do over the elements of a list or the keys of a map, and `cel.bind`. */
import type { ASTNode } from "@marcbachmann/cel-js";
import { type CostBudget, spend, stop } from "./failure.ts";
import type { Scope } from "./scope.ts";
import { isList, isMap, typeOf, type Value } from "./value.ts";

type MacroNode = Extract<ASTNode, { op: "rcall" }>;

/** Macros by name, and how many arguments they take. */
const ARITIES: Readonly<Record<string, readonly number[]>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  filter: [2],
  map: [2, 3],
  bind: [3],
};

/** Whether a method call is one of these; `bind` also needs `cel` before the dot, which parsing has checked. */
export function isMacro(name: string, args: number): boolean {
  return Object.hasOwn(ARITIES, name) && (ARITIES[name]?.includes(args) ?? false);
}

/** The macro's value. @throws Stop where there is none. */
export function comprehend(
  node: MacroNode,
  scope: Scope,
  run: (node: ASTNode, scope: Scope) => Value,
): Value {
  const [name, receiver, args] = node.args;
  const variable =
    args[0]?.op === "id" ? args[0].args : stop("syntax", `${name}() needs a variable`);
  const within = (value: Value): Scope => ({
    ...scope,
    bound: { name: variable, value, outer: scope.bound },
  });
  const [, first, second] = args;
  if (!first) return stop("syntax", `${name}() needs an expression`);
  if (name === "bind" && second) return run(second, within(run(first, scope)));
  const items = elementsOf(run(receiver, scope), scope.budget);
  const holds = (item: Value) => asBool(run(first, within(item)), name);
  switch (name) {
    case "all":
      return items.every(holds);
    case "exists":
      return items.some(holds);
    case "exists_one":
      return items.filter(holds).length === 1;
    case "filter":
      return items.filter(holds);
    default:
      return (second ? items.filter(holds) : items).map((item) =>
        run(second ?? first, within(item)),
      );
  }
}

function elementsOf(value: Value, budget: CostBudget): readonly Value[] {
  if (isList(value)) return value;
  if (!isMap(value)) return stop("type", `a ${typeOf(value)} is neither a list nor a map`);
  const keys = Object.keys(value);
  spend(budget, keys.length);
  return keys;
}

function asBool(value: Value, name: string): boolean {
  return typeof value === "boolean"
    ? value
    : stop("type", `${name}() asks for a bool, not a ${typeOf(value)}`);
}
