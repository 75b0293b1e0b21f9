/**
 * Reads an expression and finds what is wrong with it before anything runs: syntax, size, names, functions, and types as
 * far as they are written out. Trees are kept by their text, the oldest goes.
 */
import {
  type ASTNode,
  TypeError as CelTypeError,
  Environment,
  ParseError,
} from "@marcbachmann/cel-js";
import { EXPRESSION_CHARS_MAX } from "../../../schema/workflow-value.ts";
import { fail, ok, type Result } from "../../result.ts";
import type { ExpressionFailure } from "./failure.ts";
import { FUNCTION_NAMES, findFunction } from "./functions.ts";
import { AST_DEPTH_MAX, AST_NODES_MAX, LITERAL_ENTRIES_MAX, PARSED_MAX } from "./limits.ts";
import { isMacro } from "./macros.ts";
import { ROOTS } from "./names.ts";

const NUMBERS = [
  ["int", "double"],
  ["double", "int"],
] as const;

function newEnvironment(): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: {
      maxAstNodes: AST_NODES_MAX,
      maxDepth: AST_DEPTH_MAX,
      maxListElements: LITERAL_ENTRIES_MAX,
      maxMapEntries: LITERAL_ENTRIES_MAX,
      maxCallArguments: 8,
    },
  });
  for (const root of ROOTS)
    environment.registerVariable(root, root === "now" ? "google.protobuf.Timestamp" : "dyn");
  for (const [left, right] of NUMBERS) {
    for (const op of ["+", "-", "*", "/"])
      environment.registerOperator(`${left} ${op} ${right}: double`, neverCalled);
  }
  environment.registerOperator("int == double", neverCalled);
  environment.registerOperator("double % int: double", neverCalled);
  environment.registerOperator("double % double: double", neverCalled);
  environment.registerFunction("string.replace(string, string): string", neverCalled);
  return environment;
}

/** The library only checks types here; `interpret.ts` evaluates. */
function neverCalled(): never {
  throw new Error("the library evaluates nothing");
}

let environment: Environment | undefined;

const parsed = new Map<string, Result<ASTNode, ExpressionFailure>>();

/** The tree of an expression whose names and types were checked; `{{ }}` around the whole of it is taken off. */
export function parseExpression(text: string): Result<ASTNode, ExpressionFailure> {
  if (text.length > EXPRESSION_CHARS_MAX)
    return fail({
      reason: "too_large",
      message: `is longer than ${EXPRESSION_CHARS_MAX} characters`,
    });
  const known = parsed.get(text);
  if (known) return known;
  const result = readExpression(unwrapped(text));
  if (parsed.size >= PARSED_MAX) parsed.delete(parsed.keys().next().value ?? "");
  parsed.set(text, result);
  return result;
}

/** Blanks instead of the braces, so that positions stay. */
function unwrapped(text: string): string {
  const inner = text.trim();
  const wrapped = inner.startsWith("{{") && inner.endsWith("}}") && inner.length >= 4;
  return wrapped ? " ".repeat(text.indexOf("{{") + 2) + inner.slice(2, -2) : text;
}

function readExpression(text: string): Result<ASTNode, ExpressionFailure> {
  environment ??= newEnvironment();
  try {
    const result = environment.parse(text);
    const unknown = unknownFunction(result.ast);
    if (unknown) return fail(unknown);
    const { valid, error } = result.check();
    return valid ? ok(result.ast) : fail(failureOf(error, text));
  } catch (error) {
    return fail(failureOf(error, text));
  }
}

function failureOf(error: unknown, text: string): ExpressionFailure {
  const known = error instanceof ParseError || error instanceof CelTypeError;
  if (!known) return { reason: "syntax", message: "cannot be read" };
  const position = error.range?.start;
  return {
    reason: reasonOf(error),
    message: messageOf(error, text),
    ...(position === undefined ? {} : { position }),
  };
}

function reasonOf(error: ParseError | CelTypeError): ExpressionFailure["reason"] {
  if (error.code === "limit_exceeded") return "too_large";
  if (error.code === "unknown_variable") return "unknown_name";
  return error instanceof ParseError || error.code === "invalid_macro_argument" ? "syntax" : "type";
}

function messageOf({ code, summary }: ParseError | CelTypeError, text: string): string {
  const hint = code === "unknown_variable" ? nameHint(summary, text) : syntaxHint(text);
  return `${summary.slice(0, 300)}${hint === undefined ? "" : `; ${hint}`}`;
}

/** What most places see; the others have `item`, `error` and so on besides. */
const COMMON_ROOTS = "input, steps, vars, run, now";

/** `steps.a-b` reads as a difference. */
function nameHint(summary: string, text: string): string {
  if (text.includes("-")) return 'an id with "-" is written steps["a-b"]';
  return /: (?:and|or|not)$/.test(summary) ? JOINED : `there is ${COMMON_ROOTS}`;
}

const JOINED = "conditions are joined with &&, || and !";

/** What other languages write otherwise. */
function syntaxHint(text: string): string | undefined {
  if (/[!=]==/.test(text)) return "== and != compare";
  if (text.includes("${")) return "the expression stands without $ and braces";
  if (/[^=!<>]=[^=]/.test(text)) return "== compares";
  return /\s(?:and|or|not)\s/i.test(` ${text} `) ? JOINED : undefined;
}

/** What the library knows and this evaluator does not. */
function unknownFunction(node: ASTNode): ExpressionFailure | undefined {
  for (const one of nodesOf(node)) {
    if (one.op === "value" && typeof one.args === "object" && one.args !== null)
      return { reason: "type", message: "uint and bytes are not supported", position: one.pos };
    if (one.op !== "call" && one.op !== "rcall") continue;
    if (!isKnownCall(one)) {
      const known = FUNCTION_NAMES.includes(one.args[0]);
      const message = `${known ? "wrong arguments for" : "there is no function"} ${one.args[0]}()`;
      return { reason: known ? "type" : "unknown_name", message, position: one.pos };
    }
  }
  return undefined;
}

function isKnownCall(node: Extract<ASTNode, { op: "call" | "rcall" }>): boolean {
  if (node.op === "call") {
    const [name, args] = node.args;
    return name === "has"
      ? args.length === 1
      : findFunction(name, args.length, false) !== undefined;
  }
  const [name, receiver, args] = node.args;
  if (name === "bind") return receiver.op === "id" && receiver.args === "cel";
  return isMacro(name, args.length) || findFunction(name, args.length, true) !== undefined;
}

/** Every node of a tree, the outer ones first. */
export function nodesOf(root: ASTNode): readonly ASTNode[] {
  const found: ASTNode[] = [];
  const open: ASTNode[] = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    found.push(node);
    open.push(...childrenOf(node));
  }
  return found;
}

/** The nodes right below a node. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case "list":
      return node.args;
    case "map":
      return node.args.flat();
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}
