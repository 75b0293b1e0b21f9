/**
 * Pipe tables: a header line, a delimiter row with as many cells, body rows until a line without a
 * pipe. Alignment is dropped, since no chat shows it.
 */
import type { BlockContent, Cell } from "./document.ts";
import { readInlines } from "./read-inlines.ts";

/** Whether a table's header stands at `at`. */
export function isTableAt(lines: readonly string[], at: number): boolean {
  const [header, delimiter] = [lines[at] ?? "", lines[at + 1] ?? ""];
  if (!header.includes("|") || !delimiter.includes("-")) return false;
  const marks = cellsOf(delimiter);
  return marks.every((mark) => /^:?-+:?$/.test(mark)) && marks.length === cellsOf(header).length;
}

/** Takes the table at `at`; rows are brought to the header's number of cells. */
export function takeTable(
  lines: readonly string[],
  at: number,
): { readonly block: BlockContent; readonly next: number } | undefined {
  if (!isTableAt(lines, at)) return undefined;
  let next = at + 2;
  while ((lines[next] ?? "").includes("|")) next += 1;
  const header = cellsOf(lines[at] ?? "").map(readInlines);
  const rows = lines.slice(at + 2, next).map((line) => rowOf(line, header.length));
  return { block: { kind: "table", header, rows }, next };
}

/** A surplus of cells joins the last one, so that nothing is lost. */
function rowOf(line: string, columns: number): Cell[] {
  const cells = cellsOf(line);
  const kept = cells.slice(0, columns);
  if (cells.length > columns) kept[columns - 1] = cells.slice(columns - 1).join(" | ");
  return kept.map(readInlines);
}

/** Split at pipes that are not escaped; the outer pipes are optional. */
function cellsOf(line: string): string[] {
  const text = line.trim();
  const cells: string[] = [];
  let cell = "";
  for (let at = text.startsWith("|") ? 1 : 0; at < text.length; at++) {
    const sign = text.charAt(at);
    const escaped = sign === "\\" && text.charAt(at + 1) === "|";
    if (sign === "|") {
      cells.push(cell.trim());
      cell = "";
    } else {
      cell += escaped ? "|" : sign;
      at += escaped ? 1 : 0;
    }
  }
  return text.endsWith("|") && !text.endsWith("\\|") ? cells : [...cells, cell.trim()];
}
