/**
 * Reads the inside of a paragraph, heading or cell: code spans, links, images, addresses, escapes,
 * entities, line ends; emphasis is paired in `read-emphasis.ts`. Total and linear: what is not clearly
 * markup stays text. A line end is kept as a line end, since chats show it and models mean it.
 */
import { isWord, pointAt, pointBefore } from "./characters.ts";
import type { Mark, Run } from "./document.ts";
import { delimiterOf, resolveEmphasis, type Token } from "./read-emphasis.ts";
import { autolinkAt, bareUrlAt, destinationAt } from "./read-links.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&apos;": "'",
  "&nbsp;": "\u00a0",
};
const ENTITY_CHARS_MAX = 6;
const PUNCTUATION = /^[!-/:-@[-`{-~]$/;

/** Runs of one paragraph, lines joined by "\n". */
export function readInlines(text: string): Run[] {
  const scan = newScan(text);
  while (scan.at < text.length) step(scan);
  return trimBreaks(resolveEmphasis(scan.tokens));
}

/** The words of runs without any markup; a line end becomes a space. */
function plainOf(runs: readonly Run[]): string {
  return runs.map((run) => (run.kind === "break" ? " " : run.text || run.href)).join("");
}

interface Scan {
  readonly text: string;
  readonly tokens: Token[];
  /** Index of the token behind each `[` still open, and whether a `!` stood before it. */
  readonly brackets: { readonly token: number; readonly image: boolean }[];
  /** Where each length of backtick run occurs, ascending; what lies behind has been shifted off. */
  readonly ticks: ReadonlyMap<number, { readonly starts: readonly number[]; next: number }>;
  at: number;
}

function newScan(text: string): Scan {
  const ticks = new Map<number, { starts: number[]; next: number }>();
  for (const found of text.matchAll(/`+/g)) {
    const entry = ticks.get(found[0].length) ?? { starts: [], next: 0 };
    entry.starts.push(found.index);
    ticks.set(found[0].length, entry);
  }
  return { text, tokens: [], brackets: [], ticks, at: 0 };
}

type Reader = (scan: Scan) => boolean;

/** By the sign that starts them; a reader that finds nothing returns false and the sign is text. */
const READERS: Readonly<Record<string, Reader>> = {
  "\\": readEscape,
  "`": readCode,
  "*": readDelimiter,
  _: readDelimiter,
  "~": readDelimiter,
  "!": readImageStart,
  "[": (scan) => openBracket(scan, false, 1),
  "]": readLinkEnd,
  "<": readAngle,
  "&": readEntity,
  "\n": readLineEnd,
  h: readBareUrl,
  H: readBareUrl,
};

const PLAIN = /[^\\`*_~![\]<&\nhH]+/y;

function step(scan: Scan): void {
  PLAIN.lastIndex = scan.at;
  const plain = PLAIN.exec(scan.text)?.[0];
  const sign = scan.text.charAt(scan.at);
  if (plain) addText(scan, plain, plain.length);
  else if (!READERS[sign]?.(scan)) addText(scan, sign, 1);
}

function addText(scan: Scan, text: string, width: number): void {
  scan.at += width;
  scan.tokens.push({ kind: "text", text, href: "" });
}

function readEscape(scan: Scan): boolean {
  const next = scan.text.charAt(scan.at + 1);
  if (next === "\n") {
    scan.at += 1;
    return readLineEnd(scan);
  }
  if (!PUNCTUATION.test(next)) return false;
  addText(scan, next, 2);
  return true;
}

function readCode(scan: Scan): boolean {
  const width = widthOfRun(scan, "`");
  const entry = scan.ticks.get(width);
  while (entry && (entry.starts[entry.next] ?? Infinity) < scan.at + width) entry.next += 1;
  const end = entry?.starts[entry.next];
  if (end === undefined) {
    addText(scan, "`".repeat(width), width);
    return true;
  }
  const inside = scan.text.slice(scan.at + width, end).replaceAll("\n", " ");
  scan.tokens.push({ kind: "code", text: unpad(inside), href: "" });
  scan.at = end + width;
  return true;
}

