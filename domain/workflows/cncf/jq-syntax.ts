/**
 * The part of jq that has the same meaning in CEL: paths, literals, texts with `\(…)`, lists, objects, arithmetic,
 * comparison, `and`, `or`, `//`, `if`, and pipes into a few functions. Everything else is refused by name.
 */
import { fail, ok, type Result } from "../../result.ts";
import { type Token, tokensOf } from "./jq-tokens.ts";

export type Jq =
  | { readonly is: "dot" }
  | { readonly is: "variable"; readonly name: string }
  | { readonly is: "literal"; readonly value: string | number | boolean | null }
  | { readonly is: "member"; readonly of: Jq; readonly key: string }
  | { readonly is: "item"; readonly of: Jq; readonly at: number }
  | { readonly is: "text"; readonly parts: readonly (string | Jq)[] }
  | { readonly is: "list"; readonly items: readonly Jq[] }
  | { readonly is: "map"; readonly entries: readonly (readonly [string, Jq])[] }
  | { readonly is: "binary"; readonly op: BinaryOp; readonly left: Jq; readonly right: Jq }
  | { readonly is: "negate"; readonly of: Jq }
  | { readonly is: "pipe"; readonly left: Jq; readonly right: Jq }
  | { readonly is: "call"; readonly name: JqFunction; readonly args: readonly Jq[] }
  | { readonly is: "if"; readonly when: Jq; readonly yes: Jq; readonly no: Jq };

export type BinaryOp = (typeof LEVELS)[number][number];

/** Functions and how many arguments they take. */
const FUNCTIONS = {
  length: 0,
  not: 0,
  tostring: 0,
  ascii_downcase: 0,
  ascii_upcase: 0,
  startswith: 1,
  endswith: 1,
} as const;
export type JqFunction = keyof typeof FUNCTIONS;

/** Operators from the loosest to the tightest; within a level from left to right (`//` too: it gives the same). */
const LEVELS = [
  ["//"],
  ["or"],
  ["and"],
  ["==", "!=", "<", "<=", ">", ">="],
  ["+", "-"],
  ["*", "/", "%"],
] as const;

/** Deepest nesting of one expression. */
const DEPTH_MAX = 32;

/** Parses; the failure says what stands in the way. */
export function parseJq(text: string): Result<Jq, string> {
  const tokens = tokensOf(text);
  if (!tokens.ok) return tokens;
  try {
    const parser = new Parser(tokens.value);
    return ok(parser.all());
  } catch (error) {
    if (error instanceof Refusal) return fail(error.message);
    throw error;
  }
}

