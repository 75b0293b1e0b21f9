import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFilter, FILTER_NODES_MAX, matchFilter } from "../../../../domain/events/filter.ts";

describe("JSON filters", () => {
  test.each([
    [{ a: { $like: "x" } }, "unknown_operator", "/a/$like"],
    [{ $or: [] }, "operand", "/$or"],
    [{ $and: { a: 1 } }, "operand", "/$and"],
    [{ "a/b~": { $exist: 1 } }, "operand", "/a~1b~0/$exist"],
    [{ a: { $startsWith: ["x", 1] } }, "operand", "/a/$startsWith"],
    [{ a: undefined }, "not_json", "/a"],
    [{ $or: [1, { a: { $ref: "b" } }] }, "unknown_operator", "/$or/1/a/$ref"],
  ])("%j is refused: %s at %s", (filter, reason, pointer) => {
    expect(compileFilter(filter)).toEqual({ ok: false, failure: { reason, pointer } });
  });

  test("a filter too deep or too large is refused", () => {
    const deep = Array.from({ length: 20 }).reduce<unknown>((inner) => ({ a: inner }), 1);
    expect(compileFilter(deep)).toMatchObject({ failure: { reason: "too_deep" } });
    const large = Array.from({ length: FILTER_NODES_MAX }, (_, n) => n);
    expect(compileFilter({ $eq: large })).toMatchObject({ failure: { reason: "too_large" } });
  });

  test.each([
    [
      "a field inside any element",
      { items: [{ n: 1 }, { n: 5 }] },
      { items: { n: { $gt: 4 } } },
      true,
    ],
    [
      "all fields inside one element",
      { items: [{ a: 1 }, { b: 1 }] },
      { items: { a: 1, b: 1 } },
      false,
    ],
    ["absent is not null", {}, { a: null }, false],
    ["absent is unequal to null", {}, { a: { $neq: null } }, true],
    ["absent under an absent parent", {}, { a: { b: { $exist: false } } }, true],
    ["members in another order", { a: { x: 1, y: [2] } }, { a: { $eq: { y: [2], x: 1 } } }, true],
    ["inherited names are not fields", {}, { constructor: { $exist: true } }, false],
    ["arrays inside arrays are not searched", { a: [[{ b: 1 }]] }, { a: { b: 1 } }, false],
    ["texts do not compare with numbers", { a: "5" }, { a: { $gte: 1 } }, false],
    ["several values to choose from", { a: "y" }, { a: { $in: ["x", "y"] } }, true],
  ])("%s", (_, input, filter, match) => {
    expect(matches(filter, input)).toBe(match);
  });

  test("is total over every input, and $not is its opposite", () => {
    const filters = [{ a: { $gt: 1 } }, { a: [1] }, { $or: [{ a: 1 }, { b: { $in: "x" } }] }, {}];
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...filters), (input, filter) => {
        expect(matches({ $not: filter }, input)).toBe(!matches(filter, input));
      }),
    );
  });

  test("every JSON value equals itself and exists", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const compiled = compileFilter({ a: { $eq: value, $exist: true } });
        if (!compiled.ok) return;
        expect(matchFilter(compiled.value, JSON.parse(JSON.stringify({ a: value })))).toBe(true);
      }),
    );
  });

  test("a deeply nested input does not exhaust the stack", () => {
    const depth = 5000;
    const input: unknown = JSON.parse(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    expect(matches({ a: { b: 1 } }, input)).toBe(false);
    expect(matches({ a: { $eq: [[1]] } }, input)).toBe(false);
  });
});

function matches(filter: unknown, input: unknown): boolean {
  const compiled = compileFilter(filter);
  if (!compiled.ok) throw new Error(compiled.failure.reason);
  return matchFilter(compiled.value, input);
}
