/**
 * Fenced code: where a fence opens, where it ends, what stands inside. An unclosed fence runs to the
 * end of its container, as a model that was cut off leaves it.
 */
import type { BlockContent } from "./document.ts";

const TAB_COLUMNS = 4;
const LANGUAGE = /^[\w+#.-]{1,20}$/;

interface FenceOpening {
  readonly sign: string;
  readonly width: number;
  readonly indent: number;
  readonly language: string;
}

/** Reads an opening fence; undefined = an ordinary line. */
export function fenceOpening(line: string): FenceOpening | undefined {
  const rest = line.trimStart();
  const sign = rest.charAt(0);
  if (sign !== "`" && sign !== "~") return undefined;
  const width = runLength(rest, sign);
  const info = rest.slice(width).trim();
  if (width < 3 || (sign === "`" && info.includes("`"))) return undefined;
  const word = info.split(/\s/, 1)[0] ?? "";
  const language = LANGUAGE.test(word) ? word : "";
  return { sign, width, indent: indentOf(line), language };
}

/** Index of the line that closes the fence opened at `at`, or of the end of the lines. */
export function fenceEnd(lines: readonly string[], at: number, opening: FenceOpening): number {
  for (let end = at + 1; end < lines.length; end++) {
    const line = (lines[end] ?? "").trim();
    const width = runLength(line, opening.sign);
    if (width >= opening.width && width === line.length) return end;
  }
  return lines.length;
}

/** Takes the fence at `at` with its content, the opening's indentation removed. */
export function takeFence(
  lines: readonly string[],
  at: number,
): { readonly block: BlockContent; readonly next: number } | undefined {
  const opening = fenceOpening(lines[at] ?? "");
  if (!opening) return undefined;
  const end = fenceEnd(lines, at, opening);
  const inside = lines.slice(at + 1, end).map((line) => outdent(line, opening.indent));
  const block = { kind: "code", language: opening.language, lines: inside } as const;
  return { block, next: Math.min(end + 1, lines.length) };
}

/** Removes at most `columns` columns of leading white space; a tab is four. */
export function outdent(line: string, columns: number): string {
  let at = 0;
  for (let left = columns; left > 0; at++) {
    const sign = line.charAt(at);
    if (sign !== " " && sign !== "\t") break;
    left -= sign === "\t" ? TAB_COLUMNS : 1;
  }
  return line.slice(at);
}

/** Columns of leading white space. */
export function indentOf(line: string): number {
  const space = line.slice(0, line.length - line.trimStart().length);
  return space.length + (TAB_COLUMNS - 1) * (space.split("\t").length - 1);
}

function runLength(text: string, sign: string): number {
  let width = 0;
  while (text.charAt(width) === sign) width += 1;
  return width;
}
