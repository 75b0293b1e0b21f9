/** What authors are told: the mistakes that newcomers make, each in words that say what to write instead. */
import { describe, expect, test } from "vitest";
import { loadDefinition } from "../../../../../domain/workflows/definition/load.ts";

const HEAD = "id: x\nname: X\nversion: 1.0.0\n";
const STEP = "{id: b, type: action, action: do.it}";

/** Path, then what is told there; the document as YAML. */
const MISTAKES: readonly (readonly [name: string, text: string, path: string, words: string])[] = [
  ["a number as version", `id: x\nname: X\nversion: 1.0\nsteps: [${STEP}]`, "version", "in quotes"],
  [
    "null as next",
    `${HEAD}steps: [{id: a, type: action, action: do.it, next: null}]`,
    "steps[0].next",
    "is null; leave the field out",
  ],
  [
    "null as retry",
    `${HEAD}steps: [{id: a, type: action, action: do.it, retry: ~}]`,
    "steps[0].retry",
    "is null; leave the field out",
  ],
  [
    "one step as the branches",
    `${HEAD}steps: [{id: p, type: parallel, next: b}, ${STEP}]`,
    "steps[0].next",
    "must be a list of steps, the first of each branch: [b]",
  ],
  [
    "several steps after an action",
    `${HEAD}steps: [{id: a, type: action, action: do.it, next: [b, b]}, ${STEP}]`,
    "steps[0].next",
    "only a parallel step goes on at several",
  ],
  [
    "a number as next",
    `${HEAD}steps: [{id: a, type: action, action: do.it, next: 2}]`,
    "steps[0].next",
    "must be the id of a step",
  ],
  [
    "no attempts",
    `${HEAD}steps: [{id: a, type: action, action: do.it, retry: {attempts: 0}}]`,
    "steps[0].retry.attempts",
    "must be at least 1",
  ],
  [
    "half an attempt",
    `${HEAD}steps: [{id: a, type: action, action: do.it, retry: {attempts: 1.5}}]`,
    "steps[0].retry.attempts",
    "must be a whole number, not a number",
  ],
  [
    "too many attempts",
    `${HEAD}steps: [{id: a, type: action, action: do.it, retry: {attempts: 99}}]`,
    "steps[0].retry.attempts",
    "must be at most 20",
  ],
  [
    "an unknown strategy",
    `${HEAD}steps: [{id: a, type: action, action: do.it, retry: {attempts: 2, strategy: fibonacci}}]`,
    "steps[0].retry.strategy",
    "must be one of constant, linear, exponential",
  ],
  ["no steps", `${HEAD}steps: []`, "steps", "must not be empty"],
  [
    "an empty id",
    `${HEAD}steps: [{id: "", type: action, action: do.it}]`,
    "steps[0].id",
    "must not be empty",
  ],
  [
    "truth as a condition",
    `${HEAD}steps: [{id: d, type: decision, condition: true, next: b}, ${STEP}]`,
    "steps[0].condition",
    "must be a text, not true or false",
  ],
  [
    "cases as an object",
    `${HEAD}steps: [{id: s, type: switch, cases: {a: b}}, ${STEP}]`,
    "steps[0].cases",
    "must be a list, not an object",
  ],
  [
    "several undos of one step",
    `${HEAD}steps: [{id: a, type: action, action: do.it}, ${STEP}]\ncompensation: {a: [b]}`,
    "compensation.a",
    "must be the id of one step",
  ],
  [
    "a wait for two things",
    `${HEAD}steps: [{id: w, type: wait, for: 1s, until: "2030-01-01T00:00:00Z"}]`,
    "steps[0]",
    "exactly one of for and until",
  ],
  [
    "a branch that stands twice",
    `${HEAD}steps: [{id: p, type: parallel, next: [b, b]}, ${STEP}]`,
    "steps[0].next[1]",
    "b stands here twice",
  ],
  [
    "three equals signs",
    `${HEAD}steps: [{id: d, type: decision, condition: input.a === 1, next: b}, ${STEP}]`,
    "steps[0].condition",
    "== and != compare",
  ],
  [
    "one equals sign",
    `${HEAD}steps: [{id: d, type: decision, condition: input.a = 1, next: b}, ${STEP}]`,
    "steps[0].condition",
    "== compares",
  ],
  [
    "a dollar sign",
    `${HEAD}steps: [{id: d, type: decision, condition: "\${input.a}", next: b}, ${STEP}]`,
    "steps[0].condition",
    "without $ and braces",
  ],
  [
    "and as a word",
    `${HEAD}steps: [{id: d, type: decision, condition: input.a and input.b, next: b}, ${STEP}]`,
    "steps[0].condition",
    "&&, || and !",
  ],
  [
    "an unknown name",
    `${HEAD}steps: [{id: d, type: decision, condition: context.a > 1, next: b}, ${STEP}]`,
    "steps[0].condition",
    "there is input, steps, vars, run, now",
  ],
  [
    "a step's id alone",
    `${HEAD}steps: [{id: a, type: action, action: do.it, next: d}, {id: d, type: decision, condition: a.output, next: b}, ${STEP}]`,
    "steps[1].condition",
    "the step is steps.a",
  ],
  [
    "braces without quotes",
    `${HEAD}steps:\n  - id: a\n    type: action\n    action: do.it\n    with: {{ input.a }}`,
    "",
    'stands in quotes: "{{ … }}"',
  ],
  [
    "a colon without quotes",
    `${HEAD}steps:\n  - id: d\n    type: decision\n    condition: input.a ? "b" : "c"\n    next: b`,
    "",
    "stands in quotes",
  ],
  [
    "a text instead of a definition",
    "hello",
    "",
    "must be an object with id, name, version and steps",
  ],
];

describe("a mistake", () => {
  test.each(MISTAKES)("%s is told once, with what to write", (_, text, path, words) => {
    const loaded = loadDefinition(text);
    const faults = loaded.ok ? [] : loaded.failure;
    expect(faults).toEqual([expect.objectContaining({ path })]);
    expect(faults[0]?.message).toContain(words);
  });
});

describe("anchors", () => {
  const merged = `${HEAD}steps:
  - &call { id: a, type: action, action: do.it, retry: { attempts: 3 }, next: b }
  - { <<: *call, id: b, next: c }
  - { id: c, type: action, action: do.it }`;

  test("may be merged, as elsewhere in YAML", () => {
    const loaded = loadDefinition(merged);
    expect(loaded).toMatchObject({
      ok: true,
      value: { steps: [{ id: "a" }, { id: "b", retry: { attempts: 3 }, next: "c" }, { id: "c" }] },
    });
  });

  test("what comes out of one and is wrong is told where it is used", () => {
    const loaded = loadDefinition(merged.replace("attempts: 3", "attempts: 0"));
    expect(loaded.ok ? [] : loaded.failure.map(({ path }) => path)).toEqual([
      "steps[0].retry.attempts",
      "steps[1].retry.attempts",
    ]);
  });
});
