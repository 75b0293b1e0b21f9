/**
 * Writes lines as one text, or as parts of at most so many UTF-16 code units. Cuts before a paragraph
 * if the part holds one, else before a line, a sentence, a word, else anywhere between graphemes: so a
 * paragraph that fits into a part is never cut, nor a line, a sentence or a word. Marks, fences and
 * quotes are closed at a cut and opened again; white space at a cut is dropped, nothing else.
 */
import type { DialectRules } from "./dialects.ts";
import type { Atom, Line } from "./document.ts";
import { graphemesOf } from "./graphemes.ts";
import { PartWriter } from "./part-writer.ts";
import { wordAtom } from "./write-inlines.ts";

/** Where a cut may come, worst to best. */
const NOWHERE = 0;
const WORD = 1;
const SENTENCE = 2;
const LINE = 3;
const PARAGRAPH = 4;
const LEVELS = [PARAGRAPH, LINE, SENTENCE, WORD] as const;

/** One step of writing: an atom, or an empty line. */
export interface Piece {
  readonly line: Line;
  readonly atom: Atom | undefined;
  readonly startsLine: boolean;
  /** How good a cut before it is. */
  readonly level: number;
}

/** The whole text in one part. */
export function writeWhole(lines: readonly Line[], rules: DialectRules): string {
  const writer = new PartWriter(rules);
  for (const piece of lines.flatMap(piecesOf)) writer.add(piece);
  return writer.finish();
}

/** Parts of at most `maxChars` each, none empty. */
export function writeParts(
  lines: readonly Line[],
  rules: DialectRules,
  maxChars: number,
): string[] {
  const room = (line: Line) => spare(line, rules, maxChars);
  const pieces = lines.flatMap((line) => piecesOf(fitting(room(line), rules, maxChars)));
  const parts: string[] = [];
  for (let start = 0; start < pieces.length; ) {
    const end = cutFrom(pieces, start, rules, maxChars);
    const part = write(pieces, start, end, rules);
    if (part.trim() !== "") parts.push(part);
    start = end;
  }
  return parts;
}

/** Index of the piece before which the part that starts at `start` is best cut. */
function cutFrom(
  pieces: readonly Piece[],
  start: number,
  rules: DialectRules,
  maxChars: number,
): number {
  const writer = new PartWriter(rules);
  const best = [0, 0, 0, 0, 0];
  for (let at = start; at < pieces.length; at++) {
    const piece = pieces[at];
    if (!piece) break;
    if (at > start) best[piece.level] = at;
    writer.add(piece);
    if (writer.length > maxChars && at > start) {
      const level = LEVELS.find((candidate) => best[candidate]);
      return (level && best[level]) || at;
    }
  }
  return pieces.length;
}

function write(pieces: readonly Piece[], start: number, end: number, rules: DialectRules): string {
  const writer = new PartWriter(rules);
  for (const piece of pieces.slice(start, end)) writer.add(piece);
  return writer.finish();
}

function piecesOf(line: Line): Piece[] {
  const level = line.paragraph ? PARAGRAPH : LINE;
  if (line.atoms.length === 0) return [{ line, atom: undefined, startsLine: true, level }];
  return line.atoms.map((atom, at) => {
    const startsLine = at === 0;
    return {
      line,
      atom,
      startsLine,
      level: startsLine ? level : levelOf(line.atoms[at - 1], atom),
    };
  });
}

const SENTENCE_END = /[.!?…。！？]["')\]»”’*_~]{0,3}$/u;
/** At the start of a line these would be a quote, a list or a heading. */
const LINE_SIGN = /^(?:>|&gt;|(?:[-*+•]|#{1,6}|-#|\d{1,9}[.)])$)/;

function levelOf(previous: Atom | undefined, atom: Atom): number {
  const spaceless = previous !== undefined && /[。！？]$/.test(previous.text);
  if ((atom.space === "" && !spaceless) || LINE_SIGN.test(atom.text)) return NOWHERE;
  return previous && SENTENCE_END.test(previous.text) ? SENTENCE : WORD;
}

/** The line without its decoration where that alone would fill half a part. */
function spare(line: Line, rules: DialectRules, maxChars: number): Line {
  if (overheadOf(line, rules) * 2 <= maxChars) return line;
  const atoms = line.atoms.map((atom) => ({ ...atom, marks: [], spaceMarks: [] }));
  return { ...line, quote: 0, fence: undefined, lead: "", hang: "", atoms };
}

/** The line with each atom that alone is longer than a part cut into some that fit. */
function fitting(line: Line, rules: DialectRules, maxChars: number): Line {
  const room = maxChars - prefixChars(line);
  const budget = (atom: Atom) => Math.max(1, room - markChars(atom, rules));
  if (line.atoms.every((atom) => atom.text.length <= budget(atom))) return line;
  return { ...line, atoms: line.atoms.flatMap((atom) => shortened(atom, budget(atom))) };
}

function shortened(atom: Atom, budget: number): Atom[] {
  if (atom.text.length <= budget) return [atom];
  const { text, open, close } = atom.whenTooLong ?? { text: atom.text, open: "", close: "" };
  const wrapped = open.length + close.length < budget;
  const chunks = graphemesOf(text, wrapped ? budget - open.length - close.length : budget);
  return chunks.map((chunk, at) => {
    const drawn = wrapped ? open + chunk + close : chunk;
    return at === 0 ? { ...atom, text: drawn } : wordAtom(drawn, "", atom.marks);
  });
}

/** The most that stands around an atom of this line in a part: prefixes, fences, marks on both sides. */
function overheadOf(line: Line, rules: DialectRules): number {
  return (
    line.atoms.reduce((most, atom) => Math.max(most, markChars(atom, rules)), 0) + prefixChars(line)
  );
}

function prefixChars(line: Line): number {
  const quote = line.quote > 0 ? 2 : 0;
  const lead = Math.max(line.lead.length, line.hang.length);
  const fence = line.fence ? 8 + line.fence.language.length + 2 * quote : 0;
  return quote + lead + fence;
}

function markChars(atom: Atom, rules: DialectRules): number {
  return atom.marks.reduce((sum, mark) => sum + 2 * rules.marks[mark].length, 0);
}
