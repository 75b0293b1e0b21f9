/** Definitions that the documentation shows can be uploaded, and name actions that there are. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadDefinition } from "../../../../domain/workflows/definition/load.ts";
import { mermaidOf } from "../../../../domain/workflows/graph/mermaid.ts";
import { graphOf } from "../../../../domain/workflows/graph/model.ts";

const PAGE = readFileSync("docs/workflows.md", "utf8");
const SHOWN = [...PAGE.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);
const REGISTRY = readFileSync("workers/workflows/actions/registry.ts", "utf8");

test("there are some", () => {
  expect(SHOWN.length).toBeGreaterThanOrEqual(2);
});

describe.each(SHOWN.map((text) => [/^id: (\S+)/.exec(text)?.[1] ?? "", text]))("%s", (id, text) => {
  const loaded = loadDefinition(text);

  test("has no fault", () => {
    expect(loaded).toMatchObject({ ok: true, value: { id } });
  });

  test("calls what the hub can", () => {
    const steps = loaded.ok ? loaded.value.steps : [];
    const actions = steps.flatMap((step) => (step.type === "action" ? [step.action] : []));
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(REGISTRY).toMatch(new RegExp(`\\["?${action}"?,`));
  });

  test("can be drawn", () => {
    expect(loaded.ok && mermaidOf(graphOf(loaded.value))).toContain("flowchart TD");
  });
});

test("every type of step is told of", () => {
  const source = readFileSync("schema/workflow-step.ts", "utf8");
  const types = [...source.matchAll(/type: z\.literal\("(\w+)"\)/g)].map(([, type]) => type);
  expect(types.length).toBe(12);
  for (const type of types) expect(PAGE).toContain(`| \`${type}\` |`);
});
