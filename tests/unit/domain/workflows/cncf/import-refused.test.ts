/** What is said of documents that cannot be taken over. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CNCF_CHARS_MAX,
  importCncf,
  importCncfText,
  isCncf,
} from "../../../../../domain/workflows/cncf/import.ts";
import { DOCUMENT, going, jq } from "./support.ts";

describe("refused", () => {
  test("everything at once, each with its place", () => {
    const imported = importCncf({
      document: { ...DOCUMENT, dsl: "0.8", tag: 1 },
      do: [
        { a: { set: { x: jq(".[]") }, ...going("nowhere"), timeout: { after: "P1Y" } } },
        { b: { wait: "PT1.5X" } },
        { c: { for: { in: ".x" }, do: [{ d: { set: { y: 1 }, ...going("end") } }] } },
        { e: {} },
        { f: { try: [{ g: { set: { x: 1 } } }], catch: { retry: "none" } } },
        "h",
      ],
    });
    if (imported.ok) throw new Error("imported");
    expect(imported.failure.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      "/document/tag invalid",
      "/document/dsl not_supported",
      "/do/5 invalid",
      "/do/0/a/then unknown_reference",
      "/do/0/a/timeout not_supported",
      "/do/0/a/set/x expression",
      "/do/1/b/wait invalid",
      "/do/2/c/do/0/d/then not_supported",
      "/do/3/e invalid",
      "/do/4/f/catch/retry unknown_reference",
    ]);
  });

  test.each([
    ["no YAML", "a: [", "not_yaml"],
    [
      "an alias bomb",
      `a: &a [${"x,".repeat(50)}]\nb: &b [${"*a,".repeat(50)}]\nc: [${"*b,".repeat(50)}]`,
      "not_yaml",
    ],
    ["another document", "id: x", "invalid"],
    ["a number", "1", "invalid"],
    ["a text too long", `# ${"x".repeat(CNCF_CHARS_MAX)}`, "too_large"],
    [
      "too deep",
      `document: {dsl: 1.0.3, metadata: ${"[".repeat(100)}${"]".repeat(100)}}`,
      "too_large",
    ],
  ])("%s", (_, text, reason) => {
    expect(importCncfText(text)).toMatchObject({ failure: [{ reason }] });
  });

  test("more steps than a definition has", () => {
    const tasks = Array.from({ length: 201 }, (_, n) => ({ [`t${n}`]: { set: { n } } }));
    const imported = importCncf({ document: DOCUMENT, do: tasks });
    expect(imported).toMatchObject({ ok: false });
    if (!imported.ok) expect(imported.failure[0]?.reason).toBe("no_definition");
  });

  test("any JSON in any place: a definition or reasons, never a throw", () => {
    const key = fc.constantFrom(
      "set",
      "do",
      "for",
      "in",
      "switch",
      "when",
      "then",
      "try",
      "catch",
      "fork",
      "branches",
      "call",
      "with",
      "endpoint",
      "raise",
      "error",
      "wait",
      "listen",
      "to",
      "one",
      "run",
      "workflow",
      "emit",
      "event",
      "input",
      "output",
      "as",
      "from",
      "retry",
      "errors",
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "medium" },
        fc.constantFrom<unknown>("http", jq(".a"), "a", null, 1, true, [], {}),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 3 }),
      ),
    }));
    const task = fc.dictionary(key, tree, { maxKeys: 3 });
    fc.assert(
      fc.property(fc.array(task, { maxLength: 3 }), tree, (tasks, other) => {
        const list = tasks.map((one, at) => ({ [`t${at}`]: one }));
        const imported = importCncf({
          document: DOCUMENT,
          do: list,
          schedule: other,
          use: other,
          timeout: other,
        });
        if (!imported.ok) expect(imported.failure.length).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  test("is told from our own documents", () => {
    expect(isCncf({ document: DOCUMENT })).toBe(true);
    expect([null, [], {}, { id: "x", steps: [] }].some(isCncf)).toBe(false);
  });
});
