/** Values of expressions, and the reasons of those that have none. */
import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  evaluateCondition,
  evaluateExpression,
} from "../../../../../domain/workflows/expression/evaluate.ts";
import type { Facts } from "../../../../../domain/workflows/expression/names.ts";
import { EXPRESSION_CHARS_MAX } from "../../../../../schema/workflow-value.ts";
import { cpuMs } from "../../../../support/cpu-clock.ts";

const FACTS: Facts = {
  input: { n: 7, s: "Hello", xs: [1, 2, 3], none: null, o: { k: 1 }, when: "2026-01-01T00:00:00Z" },
  steps: { "create-agent": { output: { id: "a1" } } },
  run: { id: "r1" },
  vars: {},
  now: Date.UTC(2026, 6, 1, 12),
};

const VALUES: readonly (readonly [string, unknown])[] = [
  ["input.n + 1", 8],
  ["1 + input.n * 2.5", 18.5],
  ["input.n / 2", 3.5],
  ["7 / 2", 3],
  ["input.n % 2 == 1", true],
  ["-input.n", -7],
  ["input.n == 7 && input.n != 7.5", true],
  ["input.n >= 7 && input.n < 8", true],
  ['"a" < "b"', true],
  ['input.s + "!"', "Hello!"],
  ["{{ input.n }}", 7],
  ["{{input.n > 1 }}", true],
  ['steps["create-agent"].output.id', "a1"],
  ["input.none == null", true],
  ["has(input.s)", true],
  ["has(input.missing.deeper)", false],
  ["input.?missing.orValue(3)", 3],
  ["input.?o.?k.orValue(3)", 1],
  ["input[?'o'].hasValue()", true],
  ["input.xs.map(x, x * 2)", [2, 4, 6]],
  ["input.xs.map(x, x > 1, x * 2)", [4, 6]],
  ["input.xs.filter(x, x > 1)", [2, 3]],
  ["input.xs.all(x, x > 0)", true],
  ["input.xs.exists(x, x == 2)", true],
  ["input.xs.exists_one(x, x > 2)", true],
  ["input.o.map(key, key)", ["k"]],
  ["2 in input.xs", true],
  ['"k" in input.o', true],
  ["input.xs[2]", 3],
  ["input.xs + [4]", [1, 2, 3, 4]],
  ['input.o == {"k": 1.0}', true],
  ["[1, 'a', null, {'x': true}]", [1, "a", null, { x: true }]],
  ["cel.bind(twice, input.n * 2, twice + twice)", 28],
  ["input.n > 5 ? 'big' : 'small'", "big"],
  ["true || input.missing", true],
  ["input.missing && false", false],
  ["size(input.s) + input.xs.size()", 8],
  ["size('👍')", 1],
  ["input.s.startsWith('He') && input.s.endsWith('lo') && input.s.contains('ll')", true],
  ["input.s.matches('^H[a-z]+$')", true],
  ["input.s.matches('^h')", false],
  ["input.s.lowerAscii() + input.s.upperAscii() + ' x '.trim()", "helloHELLOx"],
  ["input.s.indexOf('l') + input.s.lastIndexOf('l')", 5],
  ["input.s.substring(1, 3) + input.s.substring(4)", "elo"],
  ["input.s.replace('l', 'L')", "HeLLo"],
  ["input.s.split('l')", ["He", "", "o"]],
  ["['a', 'b'].join('-') + ['c'].join()", "a-bc"],
  ["int('42') + int(3.9)", 45],
  ["double('1.5') + double(2)", 3.5],
  ["bool('true')", true],
  ["string(1.5) + string(true) + string(7)", "1.5true7"],
  ["string(9007199254740993)", "9007199254740993"],
  ["now", "2026-07-01T12:00:00.000Z"],
  ["now + duration('1h30m')", "2026-07-01T13:30:00.000Z"],
  ["now - timestamp('2026-07-01T11:59:00Z')", "60s"],
  ["timestamp(input.when) < now", true],
  ["now.getHours() == 12 && now.getHours('Europe/Berlin') == 14", true],
  ["now.getMonth() == 6 && now.getDate() == 1 && now.getDayOfWeek() == 3", true],
  ["now.getDayOfYear()", 181],
  ["duration('90m').getHours()", 1],
  ["duration('2d')", "172800s"],
];

