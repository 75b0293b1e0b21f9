import { describe, expect, test } from "vitest";
import { type JsonSchema, schemaBreaks } from "../../../../domain/events/schema-compatibility.ts";

const closed = { type: "object", additionalProperties: false } as const;
const named = (properties: object, rest: object = {}) => ({ ...closed, properties, ...rest });
const defs = (a: object, rest: object) => ({ $defs: { a }, ...rest });

/** What a reader refuses of a writer: pointers, in order. */
const cases: readonly (readonly [string, JsonSchema, JsonSchema, readonly string[]])[] = [
  ["anything, by anything", true, {}, []],
  ["nothing, by anything", false, { type: "string" }, []],
  ["anything, by nothing", {}, false, [""]],
  ["anything, by a type", {}, { type: "string" }, ["/type"]],
  ["an integer, by a number", { type: "integer" }, { type: "number" }, []],
  ["a number, by an integer", { type: "number" }, { type: "integer" }, ["/type"]],
  ["one type, by several", { type: "string" }, { type: ["null", "string"] }, []],
  ["listed values, by their type", { enum: ["a", "b"] }, { type: "string" }, []],
  ["listed values, by another type", { enum: ["a", 1] }, { type: "string" }, ["/type"]],
  ["a constant, by a list with it", { const: "a" }, { enum: ["b", "a"] }, []],
  ["a list, by a shorter one", { enum: ["a", "b"] }, { enum: ["a"] }, ["/enum"]],
  ["a type, by a list", { type: "string" }, { type: "string", enum: ["a"] }, ["/enum"]],
  ["a range, by a wider one", { minimum: 2, maximum: 3 }, { minimum: 1, maximum: 3 }, []],
  [
    "a range, by a narrower one",
    { minimum: 1 },
    { minimum: 2, maximum: 9 },
    ["/minimum", "/maximum"],
  ],
  ["an edge, by an open one", { minimum: 1 }, { exclusiveMinimum: 1 }, ["/exclusiveMinimum"]],
  ["an open edge, by a closed one", { exclusiveMaximum: 1 }, { maximum: 1 }, []],
  ["a length, by a longer one", { maxLength: 5 }, { maxLength: 9, minLength: 0 }, []],
  [
    "a length, by a shorter one",
    { maxLength: 9 },
    { maxLength: 5, minLength: 1 },
    ["/minLength", "/maxLength"],
  ],
  ["steps, by their divisor", { multipleOf: 6 }, { multipleOf: 3 }, []],
  ["steps, by other ones", { multipleOf: 3 }, { multipleOf: 6 }, ["/multipleOf"]],
  ["a pattern, by none", { pattern: "^a" }, {}, []],
  ["a format, by another", { format: "date" }, { format: "email" }, ["/format"]],
  ["repeated items, by unique ones", { items: {} }, { uniqueItems: true }, ["/uniqueItems"]],
  ["items, by narrower ones", { items: {} }, { items: { type: "string" } }, ["/items/type"]],
  ["items, by positions", { items: {} }, { prefixItems: [{}] }, ["/items"]],
  [
    "old positions, by changed ones",
    { items: [{ type: "string" }] },
    { items: [{ type: "null" }] },
    ["/items"],
  ],
  ["a declared property, by a closed object", named({ a: {} }), named({}), ["/properties/a"]],
  [
    "an open object, by a closed one",
    { properties: {} },
    named({}),
    ["/type", "/additionalProperties"],
  ],
  [
    "others of a type, by a declared one",
    { additionalProperties: { type: "string" } },
    { properties: { a: { type: "null" } } },
    ["/properties/a/type"],
  ],
  [
    "a property, by a rule for others",
    { properties: { a: { type: "null" } }, additionalProperties: false },
    { additionalProperties: { type: "string" } },
    ["/additionalProperties/type"],
  ],
  [
    "names by pattern, by a closed object",
    named({}, { patternProperties: { "^x": {} } }),
    named({}),
    ["/additionalProperties"],
  ],
  ["a required property, by an optional one", { required: ["a"] }, {}, []],
  [
    "names with slashes",
    named({ "a/b~": { type: "string" } }),
    named({ "a/b~": { type: "null" } }),
    ["/properties/a~1b~0/type"],
  ],
  [
    "alternatives, by more of them",
    { anyOf: [{ type: "string" }] },
    { anyOf: [{ type: "null" }, { type: "string" }] },
    [],
  ],
  [
    "alternatives, by one type",
    { anyOf: [{ type: "string" }, { type: "null" }] },
    { type: "string" },
    ["/type"],
  ],
  [
    "a type, by its alternatives",
    { type: "string" },
    { description: "x", anyOf: [{ type: "null" }, { type: "string" }] },
    [],
  ],
  [
    "alternatives with a shape of their own",
    { ...named({ a: {} }), anyOf: [{ properties: { b: {} } }] },
    named({ b: {} }),
    ["/additionalProperties"],
  ],
  ["the same negation", { not: { type: "null" } }, { not: { type: "null" } }, []],
  ["a new negation", {}, { not: { type: "null" } }, ["/not"]],
  [
    "a reference, by what it means",
    defs({ type: "string" }, { $ref: "#/$defs/a" }),
    { type: "string" },
    [],
  ],
  [
    "a reference whose target narrowed",
    defs({}, { items: { $ref: "#/$defs/a" } }),
    defs({ type: "null" }, { items: { $ref: "#/$defs/a" } }),
    ["/items/type"],
  ],
  [
    "a reference inside what cannot be compared",
    defs({}, { not: { $ref: "#/$defs/a" } }),
    defs({ type: "null" }, { not: { $ref: "#/$defs/a" } }),
    ["/not"],
  ],
  ["a foreign reference, by another", { $ref: "https://a/1" }, { $ref: "https://a/2" }, ["/$ref"]],
  ["a reference to nowhere", { $ref: "#/$defs/none" }, { type: "string" }, ["/type"]],
];

