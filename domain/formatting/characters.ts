/**
 * What kind of character stands at a place: one definition for reader and writers. Works on code
 * points, so that an emoji is looked at whole.
 */

/** The code point before `at`, or "" at the start. */
export function pointBefore(text: string, at: number): string {
  if (at <= 0) return "";
  const low = text.charCodeAt(at - 1);
  const paired = isLowSurrogate(low) && at > 1 && isHighSurrogate(text.charCodeAt(at - 2));
  return text.slice(paired ? at - 2 : at - 1, at);
}

/** The code point at `at`, or "" at the end. */
export function pointAt(text: string, at: number): string {
  const point = text.codePointAt(at);
  return point === undefined ? "" : String.fromCodePoint(point);
}

/** White space or the edge of the text. */
export function isSpace(point: string): boolean {
  return point === "" || /^\s$/u.test(point);
}

export function isWord(point: string): boolean {
  return point !== "" && /^[\p{L}\p{N}_]$/u.test(point);
}

export function isDigit(point: string): boolean {
  return point >= "0" && point <= "9" && point.length === 1;
}

export function isPunctuation(point: string): boolean {
  return point !== "" && /^[\p{P}\p{S}]$/u.test(point);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
