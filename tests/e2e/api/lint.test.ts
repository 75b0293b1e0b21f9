/** The OpenAPI document, as a linter that did not grow up with it sees it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestHub, type TestHub } from "../../support/runtime.ts";

let running: TestHub;
const dir = mkdtempSync(join(tmpdir(), "omni-edge-openapi-"));

beforeAll(async () => {
  running = await startTestHub();
});
afterAll(async () => {
  await running?.remove();
  rmSync(dir, { recursive: true, force: true });
});

test("redocly's recommended rules find nothing to say", async () => {
  const document = await (await fetch(`${running.hub.url}/openapi.json`)).text();
  const file = join(dir, "openapi.json");
  writeFileSync(file, document);
  const report = lint(file);
  expect(report.problems).toEqual([]);
  expect(report.totals).toMatchObject({ errors: 0, warnings: 0 });
});

interface Report {
  readonly totals: { readonly errors: number; readonly warnings: number };
  readonly problems: readonly unknown[];
}

function lint(file: string): Report {
  const cli = join("node_modules", "@redocly", "cli", "bin", "cli.js");
  const arguments_ = [cli, "lint", file, "--config", "redocly.yaml", "--format", "json"];
  const options = {
    encoding: "utf8",
    env: { ...process.env, REDOCLY_TELEMETRY: "off", CI: "true" },
  } as const;
  let output: string;
  try {
    output = execFileSync(process.execPath, arguments_, {
      ...options,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch (error) {
    output = (error as { stdout: string }).stdout;
  }
  const report = JSON.parse(output.slice(output.indexOf("{"))) as Report;
  return {
    totals: report.totals,
    problems: report.problems.map(
      (problem) => (problem as { message: string; ruleId: string }).message,
    ),
  };
}
