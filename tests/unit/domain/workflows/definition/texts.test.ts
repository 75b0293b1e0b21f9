/** Texts that are no documents, or hostile ones: refused with their line, in time. */
import { describe, expect, test } from "vitest";
import {
  DEFINITION_CHARS_MAX,
  FAULTS_MAX,
} from "../../../../../domain/workflows/definition/limits.ts";
import { loadDefinition } from "../../../../../domain/workflows/definition/load.ts";
import { cpuMs } from "../../../../support/cpu-clock.ts";

describe("texts", () => {
  const texts: readonly (readonly [string, string, string, number])[] = [
    ["broken YAML", "id: x\nsteps: [a, b\nname: y", "syntax", 3],
    ["broken JSON", '{"id": "x",\n "steps": [}\n}', "syntax", 2],
    ["tabs", "id: x\n\tname: y", "syntax", 2],
    ["several documents", "id: x\n---\nid: y", "syntax", 2],
    ["a tag that would build something", "id: !!js/function x", "syntax", 1],
    ["a key that is a list", "? [a]\n: 1", "syntax", 1],
    ["a key that stands twice", "id: x\nname: a\nname: b", "duplicate_key", 3],
    ["a key that stands twice in JSON", '{"id": "x", "id": "y"}', "duplicate_key", 1],
    ["nothing", "", "schema", 1],
    ["a list", "- a", "schema", 1],
    ["a text", "hello", "schema", 1],
    ["a longer text than is allowed", " ".repeat(DEFINITION_CHARS_MAX + 1), "too_large", 1],
    ["a bomb of aliases", bomb(), "aliases", 1],
    ["an alias of nothing", "id: x\nname: *a", "syntax", 2],
    ["an alias of itself", "a: &a [*a]", "too_deep", 1],
    ["deep nesting", `a: ${"[".repeat(100)}${"]".repeat(100)}`, "too_deep", 1],
    ["very deep nesting", "[".repeat(50_000), "too_deep", 1],
    ["very many values", `a: [${"1,".repeat(30_000)}1]`, "too_large", 1],
  ];
  test.each(texts)("%s", (_, text, reason, line) => {
    const startMs = cpuMs();
    const loaded = loadDefinition(text);
    expect(loaded).toMatchObject({ ok: false });
    expect(loaded.ok ? [] : loaded.failure[0]).toMatchObject({ reason, line });
    expect(cpuMs() - startMs).toBeLessThan(3000);
  });

  test.each([
    ["repeated anchors", "&a ".repeat(40_000)],
    ["open quotes", '"'.repeat(DEFINITION_CHARS_MAX)],
    ["very many keys", Array.from({ length: 14_000 }, (_, i) => `k${i}: 1`).join("\n")],
  ])("%s are refused in time, and not all told", (_, text) => {
    const startMs = cpuMs();
    const loaded = loadDefinition(text);
    expect(loaded.ok ? 0 : loaded.failure.length).toBeGreaterThan(50);
    expect(loaded.ok ? 0 : loaded.failure.length).toBeLessThanOrEqual(FAULTS_MAX + 1);
    expect(cpuMs() - startMs).toBeLessThan(5000);
  });
});

function bomb(): string {
  const lines = ["a0: &a0 [x]"];
  for (let i = 1; i < 10; i++)
    lines.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(",")}]`);
  return lines.join("\n");
}
