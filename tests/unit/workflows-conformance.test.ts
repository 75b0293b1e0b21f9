/** The conformance command on `DIR/workflows`: the shared case files, and a directory without any. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runWorkflowsConformance } from "../../dev/conformance/workflows.ts";

const FIXTURES = join(import.meta.dirname, "../../../shared/fixtures");
const present = existsSync(join(FIXTURES, "workflows"));

test("says nothing where there is no workflows folder", async () => {
  expect(await runWorkflowsConformance(import.meta.dirname)).toEqual([]);
});

describe.skipIf(!present)("the shared case files (skipped where ../shared is absent)", () => {
  /** Scenarios that call an OpenAPI document, which imports refuse by name. */
  const LEFT_OUT: Readonly<Record<string, number>> = { "workflows/ctk/ctk.parsed.json": 2 };

  test("every case holds", { timeout: 60_000 }, async () => {
    const lines = await runWorkflowsConformance(FIXTURES);
    expect(lines.map(({ file }) => file).sort()).toEqual([
      "workflows/cron/cases.json",
      "workflows/ctk/ctk.parsed.json",
      "workflows/definitions/agent-creation-scenarios.json",
      "workflows/definitions/claims-billing-scenarios.json",
    ]);
    for (const line of lines) {
      expect(line).toMatchObject({ outcome: "passed" });
      expect(line.left_out ?? 0).toBe(LEFT_OUT[line.file] ?? 0);
      expect(line.cases).toBeGreaterThan(5);
    }
  });
});
