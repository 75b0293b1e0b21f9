/** The OpenAPI document, as two linters that did not grow up with it see it. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestHub, type TestHub } from "../../support/runtime.ts";

const REDOCLY = "node_modules/@redocly/cli/bin/cli.js";
const SPECTRAL = "dev/lint/node_modules/@stoplight/spectral-cli/dist/index.js";

let running: TestHub;
const dir = mkdtempSync(join(tmpdir(), "omni-edge-openapi-"));
const file = join(dir, "openapi.json");
const spoiled = join(dir, "spoiled.json");

beforeAll(async () => {
  running = await startTestHub();
  const document = await (await fetch(`${running.hub.url}/openapi.json`)).text();
  writeFileSync(file, document);
  writeFileSync(spoiled, document.replace('"operationId":"listTenants"', '"operationId":"a b"'));
});
afterAll(async () => {
  await running?.remove();
  rmSync(dir, { recursive: true, force: true });
});

describe("redocly's recommended rules", () => {
  test("find nothing to say", () => {
    expect(redocly(file)).toEqual([]);
  });

  test("do find what was spoiled", () => {
    expect(redocly(spoiled)).toContain("operation-operationId-url-safe");
  });
});

// Skipped before `npm ci --prefix dev/lint` (.ci/run does it): a large package, and no part of the product.
describe.skipIf(!existsSync(SPECTRAL))("spectral's recommended rules", () => {
  test("find nothing to say", () => {
    expect(spectral(file)).toEqual([]);
  });

  test("do find what was spoiled", () => {
    expect(spectral(spoiled)).toContain("operation-operationId-valid-in-url");
  });
});

/** What the linter says: the rules that were broken. */
function redocly(path: string): readonly string[] {
  const output = run([REDOCLY, "lint", path, "--config", "redocly.yaml", "--format", "json"]);
  const report = JSON.parse(output.slice(output.indexOf("{"))) as {
    readonly problems: readonly { readonly ruleId: string }[];
  };
  return report.problems.map(({ ruleId }) => ruleId);
}

function spectral(path: string): readonly string[] {
  const options = ["--ruleset", ".spectral.yaml", "--fail-severity", "hint", "--format", "json"];
  const output = run([SPECTRAL, "lint", path, "--quiet", ...options]);
  return (JSON.parse(output) as readonly { readonly code: string }[]).map(({ code }) => code);
}

/** What a linter writes, whatever its exit code. */
function run(arguments_: readonly string[]): string {
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", CI: "true" };
  try {
    return execFileSync(process.execPath, arguments_, {
      encoding: "utf8",
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
