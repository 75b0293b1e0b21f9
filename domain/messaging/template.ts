/**
 * Fills `{{name}}` in a reply. One pass from left to right: what is filled in is never read again, unknown names
 * become nothing, and anything that is not exactly a name in double braces stays as it was written.
 */

/** Longest result, in characters (`OutboundContent` text); the rest is cut off. */
export const RENDERED_CHARS_MAX = 100_000;

const PLACEHOLDER = /\{\{ {0,4}([A-Za-z0-9_.]{1,64}) {0,4}\}\}/g;

/** `textOf` gives the text of a name, or undefined for a name it does not know. */
export function renderTemplate(
  template: string,
  textOf: (name: string) => string | undefined,
): string {
  const pieces: string[] = [];
  let length = 0;
  let end = 0;
  const add = (piece: string) => {
    const cut = piece.slice(0, RENDERED_CHARS_MAX - length);
    pieces.push(cut);
    length += cut.length;
  };
  for (const match of template.matchAll(PLACEHOLDER)) {
    if (length >= RENDERED_CHARS_MAX) break;
    add(template.slice(end, match.index));
    add(textOf(match[1] ?? "") ?? "");
    end = match.index + match[0].length;
  }
  if (length < RENDERED_CHARS_MAX) add(template.slice(end));
  return pieces.join("").toWellFormed();
}
