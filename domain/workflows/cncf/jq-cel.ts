/**
 * jq to CEL. jq reads null where nothing is, CEL fails: paths become optional ones that end in null. jq adds null to
 * anything: additions ask for it. Numbers are doubles in both. Where types do not fit, both fail, at the same place.
 */
import { fail, ok, type Result } from "../../result.ts";
import { type BinaryOp, type Jq, type JqFunction, parseJq } from "./jq-syntax.ts";

/** CEL text, and what is known of its value. */
export interface Cel {
  readonly text: string;
  readonly kind: "bool" | "number" | "text" | "list" | "map" | "null" | "unknown";
}

/** What the names of an expression stand for. */
export interface Names {
  readonly dot: Cel;
  /** `$name`, with the path behind it: its CEL and how many members of the path that has used up; else refused. */
  variable(
    name: string,
    path: readonly string[],
  ): { readonly cel: Cel; readonly used: number } | undefined;
}

/** A CEL expression of unknown kind. */
export function cel(text: string): Cel {
  return { text, kind: "unknown" };
}

/** A text as CEL writes it. */
export function celText(text: string): Cel {
  return { text: JSON.stringify(text), kind: "text" };
}

/** Translates one expression (without `${ }`). The failure says what has no translation. */
export function celOf(jq: string, names: Names): Result<Cel, string> {
  const tree = parseJq(jq);
  if (!tree.ok) return tree;
  try {
    return ok(translated(tree.value, names));
  } catch (error) {
    if (error instanceof Refusal) return fail(error.message);
    throw error;
  }
}

/** The same as a condition: jq takes everything but null and false for true. */
export function truthOf(value: Cel): Cel {
  if (value.kind === "bool") return value;
  const text = `(${value.text} != null && ${value.text} != false)`;
  return { text, kind: "bool" };
}

class Refusal extends Error {}

function translated(jq: Jq, names: Names): Cel {
  switch (jq.is) {
    case "dot":
      return names.dot;
    case "variable":
    case "member":
    case "item":
      return path(jq, names);
    case "literal":
      return literal(jq.value);
    case "text":
      return text(jq.parts, names);
    case "list":
      return {
        text: `[${jq.items.map((one) => translated(one, names).text).join(", ")}]`,
        kind: "list",
      };
    case "map":
      return map(jq.entries, names);
    case "binary":
      return binary(jq.op, translated(jq.left, names), translated(jq.right, names));
    case "negate":
      return { text: `-(${translated(jq.of, names).text})`, kind: "number" };
    case "pipe":
      return translated(jq.right, { ...names, dot: translated(jq.left, names) });
    case "call":
      return call(jq.name, jq.args, names);
    case "if":
      return choice(jq, names);
  }
}

/** `.a.b[0]`: the way is optional from the first member on, and ends in null. */
function path(jq: Jq, names: Names): Cel {
  const way: (string | number)[] = [];
  let root = jq;
  while (root.is === "member" || root.is === "item") {
    way.unshift(root.is === "member" ? root.key : root.at);
    root = root.of;
  }
  if (root.is !== "variable") return optional(translated(root, names), way);
  const firstItem = way.findIndex((key) => typeof key === "number");
  const members = (firstItem < 0 ? way : way.slice(0, firstItem)).map(String);
  const found = names.variable(root.name, members);
  if (!found) throw new Refusal(`$${[root.name, ...members].join(".")} is not known here`);
  return optional(found.cel, way.slice(found.used));
}

function optional(of: Cel, way: readonly (string | number)[]): Cel {
  if (way.length === 0) return of;
  const keyed = typeof way[0] === "string" ? "map" : "list";
  if (of.kind !== "unknown" && of.kind !== "null" && of.kind !== keyed)
    throw new Refusal(`.${way[0]} of a ${of.kind}`);
  const steps = way.map((key) => (typeof key === "number" ? `[?${key}]` : member(key)));
  const root = /^[A-Za-z0-9_.]+$/.test(of.text) ? of.text : `(${of.text})`;
  return cel(`${root}${steps.join("")}.orValue(null)`);
}

/** Words of CEL that cannot stand behind a dot. */
const RESERVED = new Set(["in", "true", "false", "null"]);

function member(key: string): string {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && !RESERVED.has(key);
  return plain ? `.?${key}` : `[?${celText(key).text}]`;
}

