/** Outputs that are made of an answer before the run hears of it: the same as the run would make, and nothing else kept. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mappedOutput, ownOutput } from "../../../../../domain/workflows/run/outputs.ts";
import type { Json } from "../../../../../domain/workflows/run/state.ts";
import { action, begin, defined, done, now, running, send } from "./play.ts";

const stepWith = (more: object) => defined([action("a", more)]).steps[0];

describe("a mapping", () => {
  test.each([
    [{ id: "{{ output.id }}" }, true],
    [{ $ref: "output.items[0]" }, true],
    ["{{ output }}", true],
    [{ constant: [1, null] }, true],
    [{ $literal: "{{ input.n }}" }, true],
    [{ id: "{{ output.id + input.id }}" }, false],
    [{ at: "{{ now }}" }, false],
    [{ $ref: "steps.b.output" }, false],
    [{ id: "{{ index }}" }, false],
  ])("%j needs nothing but the answer: %s", (output, own) => {
    expect(ownOutput(stepWith({ output }))).toEqual(own ? output : undefined);
  });

  test("is none where there is no output, or no action", () => {
    expect(ownOutput(stepWith({}))).toBeUndefined();
    expect(ownOutput(undefined)).toBeUndefined();
    const [parallel] = defined([
      { id: "p", type: "parallel", next: ["a"], output: { x: "{{ output.v }}" } },
      action("a"),
    ]).steps;
    expect(ownOutput(parallel)).toBeUndefined();
  });
});

describe("a run", () => {
  const mappings: readonly Json[] = [
    { first: { $ref: "output.v" }, all: "{{ output }}" },
    "{{ output.v }}",
    { n: "{{ size(output.v) }}" },
    { sure: '{{ output.?v.orValue("none") }}' },
  ];

  test("comes to the same, whoever makes the output", () => {
    const answers = fc.oneof(fc.jsonValue(), fc.record({ v: fc.jsonValue() }));
    const property = fc.property(answers, fc.constantFrom(...mappings), (given, output) => {
      const answer = JSON.parse(JSON.stringify(given)) as Json;
      const here = begin([action("a", { output })]);
      done(here, "a", answer);
      const there = begin([action("a", { output })]);
      const made = mappedOutput(output, answer);
      const report = { is: "step_succeeded", step: "a", attempt: 1 } as const;
      send(
        there,
        made.ok
          ? { ...report, output: made.value, mapped: true }
          : { ...report, output: null, lost: made.failure },
      );
      expect(now(there)).toEqual(now(here));
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("undoes a step whose answer was lost: its effect was made", () => {
    const game = begin([action("a"), action("undo-a")], {
      more: { compensation: { a: "undo-a" } },
    });
    const lost = { reason: "output_too_large" };
    send(game, { is: "step_succeeded", step: "a", attempt: 1, output: null, lost });
    expect(now(game).steps.a).toMatchObject({ status: "failed", error: lost });
    expect(running(game)).toEqual(["undo a"]);
  });
});
