/** Pictures of definitions and runs: what is in them. */
import { describe, expect, test } from "vitest";
import { loadDefinition } from "../../../../../domain/workflows/definition/load.ts";
import { layoutOf, NODE_HEIGHT, NODE_WIDTH } from "../../../../../domain/workflows/graph/layout.ts";
import { mermaidOf } from "../../../../../domain/workflows/graph/mermaid.ts";
import { graphOf, type RunStates } from "../../../../../domain/workflows/graph/model.ts";
import { svgOf } from "../../../../../domain/workflows/graph/svg.ts";
import type { WorkflowDefinition } from "../../../../../schema/workflow.ts";
import { cpuMs } from "../../../../support/cpu-clock.ts";
import { action, definitionOf, EVERY_TYPE } from "../definition/samples.ts";

function everyType(): WorkflowDefinition {
  const loaded = loadDefinition(EVERY_TYPE);
  if (!loaded.ok) throw new Error("the sample does not load");
  return loaded.value;
}

const SAGA = definitionOf(
  [
    action("a", { next: "p" }),
    { id: "p", type: "parallel", next: ["b", "c"], join: "d" },
    action("b"),
    action("c"),
    action("d"),
    action("undo-a"),
  ],
  { compensation: { a: "undo-a" } },
);

const edgeTexts = (definition: WorkflowDefinition, states?: RunStates) =>
  graphOf(definition, states).edges.map(
    ({ from, kind, to, taken }) => `${taken ? "*" : ""}${from} ${kind} ${to}`,
  );

describe("edges", () => {
  test("branches go to the join, undos beside the flow", () => {
    expect(edgeTexts(SAGA)).toEqual([
      "(start) start a",
      "a next p",
      "p branch b",
      "p branch c",
      "b join d",
      "c join d",
      "d end (end)",
      "a undo undo-a",
    ]);
  });

  test("a body goes back to its loop", () => {
    const looped = definitionOf([
      { id: "l", type: "loop", times: 2, do: "x", next: "y" },
      action("x"),
      action("y"),
    ]);
    expect(edgeTexts(looped)).toContain("x back l");
  });

  test("a guard and a switch without a default can end", () => {
    const guarded = definitionOf([
      { id: "g", type: "decision", condition: "true", next: "s" },
      { id: "s", type: "switch", cases: [{ when: "true", next: "g" }] },
    ]);
    expect(edgeTexts(guarded)).toEqual([
      "(start) start g",
      "g true s",
      "g end (end)",
      "s case g",
      "s end (end)",
    ]);
  });

  test("steps that are not there are left out", () => {
    expect(edgeTexts(definitionOf([action("a", { next: "gone" })]))).toEqual(["(start) start a"]);
  });

  test("the way a run took", () => {
    const states: RunStates = {
      a: "compensated",
      p: "failed",
      b: "succeeded",
      c: "failed",
      "undo-a": "succeeded",
    };
    expect(edgeTexts(SAGA, states)).toEqual([
      "*(start) start a",
      "*a next p",
      "*p branch b",
      "*p branch c",
      "b join d",
      "c join d",
      "d end (end)",
      "*a undo undo-a",
    ]);
  });

  test("a way after an error", () => {
    const handled = definitionOf([
      action("a", { next: "b", onError: "e" }),
      action("b"),
      action("e", { next: "b" }),
    ]);
    expect(edgeTexts(handled, { a: "failed", e: "succeeded", b: "running" })).toEqual([
      "*(start) start a",
      "a next b",
      "*a error e",
      "b end (end)",
      "*e next b",
    ]);
  });
});

