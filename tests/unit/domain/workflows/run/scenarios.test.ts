/** The scenarios of the shared definitions, and the runner of such scenarios on a definition of its own. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  play,
  runDefinitionScenarios,
} from "../../../../../dev/conformance/workflows-definitions.ts";
import { action, defined } from "./play.ts";

const FIXTURES = join(import.meta.dirname, "../../../../../../shared/fixtures");
const present = existsSync(join(FIXTURES, "workflows/definitions"));

describe("the runner", () => {
  const directory = mkdtempSync(join(tmpdir(), "workflow-definitions-"));
  const folder = join(directory, "workflows/definitions");
  afterAll(() => rmSync(directory, { recursive: true }));

  test("says what holds and what does not", () => {
    mkdirSync(folder, { recursive: true });
    const steps = [action("a", { next: "b" }), action("b"), action("u")];
    writeFileSync(
      join(folder, "one.json"),
      JSON.stringify(defined(steps, { compensation: { a: "u" } })),
    );
    const scenario = (status: string) => ({
      definition: "one.json",
      scenarios: [
        {
          name: "b fails",
          fail: { "do.b": -1 },
          expect: { status, calls: ["do.a", "do.b", "do.u"] },
        },
      ],
    });
    writeFileSync(join(folder, "right-scenarios.json"), JSON.stringify(scenario("compensated")));
    writeFileSync(join(folder, "wrong-scenarios.json"), JSON.stringify(scenario("completed")));
    writeFileSync(join(folder, "worse-scenarios.json"), "{}");
    const lines = runDefinitionScenarios(directory);
    expect(lines.map(({ outcome }) => outcome)).toEqual(["passed", "failed", "failed"]);
    expect(lines[2]?.failures).toEqual([
      'b fails: status: expected "completed", got "compensated"',
    ]);
    expect(runDefinitionScenarios(join(directory, "nowhere"))).toEqual([]);
  });

  test("a crash while an action runs repeats it under its key", () => {
    const { calls, state } = play(defined([action("a", { next: "b" }), action("b")]), {
      crashDuring: "do.a",
    });
    expect(calls.map(({ idempotencyKey, attempt }) => [idempotencyKey, attempt])).toEqual([
      ["run/a/0", 1],
      ["run/a/0", 1],
      ["run/b/0", 1],
    ]);
    expect(state.status).toBe("completed");
  });

  test("a sink of the trail that is down changes nothing", () => {
    const steps = [action("a")];
    const down = play(defined(steps), { fail: { audit: -1 } });
    expect(down.auditLost).toBeGreaterThan(0);
    expect(down.state).toEqual(play(defined(steps)).state);
  });
});

describe.skipIf(!present)("the shared scenarios (skipped where ../shared is absent)", () => {
  test("every scenario of every file holds, and a failure at every step in turn", () => {
    const lines = runDefinitionScenarios(FIXTURES);
    expect(lines.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
    expect(lines.map(({ file }) => file)).toEqual([
      "workflows/definitions/agent-creation-scenarios.json",
      "workflows/definitions/claims-billing-scenarios.json",
    ]);
    for (const { cases } of lines) expect(cases).toBeGreaterThanOrEqual(15);
  });
});
