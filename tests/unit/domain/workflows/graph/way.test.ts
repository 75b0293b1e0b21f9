/** The way of a run in its picture: marked is what was gone, not what merely lies between steps that were reached. */
import { describe, expect, test } from "vitest";
import type { StepState } from "../../../../../domain/workflows/graph/model.ts";
import { graphOf } from "../../../../../domain/workflows/graph/model.ts";
import { wayOf } from "../../../../../domain/workflows/graph/way.ts";
import { action, begin, defined, done, failed, type Game, now } from "../run/play.ts";

function takenBy(game: Game, steps: Parameters<typeof defined>[0]): readonly string[] {
  const state = now(game);
  const states = Object.fromEntries(
    Object.values(state.steps).map(({ id, status }) => [id, status as StepState]),
  );
  return graphOf(defined(steps), states, wayOf(state))
    .edges.filter(({ taken }) => taken)
    .map(({ from, kind, to }) => `${from} ${kind} ${to}`);
}

describe("the way a run took", () => {
  const asked = [
    { id: "large", type: "decision", condition: "input.n > 1", next: ["ask", "tell"] },
    action("ask", { next: "tell" }),
    action("tell"),
  ];

  test.each([
    [2, ["(start) start large", "large true ask", "ask next tell", "tell end (end)"]],
    [1, ["(start) start large", "large false tell", "tell end (end)"]],
  ])("a decision goes one way, though both of its steps were reached (%s)", (n, expected) => {
    const game = begin(asked, { input: { n } });
    if (n === 2) done(game, "ask");
    done(game, "tell");
    expect(takenBy(game, asked)).toEqual(expected);
  });

  test("a guard that held does not end there, and one that did not does", () => {
    const steps = [
      { id: "guard", type: "decision", condition: "input.n > 1", next: "tell" },
      action("tell"),
    ];
    const held = begin(steps, { input: { n: 2 } });
    done(held, "tell");
    expect(takenBy(held, steps)).not.toContain("guard end (end)");
    expect(takenBy(begin(steps, { input: { n: 1 } }), steps)).toContain("guard end (end)");
  });

  test("of a circle both ways were gone, each in another round", () => {
    const steps = [
      action("try", { next: "again" }),
      { id: "again", type: "decision", condition: "steps.try.output", next: ["try", "tell"] },
      action("tell"),
    ];
    const game = begin(steps);
    done(game, "try", true);
    done(game, "try#2", false);
    expect(takenBy(game, steps)).toEqual(
      expect.arrayContaining(["again true try", "again false tell"]),
    );
  });

  test("branches come to their join, and an error to its handler", () => {
    const steps = [
      { id: "p", type: "parallel", next: ["a", "b"], join: "j" },
      action("a", { onError: "h" }),
      action("b"),
      action("h", { next: "c" }),
      action("c"),
      action("j"),
    ];
    const game = begin(steps);
    failed(game, "a");
    done(game, "h");
    done(game, "c");
    done(game, "b");
    expect(takenBy(game, steps)).toEqual([
      "(start) start p",
      "p branch a",
      "p branch b",
      "a error h",
      "b join j",
      "h next c",
      "c join j",
    ]);
  });
});
