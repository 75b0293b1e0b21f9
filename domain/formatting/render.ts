/**
 * Markdown as a model writes it, as a chat shows it: `renderParts` for sending, `renderMarkdown` for
 * one piece. Read once into blocks and runs (`read-*`), laid out in a dialect (`dialects`, `write-*`),
 * cut at the channel's limit (`split`). Pure, total, linear in the input.
 *
 * Why an own reader: CommonMark parsers (micromark, marked) read `2*3*4` as emphasis, take `---` under a
 * line for a heading and fold line ends; every one of their rules would have to be undone, and the
 * dialects need flat runs rather than a tree so that marks can be closed and opened again at a cut.
 */
import { DIALECTS, type Dialect } from "./dialects.ts";
import { readDocument } from "./read-blocks.ts";
import { writeParts, writeWhole } from "./split.ts";
import { layOut } from "./write-blocks.ts";

export type { Dialect } from "./dialects.ts";

/** Below this many an entity (`&amp;`) or an emoji may be longer than a part, and is then sent whole. */
export const PART_CHARS_MIN = 8;

/** The whole text in one dialect; "" when there is nothing to show. */
export function renderMarkdown(markdown: string, dialect: Dialect): string {
  const rules = DIALECTS[dialect];
  return shown(writeWhole(layOut(readDocument(markdown), rules), rules));
}

/**
 * The text in parts of at most `maxChars` (>= PART_CHARS_MIN) UTF-16 code units, in order, none empty; [] when there is
 * nothing to show. A text that fits is one part, equal to `renderMarkdown`.
 */
export function renderParts(markdown: string, dialect: Dialect, maxChars: number): string[] {
  const rules = DIALECTS[dialect];
  const lines = layOut(readDocument(markdown), rules);
  const whole = shown(writeWhole(lines, rules));
  if (whole === "") return [];
  return whole.length <= maxChars ? [whole] : writeParts(lines, rules, maxChars);
}

/** White space alone is nothing to send. */
function shown(text: string): string {
  return text.trim() === "" ? "" : text;
}