function unpad(code: string): string {
  const padded = code.startsWith(" ") && code.endsWith(" ") && code.trim() !== "";
  return padded ? code.slice(1, -1) : code;
}

function readDelimiter(scan: Scan): boolean {
  const sign = scan.text.charAt(scan.at);
  const width = widthOfRun(scan, sign);
  const before = pointBefore(scan.text, scan.at);
  const after = pointAt(scan.text, scan.at + width);
  const delimiter = delimiterOf(sign, width, before, after);
  if (!delimiter) {
    addText(scan, sign.repeat(width), width);
    return true;
  }
  scan.tokens.push(delimiter);
  scan.at += width;
  return true;
}

function widthOfRun(scan: Scan, sign: string): number {
  let end = scan.at;
  while (scan.text.charAt(end) === sign) end += 1;
  return end - scan.at;
}

function readImageStart(scan: Scan): boolean {
  return scan.text.charAt(scan.at + 1) === "[" && openBracket(scan, true, 2);
}

function openBracket(scan: Scan, image: boolean, width: number): boolean {
  scan.brackets.push({ token: scan.tokens.length, image });
  addText(scan, image ? "![" : "[", width);
  return true;
}

function readLinkEnd(scan: Scan): boolean {
  const opener = scan.brackets.pop();
  const found = opener && destinationAt(scan.text, scan.at + 1);
  if (!opener || !found) return false;
  const label = resolveEmphasis(scan.tokens.slice(opener.token + 1));
  scan.tokens.length = opener.token;
  if (!opener.image) scan.brackets.length = 0;
  const kind = opener.image ? "image" : "link";
  const text = plainOf(label).trim();
  scan.tokens.push({ kind, text, href: found.href, marks: commonMarks(label) });
  scan.at = found.end;
  return true;
}

/** Marks around the whole label: they go around the link, since its words are written as one. */
function commonMarks(label: readonly Run[]): readonly Mark[] {
  const [first, ...rest] = label;
  return first?.marks.filter((mark) => rest.every((run) => run.marks.includes(mark))) ?? [];
}

function readAngle(scan: Scan): boolean {
  const found = autolinkAt(scan.text, scan.at);
  if (!found) return false;
  scan.at = found.end;
  if (found.href === "") pushBreak(scan);
  else scan.tokens.push({ kind: "link", text: found.label, href: found.href });
  return true;
}

function readEntity(scan: Scan): boolean {
  const end = scan.text.slice(scan.at, scan.at + ENTITY_CHARS_MAX).indexOf(";") + 1;
  const name = scan.text.slice(scan.at, scan.at + end);
  const decoded = end > 0 && Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
  if (decoded === undefined) return false;
  addText(scan, decoded, name.length);
  return true;
}

function readLineEnd(scan: Scan): boolean {
  scan.at += 1;
  while (scan.text.charAt(scan.at) === " ") scan.at += 1;
  pushBreak(scan);
  return true;
}

/** Drops the white space before the line end, the two spaces of a hard break among it. */
function pushBreak(scan: Scan): void {
  const last = scan.tokens.at(-1);
  if (last?.kind === "text") {
    scan.tokens[scan.tokens.length - 1] = { ...last, text: last.text.trimEnd() };
  }
  scan.tokens.push({ kind: "break", text: "", href: "" });
}

function readBareUrl(scan: Scan): boolean {
  if (isWord(pointBefore(scan.text, scan.at))) return false;
  const url = bareUrlAt(scan.text, scan.at);
  if (url === undefined) return false;
  scan.tokens.push({ kind: "link", text: url, href: url });
  scan.at += url.length;
  return true;
}

function trimBreaks(runs: readonly Run[]): Run[] {
  const isContent = (run: Run) => run.kind !== "break" && run.text + run.href !== "";
  const first = runs.findIndex(isContent);
  return first < 0 ? [] : runs.slice(first, runs.findLastIndex(isContent) + 1);
}