function literal(value: string | number | boolean | null): Cel {
  if (value === null) return { text: "null", kind: "null" };
  if (typeof value === "string") return celText(value);
  if (typeof value === "boolean") return { text: String(value), kind: "bool" };
  if (!Number.isFinite(value)) throw new Refusal("a number is too large");
  const digits = String(value);
  return { text: /^\d+$/.test(digits) ? `${digits}.0` : digits, kind: "number" };
}

function text(parts: readonly (string | Jq)[], names: Names): Cel {
  const pieces = parts.map((part) => {
    if (typeof part === "string") return celText(part).text;
    const value = translated(part, names);
    return value.kind === "text" ? value.text : `string(${value.text})`;
  });
  if (pieces.length === 0) return celText("");
  return {
    text: pieces.length === 1 ? (pieces[0] ?? "") : `(${pieces.join(" + ")})`,
    kind: "text",
  };
}

function map(entries: readonly (readonly [string, Jq])[], names: Names): Cel {
  const members = entries.map(
    ([key, value]) => `${celText(key).text}: ${translated(value, names).text}`,
  );
  return { text: `{${members.join(", ")}}`, kind: "map" };
}

function binary(op: BinaryOp, left: Cel, right: Cel): Cel {
  switch (op) {
    case "+":
      return plus(left, right);
    case "-":
    case "*":
    case "/":
    case "%":
      if ([left, right].some(({ kind }) => !["number", "unknown"].includes(kind)))
        throw new Refusal(`${op} is supported between numbers only`);
      return { text: `(${left.text} ${op} ${right.text})`, kind: "number" };
    case "and":
      return { text: `(${truthOf(left).text} && ${truthOf(right).text})`, kind: "bool" };
    case "or":
      return { text: `(${truthOf(left).text} || ${truthOf(right).text})`, kind: "bool" };
    case "//":
      return ternary(truthOf(left), left, right);
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return { text: `(${left.text} ${op} ${right.text})`, kind: "bool" };
  }
}

function plus(left: Cel, right: Cel): Cel {
  if (left.kind === "map" || right.kind === "map")
    throw new Refusal("+ of objects (a merge) is not supported");
  if (left.kind === "null") return right;
  if (right.kind === "null") return left;
  const sum = `${left.text} + ${right.text}`;
  if (left.kind !== "unknown" && right.kind !== "unknown")
    return { text: `(${sum})`, kind: left.kind };
  const orLeft = right.kind === "unknown" ? `${right.text} == null ? ${left.text} : ${sum}` : sum;
  if (left.kind !== "unknown") return { text: `(${orLeft})`, kind: left.kind };
  return { text: `(${left.text} == null ? ${right.text} : ${orLeft})`, kind: right.kind };
}

function call(name: JqFunction, args: readonly Jq[], names: Names): Cel {
  const { dot } = names;
  const [first] = args.map((one) => translated(one, names).text);
  switch (name) {
    case "not":
      return { text: `!${truthOf(dot).text}`, kind: "bool" };
    case "length":
      return { text: `(${dot.text} == null ? 0 : size(${dot.text}))`, kind: "number" };
    case "tostring":
      return { text: `string(${dot.text})`, kind: "text" };
    case "ascii_downcase":
      return { text: `(${dot.text}).lowerAscii()`, kind: "text" };
    case "ascii_upcase":
      return { text: `(${dot.text}).upperAscii()`, kind: "text" };
    case "startswith":
      return { text: `(${dot.text}).startsWith(${first})`, kind: "bool" };
    case "endswith":
      return { text: `(${dot.text}).endsWith(${first})`, kind: "bool" };
  }
}

function choice(jq: Extract<Jq, { is: "if" }>, names: Names): Cel {
  const when = truthOf(translated(jq.when, names));
  return ternary(when, translated(jq.yes, names), translated(jq.no, names));
}

/** CEL wants both ways to have one type, where it knows them. */
function ternary(when: Cel, yes: Cel, no: Cel): Cel {
  if (yes.kind === no.kind)
    return { text: `(${when.text} ? ${yes.text} : ${no.text})`, kind: yes.kind };
  return cel(`(${when.text} ? dyn(${yes.text}) : dyn(${no.text}))`);
}
