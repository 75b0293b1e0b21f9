/** What may be registered as a schema, whether data fits it, and that neither takes long, whatever a tenant wrote. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../../domain/events/schema-compatibility.ts";
import {
  checkSchema,
  FORMAT_CHARS_MAX,
  newSchemaBudget,
  schemaValidator,
  UNIQUE_ITEMS_MAX,
} from "../../../platform/json-schema.ts";
import { SCHEMA_BYTES_MAX } from "../../../platform/json-schema-dialect.ts";
import { patternTest } from "../../../platform/json-schema-pattern.ts";
import { cpuMs } from "../../support/cpu-clock.ts";

const errors = (schema: JsonSchema, data: unknown) => schemaValidator()(schema, data);
const pointers = (schema: JsonSchema, data: unknown) =>
  errors(schema, data).map(({ pointer }) => pointer);
const fits = (schema: JsonSchema, data: unknown) => errors(schema, data).length === 0;

describe("data", () => {
  const order = {
    type: "object",
    properties: {
      id: { type: "string", pattern: "^[A-Z]{2}-\\d+$" },
      total: { $ref: "#/$defs/money" },
      "a/b~c": { type: "integer" },
      lines: { type: "array", items: { type: "object", required: ["sku"] }, minItems: 1 },
      mail: { type: "string", format: "email", pattern: "@example\\.org$" },
    },
    required: ["id"],
    additionalProperties: false,
    $defs: { money: { type: "number", minimum: 0, multipleOf: 0.01 } },
  };

  test.each<[string, unknown, readonly string[]]>([
    ["that fits", { id: "AB-1", total: 0.29, lines: [{ sku: 1 }] }, []],
    ["without a member it needs", {}, [""]],
    ["of another case", { id: "ab-1" }, ["/id"]],
    ["behind a reference", { id: "AB-1", total: -1 }, ["/total"]],
    ["with a member that is not declared", { id: "AB-1", more: 1 }, ["/more"]],
    ["in a list", { id: "AB-1", lines: [{ sku: 1 }, {}] }, ["/lines/1"]],
    ["under a name with / and ~", { id: "AB-1", "a/b~c": "x" }, ["/a~1b~0c"]],
    ["by its format", { id: "AB-1", mail: "@example.org" }, ["/mail"]],
    ["by its pattern beside a format", { id: "AB-1", mail: "a@example.com" }, ["/mail"]],
    ["of another kind", [], [""]],
    ["that is missing", undefined, [""]],
  ])("%s", (_, data, wanted) => {
    expect(pointers(order, data)).toEqual(wanted);
  });

  test("is told why, in words for people", () => {
    expect(errors(order, { id: "ab-1" })).toEqual([
      { pointer: "/id", message: "does not match ^[A-Z]{2}-\\d+$" },
    ]);
    expect(errors(order, { id: "AB-1", more: 1 })).toEqual([
      { pointer: "/more", message: "is not allowed here" },
    ]);
    expect(errors({ format: "uuid" }, "x")).toEqual([{ pointer: "", message: "is no uuid" }]);
  });

  test("leaves nothing behind that another schema could meet", () => {
    expect(fits({ pattern: "^a$" }, "a")).toBe(true);
    expect(fits({ format: "pattern ^b$" }, "a")).toBe(true);
  });

  test.each<[string, JsonSchema, unknown, boolean]>([
    ["true", true, { a: 1 }, true],
    ["false", false, 1, false],
    ["no payload as null", { type: ["null", "object"] }, undefined, true],
    ["prefixItems", { prefixItems: [{ type: "string" }], items: false }, ["a", 1], false],
    ["oneOf", { oneOf: [{ minimum: 5 }, { maximum: 5 }] }, 5, false],
    ["if and else", { if: { type: "string" }, else: { minimum: 3 } }, 2, false],
    [
      "unevaluated",
      { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
      { a: 1 },
      true,
    ],
    [
      "patternProperties",
      { patternProperties: { "^x-": { type: "string" } } },
      { "x-a": 1 },
      false,
    ],
    ["uniqueItems", { uniqueItems: true }, [{ a: 1 }, { a: 1 }], false],
    ["an anchor", { $ref: "#here", $defs: { a: { $anchor: "here", type: "null" } } }, 1, false],
    [
      "its own name",
      { $id: "https://a.example/b", $ref: "#/$defs/c", $defs: { c: { const: 1 } } },
      2,
      false,
    ],
    [
      "draft 07",
      {
        $schema: "http://json-schema.org/draft-07/schema#",
        items: [{ const: 1 }],
        additionalItems: false,
      },
      [1, 2],
      false,
    ],
    ["a format that is a remark", { format: "color" }, "no colour", true],
    [
      "a __proto__ member",
      JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'),
      JSON.parse('{"__proto__":1}'),
      false,
    ],
  ])("%s", (_, schema, data, wanted) => {
    expect(checkSchema(schema)).toMatchObject({ ok: true });
    expect(fits(schema, data)).toBe(wanted);
  });
});

describe("a schema is refused", () => {
  const nested = (levels: number): JsonSchema =>
    levels === 0 ? {} : { properties: { a: nested(levels - 1) } };

  test.each<[string, unknown, string, string]>([
    ["that is a text", "x", "not_a_schema", ""],
    ["that is a list", [], "not_a_schema", ""],
    ["with a member that is none", { properties: { a: 5 } }, "not_a_schema", "/properties/a"],
    ["with names that are no texts", { required: [1] }, "not_a_schema", "/required"],
    ["of a type there is not", { type: "money" }, "not_a_schema", "/type"],
    ["with a step of 0", { multipleOf: 0 }, "not_a_schema", "/multipleOf"],
    ["with a length below 0", { minLength: -1 }, "not_a_schema", "/minLength"],
    [
      "of another dialect",
      { $schema: "http://json-schema.org/draft-04/schema" },
      "unsupported",
      "/$schema",
    ],
    [
      "with a dynamic reference",
      { items: { $dynamicRef: "#a" } },
      "unsupported",
      "/items/$dynamicRef",
    ],
    ["with a name inside", { items: { $id: "a" } }, "unsupported", "/items/$id"],
    ["that refers elsewhere", { $ref: "https://a.example/b" }, "reference", "/$ref"],
    ["that refers to nothing", { items: { $ref: "#/$defs/a" } }, "reference", "/items/$ref"],
    ["with a look-ahead", { pattern: "a(?=b)" }, "pattern", "/pattern"],
    ["with a back-reference", { items: { pattern: "(a)\\1" } }, "pattern", "/items/pattern"],
    ["with half a pattern", { pattern: "(" }, "pattern", "/pattern"],
    ["with a pattern of too many steps", { pattern: "(?:a{1,100}){1,100}" }, "pattern", "/pattern"],
    [
      "with names by a slow pattern",
      { patternProperties: { "(a+)+$": {} } },
      "pattern",
      "/patternProperties",
    ],
    ["that is deep", nested(40), "too_deep", ""],
    ["that is large", { enum: ["x".repeat(SCHEMA_BYTES_MAX)] }, "too_large", ""],
    [
      "with many uniqueItems",
      { allOf: Array.from({ length: 11 }, () => ({ uniqueItems: true })) },
      "unsupported",
      "/allOf/10",
    ],
  ])("%s", (_, schema, reason, pointer) => {
    expect(checkSchema(schema)).toMatchObject({ ok: false, failure: { reason, pointer } });
  });

  test("or taken, and then any data is judged: nothing throws", () => {
    const keywords = [
      "properties",
      "items",
      "$ref",
      "enum",
      "dependencies",
      "$anchor",
      "id",
      "not",
    ];
    const schemas = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...keywords), fc.jsonValue({ maxDepth: 3 })),
    );
    fc.assert(
      fc.property(schemas, fc.jsonValue(), (schema, data) => {
        if (checkSchema(schema).ok) errors(schema as JsonSchema, data);
      }),
    );
  });
});

describe("what would take for ever ends soon", () => {
  /** Twice as many visits with every level. */
  const doubling = {
    $ref: "#/$defs/l0",
    $defs: Object.fromEntries(
      Array.from({ length: 41 }, (_, level): [string, JsonSchema] => {
        const next = { $ref: `#/$defs/l${level + 1}` };
        return [`l${level}`, level === 40 ? false : { anyOf: [next, next] }];
      }),
    ),
  };

  test.each<[string, JsonSchema, unknown]>([
    ["references that double", doubling, 1],
    ["a reference to itself", { $ref: "#" }, 1],
    [
      "a long list of values",
      { items: { enum: Array.from({ length: 5000 }, (_, n) => n) } },
      new Array(100_000).fill(-1),
    ],
    ["a pattern that backtracks", { pattern: "^(a+)+$" }, `${"a".repeat(400_000)}b`],
    ["a pattern that starts anywhere", { pattern: "a+b" }, "a".repeat(400_000)],
  ])("%s", (_, schema, data) => {
    expect(checkSchema(schema)).toMatchObject({ ok: true });
    const startMs = cpuMs();
    expect(errors(schema, data).length).toBeGreaterThan(0);
    expect(cpuMs() - startMs).toBeLessThan(3000);
  });

  test("all data of a request shares one budget", () => {
    const budget = newSchemaBudget();
    const validate = schemaValidator(budget);
    const schema = { items: { type: "integer" } };
    const data = new Array(200_000).fill(1);
    expect(validate(schema, data)).toEqual([]);
    expect(validate(schema, data)).toEqual([
      { pointer: "", message: "too costly to be checked against its schema" },
    ]);
  });

  test("unique items are not looked for in long lists, and formats not in long texts", () => {
    const long = Array.from({ length: UNIQUE_ITEMS_MAX + 1 }, (_, n) => n);
    expect(pointers({ properties: { a: { uniqueItems: true } } }, { a: long })).toEqual(["/a"]);
    expect(fits({ format: "uri" }, `https://${"a".repeat(FORMAT_CHARS_MAX)}`)).toBe(false);
  });
});

test("patterns find what the engine's own would, case and all", () => {
  const sources = ["^a+$", "(a|b)*c", "[a-c]x?", "^A", "\\bword\\b", "a{2,3}b", "^\\p{Lu}", "x*"];
  const texts = fc.string({ unit: fc.constantFrom(..."aAbBcxX wordÄ"), maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...sources), texts, (source, text) => {
      const found = patternTest(source);
      expect(found.ok && found.value(text, { steps: 100_000 })).toBe(
        new RegExp(source, "u").test(text),
      );
    }),
  );
});
