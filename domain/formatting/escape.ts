/**
 * Keeps literal text literal: Slack's entities, Discord's backslashes, and U+200B for the dialects
 * that know no escape. Only what would be read as markup is touched, so that copied text stays clean.
 */
import { isPunctuation, isSpace, isWord, pointAt, pointBefore } from "./characters.ts";
import type { Run } from "./document.ts";

const ZERO_WIDTH_SPACE = "\u200b";
const GUARDED_SIGNS = ["*", "_", "~", "`"] as const;
const SIGN_RUNS = { "*": /\*+/g, _: /_+/g, "~": /~+/g, "`": /`+/g };
const LINE_STARTERS = /^(?:#{1,3}|-#|>{1,3}|[-+])(?=\s)/;

/** Code can't hold the sign that ends it: U+200B between the ticks of three. */
export function breakFences(code: string): string {
  return code.replaceAll("```", "`\u200b`\u200b`");
}

/** Slack: `&`, `<` and `>` as entities, so that no token (`<!here>`, `<@U1>`) can arise from text. */
export function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Discord: a backslash before each sign that could start or end markup where it stands. */
export function escapeDiscord(text: string, lineStart: boolean): string {
  const escaped = text.replaceAll(/[\\*_~`|]/g, (sign, at: number) =>
    isInert(sign, pointBefore(text, at), pointAt(text, at + 1)) ? sign : `\\${sign}`,
  );
  return lineStart && LINE_STARTERS.test(text) ? `\\${escaped}` : escaped;
}

/** The label of a masked link: also its brackets. */
export function escapeDiscordLabel(label: string): string {
  return escapeDiscord(label, false).replaceAll(/[[\]]/g, "\\$&");
}

function isInert(sign: string, before: string, after: string): boolean {
  const lonely = isSpace(before) && isSpace(after) && before + after !== "";
  if (sign === "*") return lonely;
  if (sign === "_") return lonely || (isWord(before) && isWord(after));
  if (sign === "~" || sign === "|") return before !== sign && after !== sign;
  if (sign === "\\") return isWord(after) || (after !== "" && isSpace(after));
  return false;
}

/** Puts U+200B between literal signs and the words they would mark, and into literal fences. */
export function guardLiterals(runs: readonly Run[]): Run[] {
  const line = runs.map(shadowOf).join("");
  const spots = new Set<number>();
  for (const sign of GUARDED_SIGNS) markPairs(line, sign, spots);
  if (spots.size === 0) return [...runs];
  let offset = 0;
  return runs.map((run) => {
    const start = offset;
    offset += shadowOf(run).length;
    return run.kind === "text" ? { ...run, text: insertAt(run.text, start, spots) } : run;
  });
}

/** What a run looks like to the search: literal text as it is, anything else as a sign of its own. */
function shadowOf(run: Run): string {
  return run.kind === "text" ? run.text : "\ufffc";
}

/** Collects the places inside the first opener and closer of each pair that would be drawn. */
function markPairs(line: string, sign: (typeof GUARDED_SIGNS)[number], spots: Set<number>): void {
  const tick = sign === "`";
  let opener: number | undefined;
  for (const { index: at, 0: run } of line.matchAll(SIGN_RUNS[sign])) {
    const end = at + run.length;
    const before = pointBefore(line, at);
    const after = pointAt(line, end);
    if (opener !== undefined && !isSpace(before) && (tick || !isWord(after))) {
      spots.add(opener).add(at);
      opener = undefined;
    } else if (!isSpace(after) && (tick || isOutside(before))) {
      opener = end;
    }
  }
}

function isOutside(before: string): boolean {
  return isSpace(before) || isPunctuation(before);
}

function insertAt(text: string, start: number, spots: ReadonlySet<number>): string {
  let out = "";
  for (let at = 0; at < text.length; at++) {
    if (spots.has(start + at)) out += ZERO_WIDTH_SPACE;
    out += text.charAt(at);
  }
  return spots.has(start + text.length) ? out + ZERO_WIDTH_SPACE : out;
}
