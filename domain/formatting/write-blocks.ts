/**
 * Lays blocks out as lines in a dialect: prefixes, markers, fences, tables. Decides nothing about
 * lengths; the splitter does.
 */
import type { DialectRules } from "./dialects.ts";
import type { Atom, Block, Line, ListItem, Run } from "./document.ts";
import { atomLines, plainAtoms, wordAtom } from "./write-inlines.ts";
import { tableLines } from "./write-table.ts";

/** All lines of a document, in order. */
export function layOut(blocks: readonly Block[], rules: DialectRules): Line[] {
  const page: Page = { rules, lines: [], quotes: 0, fences: 0, gap: false, kept: false, lead: "" };
  writeBlocks(page, blocks, { quote: 0, indent: "" });
  return page.lines;
}

/** The lines so far and what the next one inherits. */
interface Page {
  readonly rules: DialectRules;
  readonly lines: Line[];
  quotes: number;
  fences: number;
  /** A blank line comes before the next line. */
  gap: boolean;
  /** The last line was a heading: the next one stays with it. */
  kept: boolean;
  /** Marker of a list item that has no line yet. */
  lead: string;
}

/** Where a block stands. */
interface Frame {
  readonly quote: number;
  readonly indent: string;
}

function writeBlocks(page: Page, blocks: readonly Block[], frame: Frame): void {
  for (const block of blocks) {
    page.gap ||= block.gap && page.lines.length > 0 && page.lead === "";
    writeBlock(page, block, frame);
  }
}

function writeBlock(page: Page, block: Block, frame: Frame): void {
  switch (block.kind) {
    case "paragraph":
      writeRuns(page, block.runs, frame);
      break;
    case "heading":
      writeHeading(page, block.level, block.runs, frame);
      break;
    case "code":
      writeCode(page, block.lines, block.language, frame);
      break;
    case "quote":
      writeQuote(page, block.blocks, frame);
      break;
    case "list":
      writeList(page, block.items, frame);
      break;
    case "table":
      writeTable(page, block.header, block.rows, frame);
      break;
    case "rule":
      pushLine(page, frame, [wordAtom("---", "", [])]);
      break;
  }
}

function writeRuns(page: Page, runs: readonly Run[], frame: Frame): void {
  const indented = page.lead + frame.indent !== "";
  for (const atoms of atomLines(runs, page.rules, indented)) pushLine(page, frame, atoms);
}

function writeHeading(page: Page, level: number, runs: readonly Run[], frame: Frame): void {
  const lead = frame.indent === "" && page.lead === "" ? page.rules.headingLead(level) : "";
  page.lead += lead;
  writeRuns(page, lead === "" ? runs.map(embolden) : runs, frame);
  page.kept = true;
}

function embolden(run: Run): Run {
  return { ...run, marks: ["bold", ...run.marks.filter((mark) => mark !== "bold")] };
}

function writeCode(page: Page, lines: readonly string[], language: string, frame: Frame): void {
  if (page.lead !== "") pushLine(page, frame, []);
  page.fences += 1;
  const { rules } = page;
  const drawn = rules.fence !== "none";
  const fence = drawn
    ? { id: page.fences, language: rules.fence === "bare" ? "" : language }
    : undefined;
  const quote = rules.fenceInQuote ? frame.quote : 0;
  const place = { quote, indent: drawn ? "" : frame.indent };
  for (const line of lines.length > 0 ? lines : [""]) {
    pushLine(page, place, plainAtoms(line, rules.escapeCode), fence);
  }
}

function writeQuote(page: Page, blocks: readonly Block[], frame: Frame): void {
  page.quotes += 1;
  if (page.lead !== "") pushLine(page, frame, []);
  writeBlocks(page, blocks, { quote: frame.quote || page.quotes, indent: "" });
}

function writeList(page: Page, items: readonly ListItem[], frame: Frame): void {
  for (const item of items) {
    page.gap ||= item.gap;
    const marker = item.ordinal === undefined ? page.rules.bullet : `${item.ordinal}. `;
    if (page.lead !== "") pushLine(page, frame, []);
    page.lead = frame.indent + marker + taskSign(item, page.rules);
    writeBlocks(page, item.blocks, { ...frame, indent: frame.indent + " ".repeat(marker.length) });
    if (page.lead !== "") pushLine(page, frame, []);
  }
}

function taskSign(item: ListItem, rules: DialectRules): string {
  if (item.done === undefined) return "";
  return item.done ? rules.tasks.done : rules.tasks.todo;
}

function writeTable(
  page: Page,
  header: readonly (readonly Run[])[],
  rows: readonly (readonly (readonly Run[])[])[],
  frame: Frame,
): void {
  const table = tableLines(header, rows, page.rules);
  if (table.kind === "code") {
    writeCode(page, table.lines, "", frame);
    return;
  }
  for (const [at, row] of table.rows.entries()) {
    page.gap ||= at > 0 && table.apart;
    for (const runs of row) writeRuns(page, runs, frame);
  }
}

function pushLine(
  page: Page,
  frame: Frame,
  atoms: readonly Atom[],
  fence: Line["fence"] = undefined,
): void {
  const last = page.lines.at(-1);
  const within = last !== undefined && last.quote === frame.quote && frame.quote > 0;
  const gap = page.gap && !(within && !page.rules.blankInQuote);
  const paragraph = page.gap && !page.kept;
  const lead = page.lead || frame.indent;
  page.lines.push({
    gap,
    paragraph,
    quote: frame.quote,
    fence,
    lead,
    hang: frame.indent,
    atoms,
  });
  page.gap = false;
  page.kept = false;
  page.lead = "";
}