describe("an expression has a value", () => {
  test.each(VALUES)("%s", (text, value) => {
    expect(evaluateExpression(text, FACTS)).toEqual({ ok: true, value });
  });
});

const NESTED = `${"(".repeat(80)}1${")".repeat(80)}`;

const FAILURES: readonly (readonly [string, string, string])[] = [
  ["a text that ends too soon", "input.n +", "syntax"],
  ["nonsense", "input..n", "syntax"],
  ["an unclosed text", "'abc", "syntax"],
  ["a longer text than is allowed", `"${"x".repeat(EXPRESSION_CHARS_MAX)}"`, "too_large"],
  ["deep nesting", NESTED, "too_large"],
  ["many nodes", Array.from({ length: 400 }, () => "1").join("+"), "too_large"],
  ["an unknown root", "inptu.n", "unknown_name"],
  ["a root that is not here", "event.id", "unknown_name"],
  ["a difference meant as an id", "steps.create-agent.output", "unknown_name"],
  ["a missing key", "input.missing", "unknown_name"],
  ["a missing item", "input.xs[9]", "unknown_name"],
  ["an unknown function", "fetch('http://x')", "unknown_name"],
  ["an unknown method", "input.s.eval()", "unknown_name"],
  ["a prototype", "input.constructor", "unknown_name"],
  ["another prototype", "input['__proto__']", "unknown_name"],
  ["a method of a prototype", "input.xs.length", "type"],
  ["mixed types", "input.n + 'a'", "type"],
  ["mixed constants", "1 + 'a'", "type"],
  ["a number as a truth", "input.n && true", "type"],
  ["a number as a condition", "input.n ? 1 : 2", "type"],
  ["a number as a list", "input.n.map(x, x)", "type"],
  ["division by zero", "1 / 0", "type"],
  ["an int beyond 64 bits", "9223372036854775807 + 1", "type"],
  ["bytes", "b'abc'", "type"],
  ["uint", "1u", "type"],
  ["a pattern that cannot be used", "input.s.matches('(a')", "type"],
  ["infinity", "1.0 / 0.0", "not_json"],
  ["an int that JSON cannot carry", "9007199254740993", "not_json"],
];

describe("an expression without a value", () => {
  test.each(FAILURES)("%s", (_, text, reason) => {
    expect(evaluateExpression(text, FACTS)).toMatchObject({ ok: false, failure: { reason } });
  });

  test("a message names no data", () => {
    const facts = { input: { secretKey: "alice@example.org", map: {} } };
    const result = evaluateExpression("input.map[input.secretKey]", facts);
    expect(JSON.stringify(result)).not.toContain("alice");
  });

  test("the place is told", () => {
    expect(evaluateExpression("input.n + inptu", FACTS)).toMatchObject({
      failure: { position: 10 },
    });
  });

  test("a condition must be a bool", () => {
    expect(evaluateCondition("input.n > 1", FACTS)).toEqual({ ok: true, value: true });
    expect(evaluateCondition("input.n", FACTS)).toMatchObject({ failure: { reason: "type" } });
  });
});

/** `input` put together with itself, over and over. */
function doubled(times: number): string {
  const bindings = Array.from({ length: times }, (_, i) => {
    const before = i === 0 ? "input" : `v${i - 1}`;
    return `cel.bind(v${i}, ${before} + ${before}, `;
  });
  return `${bindings.join("")}v${times - 1}${")".repeat(times)}`;
}

