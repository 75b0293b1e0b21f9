/** Holds the map of guarantees against the tests there are: each guarantee, bar and requirement names some, and all exist. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/design/guarantees.md"), "utf8");
const TEST_PATH = /`?(tests\/[\w./-]+)`?/g;
/** Requirements whose acceptance is that nothing is lost, doubled, swapped, leaked or stuck. */
const REQUIREMENTS = [
  ...["MSG-12", "MSG-14", "T251", "T254", "T255", "T256", "T257", "T258", "T259", "T260", "T261"],
  ...["T263", "T264", "T267", "T268", "T269", "T270", "T272", "T273", "T275", "T277", "T278"],
  ...["T279", "T283", "T284", "T285", "SAGA-1", "SVC-1", "SVC-2", "SVC-3", "SVC-7", "SVC-9"],
];

function testsIn(text: string): readonly string[] {
  return [...text.matchAll(TEST_PATH)].map(([, path = ""]) => path.replace(/[./]+$/, ""));
}

function rowsOf(heading: string): readonly string[] {
  const section = PAGE.split(/^## /m).find((one) => one.startsWith(heading)) ?? "";
  return section.split("\n").filter((line) => /^\| (?!---)/.test(line));
}

test("every test it names exists", () => {
  const named = testsIn(PAGE);
  expect(named.length).toBeGreaterThan(60);
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

describe("names at least one test for", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])("G%i", (number) => {
    const section = PAGE.split(/^## /m).find((one) => one.startsWith(`G${number} `)) ?? "";
    expect(testsIn(section).length).toBeGreaterThan(0);
  });

  test.each(Array.from({ length: 12 }, (_, index) => index + 1))("bar B%i", (number) => {
    const [row = "", ...more] = rowsOf("Bars").filter((line) => line.startsWith(`| B${number} `));
    expect(more).toEqual([]);
    expect([...testsIn(row), ...row.matchAll(/npm run crash/g)].length).toBeGreaterThan(0);
  });

  test.each(REQUIREMENTS)("requirement %s", (id) => {
    const rows = rowsOf("Requirements").filter((line) =>
      new RegExp(`\\b${id}\\b`).test(line.split("|")[1] ?? ""),
    );
    expect(rows.length).toBe(1);
    expect(testsIn(rows[0] ?? "").length).toBeGreaterThan(0);
  });
});
