import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { intOption, parseOptions } from "../../../dev/options.ts";
import { readSeed } from "../../../dev/seed.ts";

const folder = mkdtempSync(join(tmpdir(), "omni-edge-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function seedOf(value: unknown): string {
  const path = join(folder, "seed.json");
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

test("an unknown option and a stray argument are refused by name", () => {
  const known = { port: { type: "string" } } as const;
  expect(parseOptions(["--port", "80"], known)).toEqual({ port: "80" });
  expect(() => parseOptions(["--prot", "80"], known)).toThrow("'--prot'");
  expect(() => parseOptions(["extra"], known)).toThrow("'extra'");
});

test("a number outside its bounds is refused with them", () => {
  const bounds = { fallback: 8787, min: 0, max: 65_535 };
  expect(intOption("port", undefined, bounds)).toBe(8787);
  expect(intOption("port", "0", bounds)).toBe(0);
  for (const text of ["-1", "65536", "eighty", "8.5"]) {
    expect(() => intOption("port", text, bounds)).toThrow("--port: expected a whole number");
  }
});

test("a seed file's unknown key is refused with its path", () => {
  const path = seedOf({
    tenants: [
      {
        id: "acme",
        connections: [
          {
            id: "acme-slack",
            channel: "slack",
            teamId: "T1",
            chanel: "x",
            credentials: { signingSecret: "s" },
          },
        ],
      },
    ],
  });
  expect(() => readSeed(path)).toThrow("tenants.0.connections.0.chanel: unknown key");
});

test("what is no JSON, or not there, is refused by name", () => {
  expect(() => readSeed(seedOf("{"))).toThrow("seed.json: SyntaxError");
  expect(() => readSeed(join(folder, "none.json"))).toThrow("cannot read the seed file");
});

test("a good seed file gives its tenants", () => {
  expect(readSeed(seedOf({ tenants: [{ id: "acme" }] }))).toMatchObject([
    { id: "acme", connections: [], apiKeys: [] },
  ]);
});