describe("no expression runs away", () => {
  const ones = { input: Array.from({ length: 1000 }, () => 1) };
  const text = { input: "a".repeat(3000) };
  const cases: readonly (readonly [string, string, Facts, string])[] = [
    ["nested loops", "input.map(a, input.map(b, input.map(c, input.map(d, 1))))", ones, "too_slow"],
    ["loops in a condition", "input.all(a, input.all(b, input.all(c, true)))", ones, "too_slow"],
    ["doubling texts", doubled(10), text, "too_large"],
    ["doubling lists", doubled(10), ones, "too_slow"],
    [
      "a search that compares everything",
      "input.contains('b' + input.substring(0, 2000))",
      { input: "a".repeat(200_000) },
      "too_slow",
    ],
    [
      "a result that repeats a large part",
      "input.map(x, input)",
      { input: Array.from({ length: 300 }, () => "xxxxxxxx") },
      "too_large",
    ],
    [
      "a longer text than matches() reads",
      "input.matches('a')",
      { input: "a".repeat(5000) },
      "too_large",
    ],
  ];

  test.each(cases)("%s", (_, expression, facts, reason) => {
    const startMs = cpuMs();
    expect(evaluateExpression(expression, facts)).toMatchObject({ failure: { reason } });
    expect(cpuMs() - startMs).toBeLessThan(1000);
  });

  test("a pattern that explodes elsewhere is linear here", () => {
    const startMs = cpuMs();
    expect(evaluateExpression("input.matches('^(a+)+$')", { input: `${text.input}b` })).toEqual({
      ok: true,
      value: false,
    });
    expect(cpuMs() - startMs).toBeLessThan(1000);
  });

  test("data that is nested without end is refused, not followed", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level++) deep = [deep];
    for (const expression of ["input", "input == input.map(x, x)"])
      expect(evaluateExpression(expression, { input: deep }).ok).toBe(false);
  });
});

describe("properties", () => {
  const environment = new Environment({ homogeneousAggregateLiterals: false });
  const number = fc.oneof(
    fc.integer({ min: -1000, max: 1000 }).map((one) => (one < 0 ? `(${one})` : `${one}`)),
  );
  const words = fc.constantFrom("'a'", "'b'", "'ab'", "''");
  const { whole } = fc.letrec<{ whole: string; truth: string; text: string }>((tie) => ({
    whole: fc.oneof(
      { maxDepth: 4 },
      number,
      fc
        .tuple(tie("whole"), fc.constantFrom("+", "-", "*", "/", "%"), tie("whole"))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(tie("truth"), tie("whole"), tie("whole")).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
      tie("text").map((text) => `size(${text})`),
    ),
    truth: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("true", "false"),
      fc
        .tuple(tie("whole"), fc.constantFrom("<", "<=", ">", ">=", "==", "!="), tie("whole"))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc
        .tuple(tie("truth"), fc.constantFrom("&&", "||"), tie("truth"))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(tie("text"), tie("text")).map(([a, b]) => `${a}.contains(${b})`),
    ),
    text: fc.oneof(
      { maxDepth: 4 },
      words,
      fc.tuple(tie("text"), tie("text")).map(([a, b]) => `(${a} + ${b})`),
    ),
  }));

  test("whole numbers, truths and texts have the library's own values", () => {
    let agreed = 0;
    fc.assert(
      fc.property(whole, (text) => {
        let expected: unknown;
        try {
          expected = Number(environment.evaluate(text));
        } catch {
          expected = undefined;
        }
        const mine = evaluateExpression(text, {});
        if (mine.ok) agreed += 1;
        if (mine.ok || mine.failure.reason === "type")
          expect(mine.ok ? mine.value : undefined).toEqual(expected);
      }),
      { numRuns: 300 },
    );
    expect(agreed).toBeGreaterThan(100);
  });

  test("no text and no data make it throw", () => {
    const piece = fc.constantFrom(
      "input",
      ".",
      "[",
      "]",
      "(",
      ")",
      "'",
      "{{",
      "}}",
      "map",
      "x",
      "1",
      ",",
      "&&",
      "?",
      ":",
      "\\",
      "has",
      "\u0000",
      "-",
      "__proto__",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.anything(), (pieces, input) => {
        expect(typeof evaluateExpression(pieces.join(""), { input }).ok).toBe("boolean");
      }),
      { numRuns: 500 },
    );
  });
});
