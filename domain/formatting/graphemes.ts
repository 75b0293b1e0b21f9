/**
 * Cuts a word that is longer than a part: never within a surrogate pair, an entity or an escape, and
 * not within a grapheme (emoji joined by ZWJ, combining marks) unless that alone is too long.
 */
const SEGMENTER =
  typeof Intl === "object" && "Segmenter" in Intl
    ? new Intl.Segmenter(undefined, { granularity: "grapheme" })
    : undefined;
/** What Slack's entities and Discord's backslashes bind together. */
const BOUND = /&(?:amp|lt|gt);|\\[!-/:-@[-`{-~]|[^&\\]+|[&\\]/g;

/** Chunks of at most `budget` UTF-16 code units (a code point that is longer stays whole). */
export function graphemesOf(text: string, budget: number): string[] {
  const chunks: string[] = [];
  let chunk = "";
  for (const unit of unitsOf(text, budget)) {
    if (chunk !== "" && chunk.length + unit.length > budget) {
      chunks.push(chunk);
      chunk = "";
    }
    chunk += unit;
  }
  return chunk === "" ? chunks : [...chunks, chunk];
}

function* unitsOf(text: string, budget: number): Generator<string> {
  for (const [bound] of text.matchAll(BOUND)) {
    if (bound.startsWith("&") || bound.startsWith("\\")) {
      yield bound;
      continue;
    }
    for (const grapheme of SEGMENTER ? segmentsOf(SEGMENTER, bound) : bound) {
      if (grapheme.length <= budget) yield grapheme;
      else yield* grapheme;
    }
  }
}

function* segmentsOf(segmenter: Intl.Segmenter, text: string): Generator<string> {
  for (const { segment } of segmenter.segment(text)) yield segment;
}
