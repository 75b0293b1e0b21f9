/** Uploads: what loads, and every fault with its line, path and reason. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import {
  checkDefinition,
  loadDefinition,
} from "../../../../../domain/workflows/definition/load.ts";
import { FAULTY } from "./faults-table.ts";
import { action, documentOf, EVERY_TYPE } from "./samples.ts";

const FIXTURES = "../shared/fixtures/workflows/definitions";
const present = existsSync(FIXTURES);
const files = present
  ? readdirSync(FIXTURES).filter((name) => !name.endsWith("-scenarios.json"))
  : ["none"];

describe.skipIf(!present)("reference definitions (skipped where they are missing)", () => {
  test.each(files)("%s loads as it stands", (file) => {
    const text = readFileSync(`${FIXTURES}/${file}`, "utf8");
    expect(loadDefinition(text)).toEqual({ ok: true, value: JSON.parse(text) });
  });
});

describe("what loads", () => {
  test("every step type, as YAML", () => {
    const loaded = loadDefinition(EVERY_TYPE);
    expect(loaded).toMatchObject({ ok: true, value: { id: "every-type", version: "2.1.0-rc.1" } });
    const types = loaded.ok && new Set(loaded.value.steps.map(({ type }) => type));
    expect([...(types || [])].sort()).toEqual([
      "action",
      "approval",
      "decision",
      "event",
      "fail",
      "loop",
      "map",
      "parallel",
      "set",
      "switch",
      "wait",
      "workflow",
    ]);
  });

  test("the same as JSON", () => {
    const loaded = loadDefinition(EVERY_TYPE);
    const again = loaded.ok && loadDefinition(JSON.stringify(loaded.value));
    expect(again).toEqual(loaded);
  });

  const good: readonly (readonly [string, readonly object[], object?])[] = [
    ["the least", [action("a")]],
    ["a guard", [{ id: "d", type: "decision", condition: "true", next: "a" }, action("a")]],
    ["a step that only undoes", [action("a"), action("u")], { compensation: { a: "u" } }],
    [
      "an undo that flow reaches too",
      [action("a", { onError: "u" }), action("u")],
      { compensation: { a: "u" } },
    ],
    [
      "a circle that a decision leaves",
      [
        action("a", { next: "w" }),
        { id: "w", type: "wait", for: 5, next: "d" },
        { id: "d", type: "decision", condition: "input.ok", next: ["e", "a"] },
        action("e"),
      ],
    ],
    ["a step that is its own retry", [action("a", { next: "b", onError: "a" }), action("b")]],
    [
      "a body within a body",
      [
        { id: "m", type: "map", each: "input", do: "n" },
        { id: "n", type: "map", each: "item", do: "a" },
        action("a", { with: "{{ item }}" }),
      ],
    ],
    [
      "a switch that ends",
      [
        { id: "s", type: "switch", cases: [{ when: "true", next: "a" }] },
        action("a", { next: "s" }),
      ],
    ],
  ];
  test.each(good.map(([name, steps, more]) => ({ name, steps, more })))(
    "$name",
    ({ steps, more }) => {
      expect(checkDefinition(documentOf(steps, more))).toMatchObject({ ok: true });
    },
  );

  test("YAML aliases, within bounds", () => {
    const text =
      "id: a\nname: A\nversion: 1.0.0\nsteps:\n  - {id: x, type: action, action: f, retry: &r {attempts: 2}, next: y}\n  - {id: y, type: action, action: f, retry: *r}\n";
    expect(loadDefinition(text)).toMatchObject({
      ok: true,
      value: { steps: [{}, { retry: { attempts: 2 } }] },
    });
  });
});

describe("faults with their lines", () => {
  test("all at once, in the order of the text", () => {
    const loaded = loadDefinition(`id: x
name: X
version: 1.0
steps:
  - id: a
    type: action
    nxt: b
  - id: b
    type: decision
    condition: "input.n > > 1"
    next: [c, a]
  - id: a
    type: action
    action: foo
    with:
      x: "hello {{ steps.zz.output }} and {{ inptu.x }}"
    timeout: 5 minutes
compensation: {a: nope, q: a}
`);
    const told = loaded.ok
      ? []
      : loaded.failure.map((one) => `${one.line}:${one.column} ${one.path} ${one.reason}`);
    expect(told).toEqual([
      "3:10 version schema",
      "5:5 steps[0].action missing_action",
      "7:5 steps[0].nxt schema",
      "10:27 steps[1].condition expression",
      "11:12 steps[1].next[0] unknown_step",
      "12:9 steps[2].id duplicate_id",
      "16:10 steps[2].with.x unknown_step",
      "16:46 steps[2].with.x expression",
      "17:14 steps[2].timeout schema",
      "18:19 compensation.a unknown_compensation",
      "18:25 compensation.q unknown_compensation",
    ]);
  });

  test("in JSON too", () => {
    const loaded = loadDefinition(
      '{\n  "id": "x", "name": "X", "version": "1.0.0",\n  "steps": [\n    {"id": "a", "type": "action", "action": "f", "next": "b"}\n  ]\n}',
    );
    expect(loaded).toMatchObject({
      ok: false,
      failure: [{ line: 4, column: 58, reason: "unknown_step" }],
    });
  });
});

describe("every fault has its path and reason", () => {
  test.each(FAULTY)("$name", ({ document, faults }) => {
    const checked = checkDefinition(document);
    const told = checked.ok ? [] : checked.failure;
    expect(told.map(({ path, reason }) => `${path.join(".")} ${reason}`)).toEqual(faults);
  });

  test("the same reasons from text", () => {
    for (const { document, faults } of FAULTY) {
      const loaded = loadDefinition(stringify(document));
      const told = loaded.ok ? [] : loaded.failure.map(({ reason }) => reason);
      expect(told.sort()).toEqual(faults.map((fault) => fault.split(" ")[1]).sort());
    }
  });
});
