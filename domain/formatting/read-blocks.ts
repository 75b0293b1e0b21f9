/**
 * Reads Markdown as language models write it into blocks. Total, linear (nesting is bounded), and
 * forgiving: two spaces nest a list, an unclosed fence runs to the end, a line that starts nothing
 * is text. Not CommonMark on purpose where a chat differs: no indented code, no lazy continuation
 * (a line without `>` ends the quote), no setext `---`, no HTML, no reference links.
 */
import type { Block, BlockContent } from "./document.ts";
import { fenceOpening, takeFence } from "./read-fence.ts";
import { readInlines } from "./read-inlines.ts";
import { markerOf, takeList } from "./read-list.ts";
import { isTableAt, takeTable } from "./read-table.ts";

/** Quotes and lists deeper than this stay text. */
const DEPTH_MAX = 8;

interface Taken {
  readonly block: BlockContent;
  /** Index of the first line behind the block. */
  readonly next: number;
}

/** Blocks of a whole text. */
export function readDocument(markdown: string): Block[] {
  const clean = markdown.replaceAll("\r\n", "\n").replaceAll("\r", "\n").replaceAll("\0", "");
  return readBlocks(clean.split("\n"), 0);
}

function readBlocks(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = [];
  let gap = false;
  for (let at = 0; at < lines.length; ) {
    if (isBlank(lines[at])) {
      gap = true;
      at += 1;
      continue;
    }
    const { block, next } = takeBlock(lines, at, depth);
    blocks.push({ ...block, gap });
    gap = false;
    at = next;
  }
  return blocks;
}

function takeBlock(lines: readonly string[], at: number, depth: number): Taken {
  return (
    takeFence(lines, at) ??
    takeHeading(lines, at) ??
    takeRule(lines, at) ??
    takeNested(lines, at, depth) ??
    takeTable(lines, at) ??
    takeParagraph(lines, at, depth)
  );
}

function takeNested(lines: readonly string[], at: number, depth: number): Taken | undefined {
  if (depth >= DEPTH_MAX) return undefined;
  const read = (inner: readonly string[]) => readBlocks(inner, depth + 1);
  return takeQuote(lines, at, read) ?? takeList(lines, at, read);
}

function takeHeading(lines: readonly string[], at: number): Taken | undefined {
  const found = headingOf(lines[at] ?? "");
  if (!found) return undefined;
  const runs = readInlines(found.text);
  return { block: { kind: "heading", level: found.level, runs }, next: at + 1 };
}

function headingOf(line: string): { readonly level: number; readonly text: string } | undefined {
  const found = /^ {0,3}(#{1,6})[ \t]+(\S.*)$/s.exec(line);
  if (!found?.[1] || !found[2]) return undefined;
  const text = found[2].trimEnd();
  let end = text.length;
  while (text.charAt(end - 1) === "#") end -= 1;
  const closed = end === 0 || text.charAt(end - 1) === " ";
  return { level: found[1].length, text: closed ? text.slice(0, end).trim() : text };
}

function takeRule(lines: readonly string[], at: number): Taken | undefined {
  return isRule(lines[at] ?? "") ? { block: { kind: "rule" }, next: at + 1 } : undefined;
}

function isRule(line: string): boolean {
  const signs = line.replaceAll(" ", "");
  const sign = signs.charAt(0);
  return signs.length >= 3 && "-*_".includes(sign) && signs === sign.repeat(signs.length);
}

function takeQuote(
  lines: readonly string[],
  at: number,
  read: (inner: readonly string[]) => Block[],
): Taken | undefined {
  const inner: string[] = [];
  for (let line = lines[at + inner.length]; line !== undefined; line = lines[at + inner.length]) {
    const rest = line.trimStart();
    if (!rest.startsWith(">")) break;
    inner.push(rest.startsWith("> ") ? rest.slice(2) : rest.slice(1));
  }
  if (inner.length === 0) return undefined;
  return { block: { kind: "quote", blocks: read(inner) }, next: at + inner.length };
}

function takeParagraph(lines: readonly string[], at: number, depth: number): Taken {
  let next = at + 1;
  while (next < lines.length && !endsParagraph(lines, next, depth)) next += 1;
  const text = lines
    .slice(at, next)
    .map((line) => line.trimStart())
    .join("\n");
  const runs = readInlines(text.trimEnd());
  return { block: { kind: "paragraph", runs }, next };
}

function endsParagraph(lines: readonly string[], at: number, depth: number): boolean {
  const line = lines[at] ?? "";
  if (isBlank(line) || isRule(line) || headingOf(line) || fenceOpening(line)) return true;
  if (isTableAt(lines, at)) return true;
  return depth < DEPTH_MAX && (line.trimStart().startsWith(">") || markerOf(line) !== undefined);
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || line.trim() === "";
}
