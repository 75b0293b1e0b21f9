/**
 * Holds the documents against the code: links, scripts, paths, variables and limits that a page names exist
 * and have the value it gives. Judges no prose.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { parseVars } from "../../schema/vars.ts";

const ROOT = join(import.meta.dirname, "../..");
const SKIPPED = new Set(["node_modules", ".git", ".state", ".wrangler", "dist", "coverage"]);
const REPOSITORY_PATH =
  /^(?:schema|domain|channels|platform|durable-objects|workers|simulators|dev|bench|migrations|tests|docs|\.ci)\/[\w./-]*\w$/;

const PAGES = pagesBelow(ROOT);

function pagesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : pagesBelow(path);
    return entry.name.endsWith(".md") ? [relative(ROOT, path)] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** A page without its code blocks. */
function prose(path: string): string {
  return read(path).replaceAll(/^```[\s\S]*?^```/gm, "");
}

/** As GitHub makes them: lower case, signs dropped, spaces to dashes. */
function anchorsOf(path: string): string[] {
  return [...prose(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

function linksOf(path: string): string[] {
  const text = prose(path).replaceAll(/`[^`\n]*`/g, "code");
  const targets = [...text.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/i.test(target));
}

/** Why a link leads nowhere, or undefined. */
function broken(page: string, link: string): string | undefined {
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? page : relative(ROOT, join(ROOT, dirname(page), file));
  if (!existsSync(join(ROOT, target))) return `${link}: no such file`;
  if (anchor === undefined || anchorsOf(target).includes(anchor)) return undefined;
  return `${link}: no such heading`;
}

describe("every page", () => {
  test("the pages are there", () => {
    expect(PAGES).toEqual(expect.arrayContaining(["README.md", "docs/limits.md"]));
  });

  test.each(PAGES)("%s: links lead somewhere", (page) => {
    const faults = linksOf(page).map((link) => broken(page, link));
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });

  test.each(PAGES)("%s: files and scripts it names exist", (page) => {
    const text = read(page);
    const paths = [...text.matchAll(/`([^`\s]+)`/g)].map(([, path = ""]) => path);
    const missing = paths.filter(
      (path) => REPOSITORY_PATH.test(path) && !existsSync(join(ROOT, path)),
    );
    expect(missing).toEqual([]);
    const known = Object.keys(JSON.parse(read("package.json")).scripts as object);
    const scripts = [...text.matchAll(/npm run ([a-z][\w:]*)/g)].map(([, name]) => name);
    expect(scripts.filter((name) => !known.includes(name ?? ""))).toEqual([]);
  });
});

/** Cells of the table rows whose first cell is a name in code type. */
function rowsOf(page: string): { readonly name: string; readonly cells: readonly string[] }[] {
  return read(page)
    .split("\n")
    .flatMap((line) => {
      const [name, ...cells] = line.split(" | ").map((cell) => cell.replaceAll(/^\||\|$/g, ""));
      const code = /^ ?`([A-Z][A-Z0-9_]+)`$/.exec(name?.trimEnd() ?? "")?.[1];
      return code === undefined ? [] : [{ name: code, cells: cells.map((cell) => cell.trim()) }];
    });
}

const SECRETS = {
  ID_SECRET: "an id secret for this test",
  KEK: "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
  MEDIA_SECRET: "a media secret for this test",
};

describe("the README's variables", () => {
  const rows = rowsOf("README.md");

  test("are those of schema/vars.ts, no more and no fewer", () => {
    const inCode = [...read("schema/vars.ts").matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(
      ([, name]) => name,
    );
    expect(inCode.length).toBeGreaterThan(10);
    expect(rows.map(({ name }) => name).toSorted()).toEqual(inCode.toSorted());
  });

  test("have the default that it says", () => {
    const defaults = new Map(Object.entries(parseVars(SECRETS)).map(([k, v]) => [k, String(v)]));
    const shown = rows.filter(({ cells }) => /^(?:\d+|`[^`]+`)$/.test(cells[0] ?? ""));
    expect(shown.length).toBeGreaterThan(5);
    for (const { name, cells } of shown) {
      expect([name, cells[0]?.replaceAll("`", "")]).toEqual([name, defaults.get(name)]);
    }
  });
});

/** The value of `const NAME = …` where it is a product of numbers, or of a variable's default. */
function valueIn(path: string, name: string): number | undefined {
  const source = read(path);
  const text =
    new RegExp(String.raw`const ${name}(?:: number)? = ([\d_ *]+);`).exec(source)?.[1] ??
    new RegExp(String.raw`\b${name}: int\(([\d_ *]+),`).exec(source)?.[1];
  return text?.split("*").reduce((product, part) => product * Number(part.replaceAll("_", "")), 1);
}

describe("docs/limits.md", () => {
  const rows = rowsOf("docs/limits.md");

  test("has rows", () => {
    expect(rows.length).toBeGreaterThan(50);
  });

  test.each(rows.map(({ name, cells }) => ({ name, cells, path: cells[3] ?? "" })))(
    "$name in $path has the value that it says",
    ({ name, cells, path }) => {
      const said = Number(/^[\d,]+/.exec(cells[0] ?? "")?.[0].replaceAll(",", ""));
      expect(valueIn(path.replaceAll("`", ""), name)).toBe(said);
    },
  );
});
