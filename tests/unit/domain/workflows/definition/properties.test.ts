/** No document and no text makes the checks throw. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ActionCatalogue } from "../../../../../domain/workflows/definition/actions.ts";
import {
  checkDefinition,
  loadDefinition,
} from "../../../../../domain/workflows/definition/load.ts";

const CATALOGUE: ActionCatalogue = { actions: new Map([["a", { input: { required: ["x"] } }]]) };

describe("nothing makes it throw", () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("a", "b", "{{ input }}", "{{", 5, null, ["a"], { $ref: "input" }),
  );
  const step = fc.record(
    {
      id: fc.constantFrom("a", "b", "c"),
      type: fc.constantFrom(
        "action",
        "decision",
        "switch",
        "parallel",
        "map",
        "loop",
        "workflow",
        "wait",
        "event",
        "approval",
        "set",
        "fail",
      ),
      action: value,
      next: value,
      condition: value,
      do: value,
      each: value,
      join: value,
      cases: value,
      with: value,
      onError: value,
      timeout: value,
    },
    { requiredKeys: ["id", "type"] },
  );
  const document = fc.record(
    {
      id: value,
      name: value,
      version: value,
      steps: fc.oneof(value, fc.array(step)),
      compensation: value,
      triggers: value,
      onFailure: value,
      vars: value,
      output: value,
    },
    { requiredKeys: [] },
  );

  test("any JSON, any half definition", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), document), (any) => {
        expect(typeof checkDefinition(any, CATALOGUE).ok).toBe("boolean");
        expect(typeof loadDefinition(JSON.stringify(any), CATALOGUE).ok).toBe("boolean");
      }),
      { numRuns: 300 },
    );
  });

  test("any text", { timeout: 60_000 }, () => {
    const piece = fc.constantFrom(
      "id: ",
      "steps:",
      "\n",
      "  ",
      "- ",
      "{",
      "}",
      "[",
      "]",
      "&a ",
      "*a",
      "!!str ",
      "'",
      '"',
      ": ",
      "a",
      "|",
      ">",
      "#",
      "---",
      "\t",
      "? ",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const loaded = loadDefinition(pieces.join(""));
        expect(
          loaded.ok || loaded.failure.every(({ line, column }) => line >= 1 && column >= 1),
        ).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
