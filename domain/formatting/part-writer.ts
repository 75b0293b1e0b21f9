/**
 * Writes pieces one after the other into one part, opening and closing marks, fences and quote prefixes
 * as needed. `length` is what the part would measure if it ended here, in UTF-16 code units.
 */
import type { DialectRules } from "./dialects.ts";
import type { Line, Mark } from "./document.ts";
import type { Piece } from "./split.ts";

const QUOTE_PREFIX = "> ";
const FENCE = "```";

export class PartWriter {
  readonly #rules: DialectRules;
  #text = "";
  #line: Line | undefined;
  #marks: readonly Mark[] = [];

  constructor(rules: DialectRules) {
    this.#rules = rules;
  }

  /** Appends a piece; an empty line at the start of a part is dropped. */
  add(piece: Piece): void {
    const { atom, line } = piece;
    if (!this.#line && !atom && line.lead === "") return;
    const fresh = line !== this.#line;
    if (fresh) this.#startLine(line, piece.startsLine);
    if (!atom) return;
    const through = this.#marks.slice(0, sharedCount(this.#marks, atom.spaceMarks));
    const shared = sharedCount(through, atom.marks);
    this.#text += this.#signs(this.#marks.slice(shared).toReversed());
    this.#text += fresh ? "" : atom.space;
    this.#text += this.#signs(atom.marks.slice(shared)) + atom.text;
    this.#marks = atom.marks;
  }

  get length(): number {
    return this.#text.length + this.#ending().length;
  }

  finish(): string {
    return this.#text + this.#ending();
  }

  #startLine(line: Line, whole: boolean): void {
    this.#text += this.#signs(this.#marks.toReversed());
    this.#marks = [];
    const last = this.#line;
    const within = last?.fence && line.fence && last.fence.id === line.fence.id;
    if (!within) this.#text += closing(last);
    if (last) this.#text += separator(last, line);
    if (!within && line.fence) {
      this.#text += `${prefix(line)}${FENCE}${line.fence.language}\n`;
    }
    this.#text += prefix(line) + (whole ? line.lead : line.hang);
    this.#line = line;
  }

  #ending(): string {
    return this.#signs(this.#marks.toReversed()) + closing(this.#line);
  }

  #signs(marks: readonly Mark[]): string {
    return marks.map((mark) => this.#rules.marks[mark]).join("");
  }
}

function closing(line: Line | undefined): string {
  return line?.fence ? `\n${prefix(line)}${FENCE}` : "";
}

/** The blank line between two paragraphs of one quote carries its prefix. */
function separator(last: Line, line: Line): string {
  if (!line.gap) return "\n";
  return last.quote === line.quote ? `\n${prefix(line)}\n` : "\n\n";
}

function prefix(line: Line): string {
  return line.quote > 0 ? QUOTE_PREFIX : "";
}

function sharedCount(before: readonly Mark[], after: readonly Mark[]): number {
  let count = 0;
  while (count < before.length && before[count] === after[count]) count += 1;
  return count;
}