describe("an error chain without a next", () => {
  const ends = (steps: readonly object[], states?: RunStates) =>
    edgeTexts(definitionOf(steps), states).filter((edge) => /(end|join|back|failed) /.test(edge));
  const parallel = { id: "p", type: "parallel", next: ["b", "c"], join: "d" };
  const branches = [action("b", { onError: "e" }), action("c"), action("d")];

  test("fails the run", () => {
    expect(ends([action("a", { onError: "e" }), action("e")])).toEqual([
      "a end (end)",
      "e failed (end)",
    ]);
  });

  test("fails its branch: it never comes to the join", () => {
    const steps = [parallel, ...branches, action("e")];
    expect(ends(steps)).toEqual(["b join d", "c join d", "d end (end)", "e failed (end)"]);
    expect(mermaidOf(graphOf(definitionOf(steps)))).toContain('s5 -.->|"failed"| finish');
    const states: RunStates = { p: "failed", b: "failed", c: "succeeded", e: "succeeded" };
    expect(ends(steps, states)).toContain("*e failed (end)");
  });

  test("fails its branch: the parallel step's own chain goes on", () => {
    const handled = { ...parallel, onError: "f" };
    const steps = [handled, ...branches, action("e"), action("f", { next: "d" })];
    expect(ends(steps)).toEqual(["b join d", "c join d", "d end (end)", "e failed f"]);
  });

  test("fails a round, and what is around it", () => {
    const loop = { id: "l", type: "loop", times: 2, do: "b", next: "d" };
    const steps = [loop, action("b", { onError: "e" }), action("e"), action("d")];
    expect(ends(steps)).toEqual(["b back l", "e failed (end)", "d end (end)"]);
    const around = { ...loop, onError: "f" };
    expect(ends([around, ...steps.slice(1), action("f")])).toEqual([
      ...["b back l", "e failed f", "d end (end)", "f failed (end)"],
    ]);
  });

  test("that has a next has handled the error, and that of an error chain's step has not", () => {
    const steps = [parallel, ...branches, action("e", { next: "g", onError: "h" })];
    expect(ends([...steps, action("g"), action("h")])).toEqual([
      ...["b join d", "c join d", "d end (end)", "g join d", "h failed (end)"],
    ]);
  });

  test("that flow comes to as well ends either way", () => {
    const steps = [
      action("a", { next: "b", onError: "e" }),
      action("b", { next: "e" }),
      action("e"),
    ];
    expect(ends(steps)).toEqual(["e end (end)"]);
  });

  test("that splits ends where its branches end", () => {
    const split = { id: "e", type: "parallel", next: ["x", "y"] };
    const steps = [action("a", { onError: "e" }), split, action("x"), action("y")];
    expect(ends(steps)).toEqual(["a end (end)", "x failed (end)", "y failed (end)"]);
  });
});

describe("Mermaid", () => {
  test("of a run", () => {
    const two = definitionOf([
      action("a", { next: "b" }),
      { id: "b", type: "decision", condition: "input.n > 1", next: ["c"] },
      action("c"),
    ]);
    expect(mermaidOf(graphOf(two, { a: "succeeded", b: "failed" }))).toBe(`flowchart TD
  start(("Start"))
  s1["a<br/>do.it<br/>succeeded"]
  s2{"b<br/>input.n #62; 1<br/>failed"}
  s3["c<br/>do.it"]
  finish((("End")))
  start --> s1
  s1 --> s2
  s2 -->|"yes"| s3
  s2 -->|"no"| finish
  s3 --> finish
  classDef succeeded fill:#dcfce7,stroke:#15803d,color:#14532d
  classDef running fill:#dbeafe,stroke:#1d4ed8,color:#1e3a8a
  classDef failed fill:#fee2e2,stroke:#b91c1c,color:#7f1d1d
  classDef compensated fill:#fef3c7,stroke:#b45309,color:#78350f
  classDef skipped fill:#f3f4f6,stroke:#6b7280,color:#374151
  class s1 succeeded
  class s2 failed
  linkStyle 0,1 stroke-width:3px
`);
  });

  test("of a definition marks nothing", () => {
    const text = mermaidOf(graphOf(SAGA));
    expect(text).not.toMatch(/class|linkStyle/);
  });
});

describe("SVG", () => {
  test("states are told by words and signs, not by colour alone", () => {
    const svg = svgOf(graphOf(SAGA, { a: "compensated", p: "failed", b: "compensation_failed" }));
    for (const told of ["↺ undone", "✗ failed", "✗ undo failed"]) expect(svg).toContain(told);
    expect(svg.match(/<g class="taken">/g)?.length).toBe(4);
  });

  test("no two nodes of a large definition cover each other", () => {
    const { nodes, width, height } = layoutOf(graphOf(everyType()));
    for (const [index, a] of nodes.entries()) {
      expect(a.x - NODE_WIDTH / 2).toBeGreaterThanOrEqual(0);
      expect(a.x + NODE_WIDTH / 2).toBeLessThanOrEqual(width);
      expect(a.y + NODE_HEIGHT / 2).toBeLessThanOrEqual(height);
      for (const b of nodes.slice(index + 1))
        expect(Math.abs(a.x - b.x) >= NODE_WIDTH || Math.abs(a.y - b.y) >= NODE_HEIGHT).toBe(true);
    }
  });

  test("flow goes down but where it closes a circle", () => {
    const { edges } = layoutOf(graphOf(everyType()));
    for (const { points, from, to } of edges)
      if (from !== to) expect(points[0]?.y).toBeLessThan(points.at(-1)?.y ?? 0);
    expect(edges.filter(({ backwards }) => backwards).length).toBeGreaterThan(0);
  });

  test("the largest definition takes no time", () => {
    const cases = (at: number) =>
      Array.from({ length: 30 }, (_, i) => ({ when: "true", next: `s${(at * 7 + i * 13) % 200}` }));
    const steps = Array.from({ length: 200 }, (_, at) => ({
      id: `s${at}`,
      type: "switch",
      cases: cases(at),
    }));
    const startMs = cpuMs();
    expect(svgOf(graphOf(definitionOf(steps)))).toContain("</svg>");
    expect(cpuMs() - startMs).toBeLessThan(3000);
  });
});
