/** One text for one meaning, what changed between versions, and the published schema. */

import { Validator } from "@cfworker/json-schema";
import { describe, expect, test } from "vitest";
import { canonicalText } from "../../../../../domain/workflows/definition/canonical.ts";
import { diffDefinitions } from "../../../../../domain/workflows/definition/diff.ts";
import { definitionJsonSchema } from "../../../../../domain/workflows/definition/json-schema.ts";
import { loadDefinition } from "../../../../../domain/workflows/definition/load.ts";
import { FAULTY } from "./faults-table.ts";
import { action, definitionOf, documentOf, EVERY_TYPE } from "./samples.ts";

describe("canonical text", () => {
  test("is the same for YAML and JSON, whatever the order of members", () => {
    const yaml = loadDefinition(
      "{steps: [{action: f, type: action, id: a}], version: 1.0.0, name: A, id: x}",
    );
    const json = loadDefinition(
      '{"id":"x","name":"A","version":"1.0.0","$schema":"s","steps":[{"id":"a","type":"action","action":"f"}]}',
    );
    expect(yaml.ok && json.ok && canonicalText(yaml.value) === canonicalText(json.value)).toBe(
      true,
    );
  });

  test("is another one where the first step is another one", () => {
    const [a, b] = [action("a", { next: "b" }), action("b", { next: "a" })];
    expect(canonicalText(definitionOf([a, b]))).not.toBe(canonicalText(definitionOf([b, a])));
  });
});

describe("what changed", () => {
  const before = definitionOf(
    [action("a", { next: "b", retry: { attempts: 2 } }), action("b"), action("c")],
    { version: "1.0.0", compensation: { a: "c" } },
  );

  test("nothing, but for the version and the order", () => {
    const after = definitionOf(
      [before.steps[0] as object, before.steps[2] as object, before.steps[1] as object],
      { version: "1.0.1", compensation: { a: "c" } },
    );
    expect(diffDefinitions(before, after)).toEqual({
      added: [],
      removed: [],
      changed: [],
      startMoved: false,
      fields: [],
    });
  });

  test("steps and fields", () => {
    const after = definitionOf(
      [
        action("d", { next: "a" }),
        action("a", { retry: { attempts: 3, backoff: 5 }, action: "other" }),
        action("c"),
      ],
      { version: "2.0.0", timeout: "1h" },
    );
    expect(diffDefinitions(before, after)).toEqual({
      added: ["d"],
      removed: ["b"],
      changed: [
        {
          step: "a",
          fields: [
            { path: "action", before: "do.it", after: "other" },
            { path: "next", before: "b" },
            { path: "retry.attempts", before: 2, after: 3 },
            { path: "retry.backoff", after: 5 },
          ],
        },
      ],
      startMoved: true,
      fields: [
        { path: "compensation", before: { a: "c" } },
        { path: "timeout", after: "1h" },
      ],
    });
  });
});

describe("the published schema", () => {
  const schema = definitionJsonSchema("https://hub.example/workflow.schema.json");
  const validator = new Validator(schema, "2020-12");

  test("takes what loads", () => {
    const loaded = loadDefinition(EVERY_TYPE);
    expect(loaded.ok && validator.validate(loaded.value).errors).toEqual([]);
    expect(validator.validate(documentOf([action("a")])).valid).toBe(true);
  });

  test("refuses what has not its form", () => {
    const formal = FAULTY.filter(({ faults }) =>
      faults.every((fault) => /missing_action$/.test(fault)),
    );
    expect(formal.length).toBeGreaterThan(0);
    for (const { document } of formal) expect(validator.validate(document).valid).toBe(false);
    for (const bad of [5, {}, documentOf([]), documentOf([{ id: "a", type: "nope" }])])
      expect(validator.validate(bad).valid).toBe(false);
  });

  test("says what it is", () => {
    expect(schema).toMatchObject({
      $id: "https://hub.example/workflow.schema.json",
      $schema: "https://json-schema.org/draft/2020-12/schema",
      required: ["id", "name", "version", "steps"],
    });
  });
});
