/** The language of workflows runs in workerd: no code is generated, patterns keep their case, zones are known. */
import { describe, expect, test } from "vitest";
import { loadDefinition } from "../../domain/workflows/definition/load.ts";
import { evaluateExpression } from "../../domain/workflows/expression/evaluate.ts";
import { evaluateMapping } from "../../domain/workflows/expression/mapping.ts";
import { graphOf } from "../../domain/workflows/graph/model.ts";
import { svgOf } from "../../domain/workflows/graph/svg.ts";
import { EVERY_TYPE } from "../unit/domain/workflows/definition/samples.ts";

describe("in workerd", () => {
  test.each([
    ["input.n + 1 == 8 && has(input.s)", true],
    ["input.s.matches('^h')", false],
    ["input.s.matches('^H[a-z]+$')", true],
    ["input.xs.filter(x, x > 1).map(x, x * 2)", [4, 6]],
    ["now.getHours('America/New_York')", 8],
    ["now + duration('90m')", "2026-07-01T13:30:00.000Z"],
  ])("%s", (text, value) => {
    const facts = { input: { n: 7, s: "Hello", xs: [1, 2, 3] }, now: Date.UTC(2026, 6, 1, 12) };
    expect(evaluateExpression(text, facts)).toEqual({ ok: true, value });
  });

  test("a runaway expression is stopped", () => {
    const input = Array.from({ length: 1000 }, () => 1);
    const text = "input.map(a, input.map(b, input.map(c, 1)))";
    expect(evaluateExpression(text, { input })).toMatchObject({ failure: { reason: "too_slow" } });
    expect(
      evaluateExpression("input.matches('^(a+)+$')", { input: `${"a".repeat(3000)}b` }),
    ).toEqual({
      ok: true,
      value: false,
    });
  });

  test("a mapping is filled", () => {
    const mapping = { to: { $ref: "input.to" }, text: "Hi {{ input.name }}" };
    expect(evaluateMapping(mapping, { input: { to: "x", name: "Ana" } })).toEqual({
      ok: true,
      value: { to: "x", text: "Hi Ana" },
    });
  });

  test("a definition is loaded, checked and drawn", () => {
    const loaded = loadDefinition(EVERY_TYPE);
    expect(loaded).toMatchObject({ ok: true });
    expect(loaded.ok && svgOf(graphOf(loaded.value))).toContain("</svg>");
  });

  test("hostile nesting is refused", () => {
    expect(loadDefinition("[".repeat(100_000))).toMatchObject({
      failure: [{ reason: "too_deep" }],
    });
  });
});
