/** The words of a jq expression. */
import { fail, ok, type Result } from "../../result.ts";

export type Token =
  | { readonly is: "number"; readonly text: string; readonly value: number }
  | {
      readonly is: "text";
      readonly text: string;
      readonly parts: readonly (string | readonly Token[])[];
    }
  /** `$name` without `$`. */
  | { readonly is: "variable"; readonly text: string }
  /** `.name` without the dot. */
  | { readonly is: "field"; readonly text: string }
  | { readonly is: "word"; readonly text: string }
  | { readonly is: "sign"; readonly text: string };

const BLANK = /(?:\s|#[^\n]*)+/y;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const VARIABLE = /\$([A-Za-z_][A-Za-z0-9_]*)/y;
const FIELD = /\.([A-Za-z_][A-Za-z0-9_]*)/y;
const WORD = /[A-Za-z_@][A-Za-z0-9_]*/y;
const SIGN = /\/\/|==|!=|<=|>=|\.\.|[-+*/%<>|,.()[\]{}:;?]/y;
const PLAIN = /[^"\\]+/y;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Deepest nesting of texts within texts. */
const NESTED_TEXTS_MAX = 4;

/** All words; the failure names what is none. */
export function tokensOf(text: string): Result<readonly Token[], string> {
  const found = read(text, 0, 0);
  if (!found.ok) return found;
  if (found.value.at < text.length)
    return fail(`${text.charAt(found.value.at)} is not expected here`);
  return ok(found.value.tokens);
}

interface Read {
  readonly tokens: readonly Token[];
  /** Where reading stopped: at the end, or at a `)` that closes nothing. */
  readonly at: number;
}

function read(text: string, from: number, nested: number): Result<Read, string> {
  const tokens: Token[] = [];
  let at = from;
  let open = 0;
  while (at < text.length) {
    at += match(BLANK, text, at)?.[0].length ?? 0;
    if (at >= text.length) break;
    const next = text.charAt(at) === '"' ? textAt(text, at, nested) : simpleAt(text, at);
    if (!next.ok) return next;
    if (next.value.token.text === "(") open += 1;
    if (next.value.token.text === ")") open -= 1;
    if (open < 0) return ok({ tokens, at });
    tokens.push(next.value.token);
    at = next.value.at;
  }
  return ok({ tokens, at });
}

interface One {
  readonly token: Token;
  readonly at: number;
}

function simpleAt(text: string, at: number): Result<One, string> {
  const variable = match(VARIABLE, text, at);
  if (variable) return one(at, variable, { is: "variable", text: variable[1] ?? "" });
  const field = match(FIELD, text, at);
  if (field) return one(at, field, { is: "field", text: field[1] ?? "" });
  const number = match(NUMBER, text, at);
  if (number) return one(at, number, { is: "number", text: number[0], value: Number(number[0]) });
  const word = match(WORD, text, at);
  if (word) return one(at, word, { is: "word", text: word[0] });
  const sign = match(SIGN, text, at);
  if (sign) return one(at, sign, { is: "sign", text: sign[0] });
  return fail(`${text.charAt(at)} is not expected here`);
}

function one(at: number, found: RegExpExecArray, token: Token): Result<One, string> {
  return ok({ token, at: at + found[0].length });
}

/** A text from its first quote to its last. */
function textAt(text: string, from: number, nested: number): Result<One, string> {
  const parts: (string | readonly Token[])[] = [];
  let at = from + 1;
  while (at < text.length) {
    const plain = match(PLAIN, text, at);
    if (plain) {
      parts.push(plain[0]);
      at += plain[0].length;
    } else if (text.charAt(at) === '"') {
      return ok({ token: { is: "text", text: '"', parts }, at: at + 1 });
    } else {
      const escaped = escapeAt(text, at, nested);
      if (!escaped.ok) return escaped;
      parts.push(escaped.value.part);
      at = escaped.value.at;
    }
  }
  return fail("a text has no end");
}

function escapeAt(
  text: string,
  at: number,
  nested: number,
): Result<{ readonly part: string | readonly Token[]; readonly at: number }, string> {
  const letter = text.charAt(at + 1);
  if (letter === "(") return interpolation(text, at + 2, nested);
  if (letter === "u" && /^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6)))
    return ok({
      part: String.fromCharCode(Number.parseInt(text.slice(at + 2, at + 6), 16)),
      at: at + 6,
    });
  const meant = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  return meant === undefined ? fail(`\\${letter} is no escape`) : ok({ part: meant, at: at + 2 });
}

function interpolation(
  text: string,
  at: number,
  nested: number,
): Result<{ readonly part: readonly Token[]; readonly at: number }, string> {
  if (nested >= NESTED_TEXTS_MAX) return fail("texts are nested too deeply");
  const inner = read(text, at, nested + 1);
  if (!inner.ok) return inner;
  if (text.charAt(inner.value.at) !== ")") return fail("\\( has no end");
  return ok({ part: inner.value.tokens, at: inner.value.at + 1 });
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
