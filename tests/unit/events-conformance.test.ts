/** The conformance command on `DIR/events`: on a directory of its own, and on the shared case files. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runEventsConformance } from "../../dev/conformance/events.ts";

const FIXTURES = join(import.meta.dirname, "../../../shared/fixtures");
const present = existsSync(join(FIXTURES, "events"));

describe("the conformance command on a directory of its own", () => {
  const directory = mkdtempSync(join(tmpdir(), "events-conformance-"));
  const filter = (match: boolean) => ({ cases: [{ input: { a: 1 }, filter: { a: 1 }, match }] });

  beforeAll(() => {
    mkdirSync(join(directory, "right/events"), { recursive: true });
    mkdirSync(join(directory, "wrong/events"), { recursive: true });
    write("right/events/json-filter.json", filter(true));
    write("right/events/unheard-of.json", {});
    write("right/events/readme.md", {});
    write("wrong/events/json-filter.json", filter(false));
    write("wrong/events/ssrf.json", []);
    write("wrong/events/topic-matching-exhaustive.json", { keys: [], patterns: [], extra: [] });
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  function write(name: string, json: unknown): void {
    writeFileSync(join(directory, name), JSON.stringify(json));
  }

  test("cases that hold pass, each also turned round; files it does not know are skipped", async () => {
    expect(await runEventsConformance(join(directory, "right"))).toEqual([
      { file: "events/json-filter.json", outcome: "passed", cases: 2 },
      {
        file: "events/unheard-of.json",
        outcome: "skipped",
        cases: 0,
        reason: "no runner for this file",
      },
    ]);
  });

  test("a case that does not hold, an unreadable file and an empty file fail", async () => {
    const lines = await runEventsConformance(join(directory, "wrong"));
    expect(lines.map(({ outcome }) => outcome)).toEqual(["failed", "failed", "failed"]);
    expect(lines[0]?.failures?.[0]).toBe('{"a":1} on {"a":1}: expected false, got true');
    expect(lines[1]?.failures?.[0]).toMatch(/^the whole file: threw TypeError/);
    expect(lines[2]?.failures).toEqual(["no cases found"]);
  });

  test("says nothing where there is no events folder", async () => {
    expect(await runEventsConformance(directory)).toEqual([]);
  });
});

describe.skipIf(!present)("the shared case files (skipped where ../shared is absent)", () => {
  /** Optional `$ref` filters; rows about requeueing and dispatch order, which the shard's own tests prove. */
  const LEFT_OUT: Readonly<Record<string, number>> = {
    "events/json-filter.json": 13,
    "events/dead-letter.json": 3,
  };

  test("every case of every file holds, and only CloudEvents SQL is skipped", async () => {
    const lines = await runEventsConformance(FIXTURES);
    expect(lines.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    const skipped = lines.filter(({ outcome }) => outcome === "skipped");
    expect(skipped.map(({ file }) => file)).toEqual(["events/cesql-tck.json"]);
    expect(lines.length).toBeGreaterThanOrEqual(10);
    for (const { file, left_out } of lines)
      expect([file, left_out]).toEqual([file, LEFT_OUT[file]]);
  });
});
