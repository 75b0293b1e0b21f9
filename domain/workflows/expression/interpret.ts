/**
 * Gives an expression's tree its value. The tree is the library's; it is evaluated here and not by the library so that
 * every unit of work is counted, only own members are read, and numbers out of JSON mix with whole ones.
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import { Stop, spend, stop } from "./failure.ts";
import { findFunction } from "./functions.ts";
import { comprehend, isMacro } from "./macros.ts";
import {
  add,
  arithmetic,
  findItem,
  isEqual,
  isIn,
  isOrdered,
  itemAt,
  negate,
  subtract,
} from "./operators.ts";
import type { Scope } from "./scope.ts";
import { Maybe, memberOf, typeOf, type Value } from "./value.ts";

/** @throws Stop where there is no value. */
export function interpret(node: ASTNode, scope: Scope): Value {
  spend(scope.budget, 1);
  switch (node.op) {
    case "value":
      return literal(node.args);
    case "id":
      return named(node.args, scope);
    case "list":
      return node.args.map((one) => interpret(one, scope));
    case "map":
      return mapOf(node.args, scope);
    case ".":
      return itemAt(interpret(node.args[0], scope), node.args[1], true);
    case ".?":
      return optional(interpret(node.args[0], scope), node.args[1]);
    case "[]":
      return itemAt(
        interpret(node.args[0], scope),
        interpret(node.args[1], scope),
        node.args[1].op === "value",
      );
    case "[?]":
      return optional(interpret(node.args[0], scope), interpret(node.args[1], scope));
    case "call":
      return called(node.args[0], node.args[1], scope);
    case "rcall":
      return calledOn(node, scope);
    case "?:":
      return interpret(node.args[truth(interpret(node.args[0], scope), "?:") ? 1 : 2], scope);
    case "||":
      return either(node.args, scope, true);
    case "&&":
      return either(node.args, scope, false);
    case "!_":
      return !truth(interpret(node.args, scope), "!");
    case "-_":
      return negate(interpret(node.args, scope));
    default:
      return binary(node.op, interpret(node.args[0], scope), interpret(node.args[1], scope), scope);
  }
}

type BinaryOperator = "!=" | "==" | "in" | "+" | "-" | "*" | "/" | "%" | "<" | "<=" | ">" | ">=";

function binary(op: BinaryOperator, a: Value, b: Value, { budget }: Scope): Value {
  switch (op) {
    case "==":
      return isEqual(a, b, budget);
    case "!=":
      return !isEqual(a, b, budget);
    case "in":
      return isIn(a, b, budget);
    case "+":
      return add(a, b, budget);
    case "-":
      return subtract(a, b);
    case "*":
    case "/":
    case "%":
      return arithmetic(op, a, b);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return isOrdered(op, a, b, budget);
  }
}

function literal(value: unknown): Value {
  const simple = ["string", "number", "bigint", "boolean"].includes(typeof value) || value === null;
  return simple ? (value as Value) : stop("type", "uint and bytes are not supported");
}

function named(name: string, { facts, bound }: Scope): Value {
  for (let one = bound; one; one = one.outer) if (one.name === name) return one.value;
  return memberOf(facts, name) ?? stop("unknown_name", `there is no ${name} here`);
}

/** Own members whatever the key is called, `__proto__` too. */
function mapOf(entries: readonly (readonly [ASTNode, ASTNode])[], scope: Scope): Value {
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const name = interpret(key, scope);
      if (typeof name !== "string")
        return stop("type", `a map's keys are strings, not ${typeOf(name)}`);
      return [name, interpret(value, scope)];
    }),
  );
}

function optional(value: Value, key: Value): Maybe {
  const inner = value instanceof Maybe ? value.value : value;
  const found = inner === undefined || inner === null ? undefined : findItem(inner, key);
  return new Maybe(found);
}

function called(name: string, args: readonly ASTNode[], scope: Scope): Value {
  if (name === "has") return isThere(args[0], scope);
  const callable = findFunction(name, args.length, false);
  if (!callable) return stop("unknown_name", `there is no function ${name}()`);
  return callable(
    args.map((one) => interpret(one, scope)),
    scope.budget,
  );
}

function calledOn(node: Extract<ASTNode, { op: "rcall" }>, scope: Scope): Value {
  const [name, receiver, args] = node.args;
  if (isMacro(name, args.length)) return comprehend(node, scope, interpret);
  const callable = findFunction(name, args.length, true);
  if (!callable) return stop("unknown_name", `there is no method ${name}()`);
  const values = [receiver, ...args].map((one) => interpret(one, scope));
  return callable(values, scope.budget);
}

/** `has(a.b.c)`: false where any of the way is missing. */
function isThere(node: ASTNode | undefined, scope: Scope): boolean {
  return node !== undefined && lookUp(node, scope) !== undefined;
}

function lookUp(node: ASTNode, scope: Scope): Value | undefined {
  if (node.op !== "." && node.op !== "[]") return interpret(node, scope);
  spend(scope.budget, 1);
  const outer = lookUp(node.args[0], scope);
  if (outer === undefined || outer === null) return undefined;
  const key = node.op === "." ? node.args[1] : interpret(node.args[1], scope);
  return findItem(outer, key);
}

/** `||` and `&&`: one side that decides is enough, even where the other has no value. */
function either(sides: readonly [ASTNode, ASTNode], scope: Scope, decisive: boolean): boolean {
  const op = decisive ? "||" : "&&";
  let failed: Stop | undefined;
  for (const side of sides) {
    try {
      if (truth(interpret(side, scope), op) === decisive) return decisive;
    } catch (error) {
      if (!isAbsorbed(error)) throw error;
      failed ??= error;
    }
  }
  if (failed) throw failed;
  return !decisive;
}

/** A side without a value; what the whole evaluation may not spend is never passed over. */
function isAbsorbed(error: unknown): error is Stop {
  return error instanceof Stop && ["type", "unknown_name"].includes(error.failure.reason);
}

function truth(value: Value, op: string): boolean {
  return typeof value === "boolean"
    ? value
    : stop("type", `${op} takes a bool, not a ${typeOf(value)}`);
}
