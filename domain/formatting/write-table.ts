/**
 * No chat knows tables: a narrow one becomes aligned columns in a code block, a wider one
 * `header: value` lines per row, one that would grow too much that way plain rows.
 */
import { besideAddress, type DialectRules } from "./dialects.ts";
import type { Cell, Run } from "./document.ts";

/** Headers longer than this in all would be repeated in every row for too many characters. */
const HEADER_CHARS_MAX = 200;
const HEADERS_MAX = 12;
const SEPARATOR = " | ";

export type TableLines =
  | { readonly kind: "code"; readonly lines: readonly string[] }
  /** `apart`: a blank line between rows. Each row is one or more lines of runs. */
  | { readonly kind: "rows"; readonly apart: boolean; readonly rows: readonly (readonly Cell[])[] };

/** Lays a table out for a dialect. */
export function tableLines(
  header: readonly Cell[],
  rows: readonly (readonly Cell[])[],
  rules: DialectRules,
): TableLines {
  const texts = [header, ...rows].map((row) => row.map(spelledOf));
  const widths = header.map((_, at) => widest(texts, at));
  const total = widths.reduce((sum, width) => sum + width + SEPARATOR.length, -SEPARATOR.length);
  if (total <= rules.tableColumnsMax) return { kind: "code", lines: aligned(texts, widths) };
  const headerChars = texts[0]?.join("").length ?? 0;
  const paired = headerChars <= HEADER_CHARS_MAX && header.length <= HEADERS_MAX && rows.length > 0;
  if (rules.fence === "none" || !paired) {
    return { kind: "rows", apart: false, rows: [header, ...rows].map((row) => [joined(row)]) };
  }
  return { kind: "rows", apart: true, rows: rows.map((row) => pairs(header, row)) };
}

/** A cell in code: no markup works there, so that addresses are spelled out. */
function spelledOf(cell: Cell): string {
  return cell
    .map((run) => (run.href === "" ? run.text || " " : besideAddress(run.text, run.href)))
    .join("");
}

function widest(texts: readonly (readonly string[])[], at: number): number {
  return texts.reduce((width, row) => Math.max(width, columnsOf(row[at] ?? "")), 0);
}

function aligned(texts: readonly (readonly string[])[], widths: readonly number[]): string[] {
  const lines = texts.map((row) =>
    widths
      .map((width, at) => (row[at] ?? "") + " ".repeat(width - columnsOf(row[at] ?? "")))
      .join(SEPARATOR)
      .trimEnd(),
  );
  const rule = widths.map((width) => "-".repeat(Math.max(width, 1))).join("-+-");
  return [lines[0] ?? "", rule, ...lines.slice(1)];
}

function pairs(header: readonly Cell[], row: readonly Cell[]): Cell[] {
  return row.flatMap((cell, at) => {
    if (cell.length === 0) return [];
    const name = header[at] ?? [];
    return [name.length === 0 ? cell : [...name, textRun(": "), ...cell]];
  });
}

function joined(row: readonly Cell[]): Cell {
  return row.flatMap((cell, at) => (at === 0 ? cell : [textRun(SEPARATOR), ...cell]));
}

function textRun(text: string): Run {
  return { kind: "text", text, href: "", marks: [] };
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Emoji_Presentation}/u;

/** Columns in a fixed-width font: East Asian wide signs and emoji take two. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const point of text) {
    columns += WIDE.test(point) ? 2 : 1;
  }
  return columns;
}
