/** jq of imported documents: what it becomes in CEL has the same value, and what has no translation is refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cel, celOf, type Names } from "../../../../../domain/workflows/cncf/jq-cel.ts";
import { evaluateExpression } from "../../../../../domain/workflows/expression/evaluate.ts";

const DATA = {
  a: { b: 1, "c-d": "x", in: true, list: [10, 20] },
  n: 7,
  s: "Doe",
  t: true,
  f: false,
  z: null,
  tags: ["red"],
};

const NAMES: Names = {
  dot: cel("vars.data"),
  variable: (name) => (name === "item" ? { cel: cel("vars.item"), used: 0 } : undefined),
};

describe("values", () => {
  test.each<[string, unknown]>([
    [".", DATA],
    [".a.b", 1],
    [".a.missing.deeper", null],
    [".z.deeper", null],
    ['.a["c-d"]', "x"],
    ['."s"', "Doe"],
    [".a.in", true],
    [".a.list[1]", 20],
    [".a.list[9]", null],
    ["$item.id", 5],
    ["1 + 2 * 3 - 4", 3],
    ["(1 + 2) * 3", 9],
    ["7 / 2", 3.5],
    [".n % 4", 3],
    ["-.n + 1", -6],
    [".missing + 1", 1],
    [".missing + .n", 7],
    ["null + .s", "Doe"],
    ['.tags + ["green"]', ["red", "green"]],
    ['.missing + ["green"]', ["green"]],
    ['"Hello \\(.s)\\n\\(.n + 1)!"', "Hello Doe\n8!"],
    ['"a \\("b \\(.s)") c"', "a b Doe c"],
    ['"{{ not ours }}"', "{{ not ours }}"],
    ['{a: .n, s, "k v": {}}', { a: 7, s: "Doe", "k v": {} }],
    ["{$item}", { item: { id: 5 } }],
    ["[.n, [.s]]", [7, ["Doe"]]],
    [".n == 7 and .t", true],
    [".z or .f", false],
    [".s or .f", true],
    [".z | not", true],
    [".n | not", false],
    [".tags | length", 1],
    [".missing | length", 0],
    ["(.tags | length) == 1", true],
    ['.missing // .f // "other"', "other"],
    ['.s | startswith("D")', true],
    ['.s | ascii_downcase | endswith("oe")', true],
    ['if .n > 5 then "big" elif .t then 1 else 2 end', "big"],
    ["if .z then 1 end | .n", 7],
    [".a | .b + 1 # a remark", 2],
    ["1e3", 1000],
    [".end", null],
  ])("%s", (jq, value) => {
    expect(evaluated(jq)).toEqual(value);
  });
});

describe("refused", () => {
  test.each([
    [".[]", "no iteration"],
    [".a[0:2]", "no iteration, slice"],
    [".a[.n]", "computed index"],
    [".a[-1]", "whole number from 0"],
    [".a?", "silent errors"],
    ["..", "recursive descent"],
    ["map(.x)", "map is not supported"],
    ["select(.x)", "select is not supported"],
    [".a | keys", "keys is not supported"],
    ["@base64", "@base64 is not supported"],
    ["def f: 1; f", "def is not supported"],
    ["reduce .[] as $x (0; . + $x)", "reduce is not supported"],
    ["1, 2", "several results"],
    [". + {a: 1}", "a merge"],
    ['.n - "x"', "between numbers only"],
    ["$other.x", "$other.x is not known here"],
    ["[1].a", ".a of a list"],
    ['"open', "no end"],
    ['"\\q"', "no escape"],
    ['"\\(1"', "no end"],
    ["(1", "the end instead of )"],
    ["1 1", "1 is not expected here"],
    ["{1: 2}", "keys are names or texts"],
    ["startswith", "takes 1 arguments"],
    ["", "ends too early"],
    ["é", "é is not expected here"],
    ["(".repeat(50), "nested too deeply"],
    ["[".repeat(50), "nested too deeply"],
    ["1e999", "too large"],
  ])("%s: %s", (jq, detail) => {
    expect(celOf(jq, NAMES)).toEqual({ ok: false, failure: expect.stringContaining(detail) });
  });
});

test("any text: a translation that CEL can read, or a reason; never a throw", () => {
  const word = fc.constantFrom(
    ".",
    ".a",
    ".tags",
    "$item",
    "1",
    '"x"',
    '"\\(.n)"',
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "+",
    "-",
    "*",
    "/",
    "%",
    "|",
    "//",
    "==",
    "<",
    "and",
    "or",
    "not",
    "length",
    "if",
    "then",
    "else",
    "end",
    ",",
    ":",
    "true",
    "null",
    "#",
    "?",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
  );
  fc.assert(
    fc.property(text, (jq) => {
      const found = celOf(jq, NAMES);
      if (!found.ok) {
        expect(found.failure).not.toBe("");
        return;
      }
      const value = evaluateExpression(found.value.text, { vars: { data: DATA, item: {} } });
      if (!value.ok) expect([jq, value.failure.reason]).not.toEqual([jq, "syntax"]);
    }),
    { numRuns: 2000 },
  );
});

function evaluated(jq: string): unknown {
  const found = celOf(jq, NAMES);
  if (!found.ok) throw new Error(found.failure);
  const value = evaluateExpression(found.value.text, { vars: { data: DATA, item: { id: 5 } } });
  if (!value.ok) throw new Error(`${found.value.text}: ${value.failure.message}`);
  return value.value;
}
