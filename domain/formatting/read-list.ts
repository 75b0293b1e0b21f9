/**
 * Lists: bullets, numbers, tasks, nested by two spaces or more. Numbers that don't rise are counted on
 * (`1. 1. 1.`), so that a platform that shows them as text shows them right.
 */
import type { Block, BlockContent, ListItem } from "./document.ts";
import { fenceEnd, fenceOpening, indentOf, outdent } from "./read-fence.ts";

const MARKER = /^([ \t]*)([-*+•]|\d{1,9}[.)])([ \t]+)(\S.*)$/s;
const TASK = /^\[([ xX])\][ \t]+(\S.*)$/s;
/** A marker this far right of its list's own nests, whatever the content's column. */
const NEST_COLUMNS = 2;

interface Marker {
  readonly indent: number;
  /** Column of the item's content. */
  readonly content: number;
  readonly ordinal: number | undefined;
  readonly text: string;
}

/** Reads a list marker with its text; a marker alone is an ordinary line. */
export function markerOf(line: string): Marker | undefined {
  const found = MARKER.exec(line);
  if (!found) return undefined;
  const [, , sign = "", space = "", text = ""] = found;
  const indent = indentOf(line);
  const ordinal = sign.length > 1 ? Number.parseInt(sign, 10) : undefined;
  const content = indent + sign.length + (space.length > 4 ? 1 : space.length);
  return { indent, content, ordinal, text };
}

/** Takes the list at `at`; `read` reads the blocks of an item. */
export function takeList(
  lines: readonly string[],
  at: number,
  read: (inner: readonly string[]) => Block[],
): { readonly block: BlockContent; readonly next: number } | undefined {
  const first = markerOf(lines[at] ?? "");
  if (!first) return undefined;
  const items: ListItem[] = [];
  let next = at;
  let gap = false;
  for (let marker: Marker | undefined = first; marker; ) {
    const end = itemEnd(lines, next, first.indent);
    items.push(itemOf(lines.slice(next + 1, end), marker, gap, items.at(-1)?.ordinal, read));
    const following = skipBlank(lines, end);
    marker = siblingAt(lines, following, first.indent);
    gap = following > end;
    next = marker ? following : end;
  }
  return { block: { kind: "list", items }, next };
}

function siblingAt(lines: readonly string[], at: number, indent: number): Marker | undefined {
  const marker = markerOf(lines[at] ?? "");
  const near = marker && Math.abs(marker.indent - indent) < NEST_COLUMNS;
  return near ? marker : undefined;
}

/** Index behind the last line of the item that starts at `start`; trailing blank lines stay outside. */
function itemEnd(lines: readonly string[], start: number, indent: number): number {
  let end = start + 1;
  const inline = fenceOpening(markerOf(lines[start] ?? "")?.text ?? "");
  if (inline) end = Math.min(fenceEnd(lines, start, inline) + 1, lines.length);
  for (let at = skipBlank(lines, end); at < lines.length; at = skipBlank(lines, end)) {
    const line = lines[at] ?? "";
    if (indentOf(line) < indent + NEST_COLUMNS) return end;
    const fence = fenceOpening(line);
    end = fence ? Math.min(fenceEnd(lines, at, fence) + 1, lines.length) : at + 1;
  }
  return end;
}

function itemOf(
  rest: readonly string[],
  marker: Marker,
  gap: boolean,
  previous: number | undefined,
  read: (inner: readonly string[]) => Block[],
): ListItem {
  const task = TASK.exec(marker.text);
  const text = task?.[2] ?? marker.text;
  const blocks = read([text, ...rest.map((line) => outdent(line, marker.content))]);
  const { ordinal } = marker;
  const counted = ordinal === undefined ? undefined : Math.max(ordinal, (previous ?? -1) + 1);
  return { gap, ordinal: counted, done: task ? task[1] !== " " : undefined, blocks };
}

function skipBlank(lines: readonly string[], at: number): number {
  let next = at;
  while (next < lines.length && (lines[next] ?? "").trim() === "") next += 1;
  return next;
}
