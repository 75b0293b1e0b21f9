/** What people are told of a step that failed: the field that is wrong, and what is wrong with it. */
import { describe, expect, test } from "vitest";
import { action, begin, failed, now, tick } from "./play.ts";

/** Fields of a step that fails on the way in, and what is told then. */
const ROWS: readonly (readonly [name: string, step: object, words: string])[] = [
  [
    "a missing member",
    { with: { to: [{ name: "{{ input.nam }}" }] } },
    "with.to[0].name: no such key: nam",
  ],
  [
    "a step that comes later",
    { with: { o: "{{ steps.later.output }}" } },
    "with.o: no such key: later, a step that has not run there",
  ],
  [
    "a condition of another type",
    { condition: "input.name" },
    "condition: gives a text, not true or false",
  ],
  [
    "a condition that cannot be decided",
    { condition: "input.age > 3" },
    "condition: no such key: age",
  ],
  [
    "a case",
    {
      type: "switch",
      cases: [
        { when: "false", next: "later" },
        { when: "input.name > 1", next: "later" },
      ],
    },
    "cases[1].when: > does not take string and int",
  ],
  ["items that are none", { type: "map", each: "input.name", do: "later" }, "each: gives no list"],
  [
    "a loop's condition",
    { type: "loop", while: "input.none", do: "later" },
    "while: no such key: none",
  ],
  [
    "a time that is none",
    { type: "wait", for: "{{ input.name }}" },
    "for: gives no time to wait for, of at most a year",
  ],
  [
    "a moment that is missing",
    { type: "wait", until: "{{ input.when }}" },
    "until: no such key: when",
  ],
  [
    "a correlation that is no text",
    { type: "event", event: { type: "a.b", correlation: "3" } },
    "event.correlation: gives no text",
  ],
  [
    "people who are none",
    { type: "approval", title: "Ok?", assignees: "input.list" },
    "assignees: gives no list of names",
  ],
  ["a title", { type: "approval", title: "For {{ input.who }}" }, "title: no such key: who"],
  [
    "values to set",
    { type: "set", values: { a: "{{ input.none }}" } },
    "values.a: no such key: none",
  ],
];

describe("an expression that fails its step", () => {
  test.each(ROWS)("is told with its field: %s", (_, step, words) => {
    const inner = { next: "later", ...step };
    const into = "do" in inner || "cases" in inner ? { ...inner, next: undefined } : inner;
    const game = begin(
      [JSON.parse(JSON.stringify(action("a", into))), action("later")].map(plain),
      {
        input: { name: "x", list: [1] },
      },
    );
    expect(now(game).steps.a?.error).toEqual({ reason: "expression", message: words });
  });

  test("also after its action, in the run's output, and in the first variables", () => {
    const match = { type: "event", signal: "s", match: "event.data.n > 1" };
    const game = begin([plain({ id: "e", ...match })]);
    expect(now(game).steps.e?.status).toBe("waiting");
    const vars = begin([action("a")], { more: { vars: { x: "{{ input.x }}" } } });
    expect(now(vars).ending).toMatchObject({ error: { message: "vars.x: no such key: x" } });
    const output = begin([plain({ id: "s", type: "set", values: { a: 1 } })], {
      more: { output: { o: "{{ vars.b }}" } },
    });
    expect(now(output).ending).toMatchObject({ error: { message: "output.o: no such key: b" } });
  });
});

describe("an attempt that failed", () => {
  test("says why while the next one is waited for", () => {
    const game = begin([action("a", { retry: { attempts: 3 } })]);
    failed(game, "a", "http.503", { message: "closed for the night" });
    expect(now(game).steps.a).toMatchObject({
      status: "retrying",
      error: { reason: "http.503", message: "closed for the night" },
    });
  });
});

describe("time that is over", () => {
  test.each([
    [{ type: "event", signal: "s", timeout: 5 }, "nothing it waits for came in time"],
    [{ type: "approval", title: "Ok?", timeout: 5 }, "nobody answered in time"],
    [{ type: "action", action: "x", timeout: 5 }, "the attempt has not ended within its timeout"],
  ])("of %j says what was waited for", (step, message) => {
    const game = begin([plain({ id: "a", ...step })]);
    tick(game);
    expect(now(game).steps.a?.error).toEqual({ reason: "timeout", message });
  });
});

/** Without what only an action has. */
function plain(step: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (step.type === "action") return step;
  const { action: _, ...rest } = step;
  return rest;
}
