/**
 * Pairs the delimiters `*`, `_` and `~~` of a token list and flattens it to runs. The pairing is
 * CommonMark's delimiter stack (linear), made stricter where chat texts use the signs as signs
 * (`2*3*4`, `2**8`) and more forgiving where models forget a space (`**Note:**text`).
 */
import { isDigit, isPunctuation, isSpace, isWord } from "./characters.ts";
import type { Mark, Run } from "./document.ts";

/** A delimiter run as found in the text, with what it may do there. */
export interface Delimiter {
  readonly kind: "delimiter";
  readonly sign: string;
  readonly count: number;
  readonly opens: boolean;
  readonly closes: boolean;
}

/** A run before its marks are known; `marks` are those found inside it (a bold label). */
export type Token = (Omit<Run, "marks"> & { readonly marks?: readonly Mark[] }) | Delimiter;

/** Runs with their marks; what pairs with nothing stays as text. Never throws, linear. */
export function resolveEmphasis(tokens: readonly Token[]): Run[] {
  return flatten(tokens, pair(tokens));
}

/** Judges a delimiter run from the code points around it; undefined = it is text. */
export function delimiterOf(
  sign: string,
  count: number,
  before: string,
  after: string,
): Delimiter | undefined {
  const delimiter = { kind: "delimiter", sign, count } as const;
  if (isText(sign, count, before, after)) return undefined;
  if (sign === "~" || (sign === "*" && count > 1)) {
    return { ...delimiter, opens: !isSpace(after), closes: !isSpace(before) };
  }
  const opens = flanks(after, before);
  const closes = flanks(before, after);
  if (sign === "*") return { ...delimiter, opens, closes };
  return {
    ...delimiter,
    opens: opens && (!closes || isPunctuation(before)),
    closes: closes && (!opens || isPunctuation(after)),
  };
}

/** Signs used as signs: `2*3`, `2**8`, `snake_case`, `~5`. */
function isText(sign: string, count: number, before: string, after: string): boolean {
  if (sign === "~") return count !== 2;
  if (sign === "*" && count > 1) return isDigit(before) && isDigit(after);
  return isWord(before) && isWord(after);
}

/** CommonMark's flanking: tight on the inner side, and free on the outer if the inner is punctuation. */
function flanks(inner: string, outer: string): boolean {
  return !isSpace(inner) && (!isPunctuation(inner) || isSpace(outer) || isPunctuation(outer));
}

/** What became of one delimiter run: how much is left as text, which marks it closed and opened. */
interface Fate {
  readonly token: Delimiter;
  readonly index: number;
  left: number;
  closed: number;
  /** Innermost first. */
  readonly opened: Mark[];
  previous: Fate | undefined;
}

function pair(tokens: readonly Token[]): Map<Token, Fate> {
  const fates = new Map<Token, Fate>();
  const floors = new Map<string, number>();
  let top: Fate | undefined;
  for (const token of tokens) {
    if (token.kind !== "delimiter") continue;
    const fate: Fate = {
      token,
      index: fates.size,
      left: token.count,
      closed: 0,
      opened: [],
      previous: top,
    };
    fates.set(token, fate);
    if (token.closes) top = closeWith(fate, top, floors);
    if (token.opens && fate.left > 0) {
      fate.previous = top;
      top = fate;
    }
  }
  return fates;
}

/** Matches a closer against the open stack as often as it can; returns the new top. */
function closeWith(
  closer: Fate,
  top: Fate | undefined,
  floors: Map<string, number>,
): Fate | undefined {
  const key = `${closer.token.sign}${closer.token.opens}${closer.token.count % 3}`;
  let stack = top;
  while (closer.left > 0) {
    const opener = findOpener(closer, stack, floors.get(key) ?? -1);
    if (!opener) {
      floors.set(key, closer.index - 1);
      return stack;
    }
    stack = match(opener, closer);
  }
  return stack;
}

/** Searches down to `floor`: below it a closer of the same kind has already searched in vain. */
function findOpener(closer: Fate, top: Fate | undefined, floor: number): Fate | undefined {
  for (let at = top; at && at.index > floor; at = at.previous) {
    if (pairs(at, closer)) return at;
  }
  return undefined;
}

/** CommonMark 6.2, rules 9 and 10: lengths that add up to a multiple of three don't pair. */
function pairs(opener: Fate, closer: Fate): boolean {
  const [a, b] = [opener.token, closer.token];
  if (a.sign !== b.sign) return false;
  const ambiguous = a.closes || b.opens;
  const thirds = (a.count + b.count) % 3 === 0 && (a.count % 3 !== 0 || b.count % 3 !== 0);
  return !(ambiguous && thirds);
}

function match(opener: Fate, closer: Fate): Fate | undefined {
  const width = Math.min(opener.left, closer.left) >= 2 ? 2 : 1;
  opener.opened.push(markOf(opener.token.sign, width));
  opener.left -= width;
  closer.left -= width;
  closer.closed += 1;
  return opener.left > 0 ? opener : opener.previous;
}

function markOf(sign: string, width: number): Mark {
  if (sign === "~") return "strike";
  return width === 2 ? "bold" : "italic";
}

function flatten(tokens: readonly Token[], fates: ReadonlyMap<Token, Fate>): Run[] {
  const runs: Run[] = [];
  const marks: Mark[] = [];
  for (const token of tokens) {
    if (token.kind !== "delimiter") {
      push(runs, { ...token, marks: [...new Set([...marks, ...(token.marks ?? [])])] });
      continue;
    }
    const fate = fates.get(token);
    if (!fate) continue;
    for (let n = 0; n < fate.closed; n++) marks.pop();
    if (fate.left > 0) push(runs, textRun(token.sign.repeat(fate.left), marks));
    for (const mark of fate.opened.toReversed()) marks.push(mark);
  }
  return runs;
}

function textRun(text: string, marks: readonly Mark[]): Run {
  return { kind: "text", text, href: "", marks: [...new Set(marks)] };
}

/** Appends, joining neighbouring text with equal marks. */
function push(runs: Run[], run: Run): void {
  const last = runs.at(-1);
  const joins =
    last?.kind === "text" && run.kind === "text" && last.marks.join() === run.marks.join();
  if (joins) runs[runs.length - 1] = { ...last, text: last.text + run.text };
  else runs.push(run);
}
