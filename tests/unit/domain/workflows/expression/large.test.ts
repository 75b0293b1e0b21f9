/** References to values that are kept apart: what is one, how it passes through mappings, and that nothing looks into it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluateExpression } from "../../../../../domain/workflows/expression/evaluate.ts";
import {
  largeOf,
  largeValuesIn,
  withLargeValues,
} from "../../../../../domain/workflows/expression/large.ts";
import { evaluateMapping } from "../../../../../domain/workflows/expression/mapping.ts";
import type { Json } from "../../../../../domain/workflows/run/state.ts";

const inner = { run: `run_${"a".repeat(26)}`, sha256: "0".repeat(64), chars: 300_000 };
const LARGE = { $large: inner };

describe("a reference", () => {
  test.each<[Json]>([
    [null],
    ["$large"],
    [[LARGE]],
    [{}],
    [{ $large: null }],
    [{ $large: {} }],
    [{ $large: inner, more: 1 }],
    [{ $large: { ...inner, run: "../other" } }],
    [{ $large: { ...inner, sha256: "../x" } }],
    [{ $large: { ...inner, sha256: "0".repeat(63) } }],
    [{ $large: { ...inner, chars: "9" } }],
    [{ $large: { ...inner, chars: 0 } }],
    [{ $large: { ...inner, chars: 1.5 } }],
  ])("is not %j", (value) => {
    expect(largeOf(value)).toBeUndefined();
  });

  test("is found wherever it stands, and replaced by its value", () => {
    const value = { a: [1, LARGE], b: { c: LARGE }, d: null };
    expect(largeOf(LARGE)).toEqual(inner);
    expect(largeValuesIn(value)).toEqual([inner, inner]);
    const put = withLargeValues(value, (sha256) => ({ of: sha256.length }));
    expect(put).toEqual({ a: [1, { of: 64 }], b: { c: { of: 64 } }, d: null });
    expect(withLargeValues(value, () => undefined)).toEqual(value);
  });

  test("leaves every other value as it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as Json;
        expect(withLargeValues(json, () => "other")).toEqual(json);
      }),
    );
  });
});

describe("in a definition", () => {
  const facts = { steps: { get: { output: LARGE, status: "succeeded", error: null } } };

  test("it passes through a mapping as it is", () => {
    const mapping = { all: { $ref: "steps.get.output" }, same: "{{ steps.get.output }}" };
    expect(evaluateMapping(mapping, facts)).toEqual({
      ok: true,
      value: { all: LARGE, same: LARGE },
    });
    expect(evaluateExpression("steps.get.output.$large.chars > 5.0", facts).ok).toBe(false);
    expect(evaluateExpression('steps.get.output["$large"].chars', facts)).toMatchObject({
      value: 300_000,
    });
  });

  test.each([
    ["{{ steps.get.output.items }}"],
    ["{{ steps.get.output.?items }}"],
    ["{{ steps.get.output['items'] }}"],
    [{ $ref: "steps.get.output.items[0]" }],
  ])("nothing looks into it unnoticed: %j", (mapping) => {
    expect(evaluateMapping({ x: mapping }, facts)).toMatchObject({
      failure: { reason: "too_large", message: expect.stringContaining("value.read") },
    });
  });

  test("a member that is null, and one that is not there, are what they were", () => {
    const plain = { steps: { get: { output: { none: null } } } };
    expect(evaluateMapping({ $ref: "steps.get.output.none" }, plain)).toMatchObject({
      value: null,
    });
    expect(evaluateMapping({ $ref: "steps.get.output.more" }, plain)).toMatchObject({
      value: null,
    });
    expect(evaluateExpression("steps.get.output.none == null", plain)).toMatchObject({
      value: true,
    });
  });
});