class Refusal extends Error {}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  all(): Jq {
    const whole = this.#pipe();
    const rest = this.#tokens[this.#at];
    if (rest) refuse(`${shown(rest)} is not expected here`);
    return whole;
  }

  #pipe(): Jq {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) refuse("nested too deeply");
    let left = this.#binary(0);
    while (this.#take("|")) left = { is: "pipe", left, right: this.#binary(0) };
    if (this.#peek(",")) refuse("several results (a comma) are not supported");
    this.#depth -= 1;
    return left;
  }

  #binary(level: number): Jq {
    const ops: readonly string[] | undefined = LEVELS[level];
    if (ops === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (let op = this.#operator(ops); op !== undefined; op = this.#operator(ops))
      left = { is: "binary", op, left, right: this.#binary(level + 1) };
    return left;
  }

  #operator(ops: readonly string[]): BinaryOp | undefined {
    const op = ops.find((one) => this.#peek(one));
    if (op === undefined) return undefined;
    this.#at += 1;
    return op as BinaryOp;
  }

  #unary(): Jq {
    if (this.#take("-")) return { is: "negate", of: this.#postfix() };
    return this.#postfix();
  }

  #postfix(): Jq {
    let of = this.#primary();
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.is === "field") {
        this.#at += 1;
        of = { is: "member", of, key: token.text };
      } else if (this.#take("[")) of = this.#bracket(of);
      else if (this.#peek("?")) refuse("? (silent errors) is not supported");
      else return of;
    }
  }

  #bracket(of: Jq): Jq {
    const token = this.#tokens[this.#at];
    if (
      token?.is === "number" &&
      Number.isInteger(token.value) &&
      this.#tokens[this.#at + 1]?.text === "]"
    ) {
      this.#at += 2;
      return { is: "item", of, at: token.value };
    }
    if (token?.is === "text" && token.parts.every((part) => typeof part === "string")) {
      this.#at += 1;
      this.#expect("]");
      return { is: "member", of, key: token.parts.join("") };
    }
    return refuse(
      "[…] takes a whole number from 0 on or a text: no iteration, slice or computed index",
    );
  }

  #primary(): Jq {
    const token = this.#tokens[this.#at];
    if (!token) return refuse("the expression ends too early");
    this.#at += 1;
    switch (token.is) {
      case "number":
        return { is: "literal", value: token.value };
      case "text":
        return { is: "text", parts: token.parts.map((part) => this.#part(part)) };
      case "variable":
        return { is: "variable", name: token.text };
      case "field":
        return { is: "member", of: { is: "dot" }, key: token.text };
      case "word":
        return this.#word(token.text);
      case "sign":
        return this.#sign(token.text);
    }
  }

  #part(part: string | readonly Token[]): string | Jq {
    return typeof part === "string" ? part : new Parser(part).all();
  }

  #sign(sign: string): Jq {
    if (sign === ".") return this.#dot();
    if (sign === "(") {
      const inner = this.#pipe();
      this.#expect(")");
      return inner;
    }
    if (sign === "[") return { is: "list", items: this.#list() };
    if (sign === "{") return { is: "map", entries: this.#entries() };
    return refuse(
      sign === ".." ? "recursive descent (..) is not supported" : `${sign} is not expected here`,
    );
  }

  /** `.`, or `."text"`. */
  #dot(): Jq {
    const token = this.#tokens[this.#at];
    if (token?.is !== "text" || !token.parts.every((part) => typeof part === "string"))
      return { is: "dot" };
    this.#at += 1;
    return { is: "member", of: { is: "dot" }, key: token.parts.join("") };
  }

  #list(): readonly Jq[] {
    const items: Jq[] = [];
    while (!this.#take("]")) {
      if (items.length > 0) this.#expect(",");
      items.push(this.#element());
    }
    return items;
  }

  #element(): Jq {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) refuse("nested too deeply");
    let left = this.#binary(0);
    while (this.#take("|")) left = { is: "pipe", left, right: this.#binary(0) };
    this.#depth -= 1;
    return left;
  }

  #entries(): readonly (readonly [string, Jq])[] {
    const entries: [string, Jq][] = [];
    while (!this.#take("}")) {
      if (entries.length > 0) this.#expect(",");
      const key = this.#key();
      if (this.#take(":")) entries.push([key.name, this.#element()]);
      else entries.push([key.name, key.short]);
    }
    return entries;
  }

  /** `name`, `"name"` or `$name`; without a value it stands for `.name` or `$name`. */
  #key(): { readonly name: string; readonly short: Jq } {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    if (token?.is === "variable")
      return { name: token.text, short: { is: "variable", name: token.text } };
    const plain = token?.is === "text" && token.parts.every((part) => typeof part === "string");
    const name = plain ? token.parts.join("") : token?.is === "word" ? token.text : undefined;
    if (name === undefined) return refuse("an object's keys are names or texts");
    return { name, short: { is: "member", of: { is: "dot" }, key: name } };
  }

  #word(word: string): Jq {
    if (word === "true" || word === "false") return { is: "literal", value: word === "true" };
    if (word === "null") return { is: "literal", value: null };
    if (word === "if") return this.#if();
    if (!Object.hasOwn(FUNCTIONS, word)) return refuse(`${word} is not supported`);
    const name = word as JqFunction;
    const args: Jq[] = [];
    if (this.#take("(")) {
      args.push(this.#pipe());
      this.#expect(")");
    }
    if (args.length !== FUNCTIONS[name])
      return refuse(`${word} takes ${FUNCTIONS[name]} arguments`);
    return { is: "call", name, args };
  }

  #if(): Jq {
    const when = this.#pipe();
    this.#expect("then");
    const yes = this.#pipe();
    if (this.#take("end")) return { is: "if", when, yes, no: { is: "dot" } };
    if (this.#take("elif")) return { is: "if", when, yes, no: this.#if() };
    this.#expect("else");
    const no = this.#pipe();
    this.#expect("end");
    return { is: "if", when, yes, no };
  }

  #peek(text: string): boolean {
    const token = this.#tokens[this.#at];
    return (token?.is === "sign" || token?.is === "word") && token.text === text;
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    const token = this.#tokens[this.#at];
    if (!this.#take(text)) refuse(`${token ? shown(token) : "the end"} instead of ${text}`);
  }
}

function refuse(message: string): never {
  throw new Refusal(message);
}

function shown(token: Token): string {
  return token.is === "text" ? "a text" : token.text;
}
