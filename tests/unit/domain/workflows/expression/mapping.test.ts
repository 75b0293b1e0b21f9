/** Mappings: JSON with references, secrets and expressions in it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkExpression, checkMapping } from "../../../../../domain/workflows/expression/check.ts";
import { evaluateMapping } from "../../../../../domain/workflows/expression/mapping.ts";
import type { Root } from "../../../../../domain/workflows/expression/names.ts";
import { putSecrets } from "../../../../../domain/workflows/expression/secrets.ts";
import type { Mapping } from "../../../../../schema/workflow-value.ts";

const FACTS = {
  input: { name: "Ana", n: 2, list: [{ id: "x" }, { id: "y" }], dotted: { "a b": 1 } },
  steps: { "create-agent": { output: { items: [{ id: "i0" }] } } },
};

const VALUES: readonly (readonly [string, Mapping, unknown])[] = [
  ["plain JSON", { a: [1, "b", null, true] }, { a: [1, "b", null, true] }],
  ["a reference", { $ref: "input.name" }, "Ana"],
  [
    "a reference through an id with a dash",
    { $ref: "steps.create-agent.output.items[0].id" },
    "i0",
  ],
  ["an item by dot", { $ref: "input.list.1.id" }, "y"],
  ["a quoted name", { $ref: 'input.dotted["a b"]' }, 1],
  ["nothing there", { $ref: "input.missing.deep" }, null],
  ["an item that is not there", { $ref: "input.list[7]" }, null],
  ["a prototype", { $ref: "input.constructor.name" }, null],
  ["one expression keeps its type", "{{ input.n * 2 }}", 4],
  ["one expression of a list", "{{ input.list.map(x, x.id) }}", ["x", "y"]],
  ["a text with expressions", "Hi {{ input.name }}, {{ input.n + 1 }}!", "Hi Ana, 3!"],
  ["null within a text is nothing", "[{{ null }}]", "[]"],
  ["a list within a text is JSON", "ids: {{ [1, 2] }}", "ids: [1,2]"],
  ["braces in an expression", "{{ {'a': {'b': 1}} }}", { a: { b: 1 } }],
  ["closing braces in a text", "{{ '}}' }}", "}}"],
  ["an opening pair as text", "a {{ '{{' }} b", "a {{ b"],
  ["nested", { a: { b: [{ $ref: "input.n" }, "{{ input.n }}x"] } }, { a: { b: [2, "2x"] } }],
  ["untouched", { $literal: { $ref: "input.n", t: "{{ x }}" } }, { $ref: "input.n", t: "{{ x }}" }],
  ["a secret stays a reference", { t: { $secret: "tok" } }, { t: { $secret: "tok" } }],
];

const ROOTS: ReadonlySet<Root> = new Set(["input", "steps"]);

describe("a mapping has a value", () => {
  test.each(VALUES)("%s", (_, mapping, value) => {
    expect(evaluateMapping(mapping, FACTS)).toEqual({ ok: true, value });
    expect(checkMapping(mapping, ROOTS).every(({ result }) => result.ok)).toBe(true);
  });

  test("what looks like an instruction in data is data", () => {
    const facts = { input: { evil: { $ref: "steps", $secret: "tok" }, text: "{{ steps }}" } };
    expect(
      evaluateMapping([{ $ref: "input.evil" }, "{{ input.text }}", "a{{ input.text }}"], facts),
    ).toEqual({
      ok: true,
      value: [{ $ref: "steps", $secret: "tok" }, "{{ steps }}", "a{{ steps }}"],
    });
  });
});

const FAULTS: readonly (readonly [string, Mapping, string, readonly (string | number)[]])[] = [
  ["company of a reference", { a: { $ref: "input.n", b: 1 } }, "type", ["a"]],
  ["a reference that is no text", { $ref: 1 }, "type", []],
  ["a path that is none", { $ref: "input..n" }, "syntax", []],
  ["an empty path", { $ref: "" }, "syntax", []],
  ["an open expression", ["a {{ input.n"], "syntax", [0]],
  ["an unreadable expression", { a: [{ b: "x {{ input. }}" }] }, "syntax", ["a", 0, "b"]],
  ["an unknown root", { a: "{{ inptu }}" }, "unknown_name", ["a"]],
];

describe("a mapping that cannot be", () => {
  test.each(FAULTS)("%s", (_, mapping, reason, path) => {
    expect(evaluateMapping(mapping, FACTS)).toMatchObject({ failure: { reason, path } });
    const found = checkMapping(mapping, ROOTS).filter(({ result }) => !result.ok);
    expect(found).toMatchObject([{ path, result: { failure: { reason } } }]);
  });

  test("an unknown root of a path is found before a run", () => {
    expect(checkMapping({ $ref: "inptu.n" }, ROOTS)).toMatchObject([
      { result: { failure: { reason: "unknown_name" } } },
    ]);
  });

  test("all expressions share one budget", () => {
    const many = Array.from({ length: 400 }, () => "{{ input.all(x, x == x) }}");
    const facts = { input: Array.from({ length: 400 }, () => 1) };
    expect(evaluateMapping(many, facts)).toMatchObject({ failure: { reason: "too_slow" } });
  });

  test("the place within a longer text is told", () => {
    const [found] = checkMapping("abc {{ input.n + nope }}", ROOTS);
    expect(found).toMatchObject({ result: { failure: { position: 17 } } });
  });
});

describe("what is named", () => {
  test("steps, with and without brackets, not those that a macro hides", () => {
    const named = checkExpression(
      "steps.a.output + steps['b-c'].output + input.map(steps, steps.d)[0] + steps.?e.orValue(1)",
      ROOTS,
    );
    expect(named).toMatchObject({ ok: true });
    expect(named.ok && [...named.value.steps].sort()).toEqual(["a", "b-c", "e"]);
  });

  test("a macro's variable is no root outside of it", () => {
    expect(checkExpression("input.map(x, x).size() > x", ROOTS)).toMatchObject({
      failure: { reason: "unknown_name" },
    });
  });

  test("a pattern that cannot be used is found before a run", () => {
    expect(checkExpression("input.matches('(?=a)')", ROOTS)).toMatchObject({
      failure: { reason: "syntax" },
    });
  });

  test("the library's own constants are no roots", () => {
    for (const text of ["google", "optional", "cel"])
      expect(checkExpression(text, ROOTS).ok).toBe(false);
  });
});

describe("secrets", () => {
  const secretOf = (name: string) => (name === "tok" ? "s3cret" : undefined);

  test("go where the definition has them, prefix first", () => {
    const mapping = {
      url: "{{ input.name }}",
      auth: { $secret: "tok", prefix: "Bearer " },
      list: [{ $secret: "tok" }],
    };
    const value = evaluateMapping(mapping, FACTS);
    expect(value.ok && putSecrets(mapping, value.value, secretOf)).toEqual({
      ok: true,
      value: { url: "Ana", auth: "Bearer s3cret", list: ["s3cret"] },
    });
  });

  test("never where data asks for them", () => {
    const mapping = {
      body: { $ref: "input" },
      all: "{{ input }}",
      lit: { $literal: { $secret: "tok" } },
    };
    const value = evaluateMapping(mapping, { input: { $secret: "tok" } });
    const put = value.ok && putSecrets(mapping, value.value, secretOf);
    expect(put).toMatchObject({ ok: true });
    expect(JSON.stringify(put)).not.toContain("s3cret");
  });

  test("one that is missing is named", () => {
    expect(putSecrets({ $secret: "nope" }, null, secretOf)).toEqual({
      ok: false,
      failure: { reason: "missing_secret", name: "nope" },
    });
  });

  test("no input gets a secret that its definition does not name", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (data, fixed) => {
        const mapping = { data: { $ref: "input" }, fixed: { $literal: fixed as Mapping } };
        const value = evaluateMapping(mapping, { input: [data, { $secret: "tok" }] });
        if (!value.ok) return;
        expect(JSON.stringify(putSecrets(mapping, value.value, secretOf))).not.toContain("s3cret");
      }),
    );
  });
});

test("no mapping makes it throw", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (mapping, input) => {
      expect(typeof evaluateMapping(mapping, { input }).ok).toBe("boolean");
      expect(Array.isArray(checkMapping(mapping, ROOTS))).toBe(true);
    }),
  );
});