describe("what a reader refuses of a writer", () => {
  test.each(cases)("%s", (_, writer, reader, pointers) => {
    expect(schemaBreaks(writer, reader).map(({ pointer }) => pointer)).toEqual(pointers);
  });

  test.each(cases)("%s: every schema reads what is written with it", (_, writer, reader) => {
    expect(schemaBreaks(writer, writer)).toEqual([]);
    expect(schemaBreaks(reader, structuredClone(reader) as JsonSchema)).toEqual([]);
  });

  test("schemas that refer to themselves end, with every break of theirs", () => {
    const tree = (value: object) =>
      defs(
        {
          type: "object",
          properties: { value, left: { $ref: "#/$defs/a" }, right: { $ref: "#/$defs/a" } },
        },
        { $ref: "#/$defs/a" },
      );
    expect(schemaBreaks(tree({ type: "integer" }), tree({ type: "number" }))).toEqual([]);
    const breaks = schemaBreaks(tree({ type: "number" }), tree({ type: "integer" }));
    expect(breaks.map(({ pointer }) => pointer)).toEqual(["/properties/value/type"]);
    const turn = {
      $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } },
      $ref: "#/$defs/a",
    };
    expect(schemaBreaks(turn, { type: "string" }).length).toBe(1);
  });

  test("schemas too deep or too wide to compare are refused in bounded time", () => {
    const deep = (leaf: object) =>
      Array.from({ length: 200 }).reduce<object>((items) => ({ items }), leaf);
    expect(
      schemaBreaks(deep({ type: "null" }) as JsonSchema, deep({}) as JsonSchema),
    ).toMatchObject([{ change: "too_deep" }]);
    const names = Array.from({ length: 12 }, (_, n) => `d${n}`);
    const wide = (leaf: object) => ({
      $defs: Object.fromEntries([
        ...names.map((name, n) => [name, { properties: links(`d${n + 1}`) }] as const),
        ["d12", leaf],
      ]),
      $ref: "#/$defs/d0",
    });
    const links = (next: string) =>
      Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, { $ref: `#/$defs/${next}` }]));
    const breaks = schemaBreaks(wide({ type: "null" }), wide({}));
    expect(breaks[0]?.change).toBe("too_deep");
    expect(breaks.length).toBeLessThanOrEqual(50);
  });
});
