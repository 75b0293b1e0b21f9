/** Numbers, lengths, patterns and formats of two JSON Schemas: where the reader's bound is tighter than the writer's. */

import type { Members } from "./schema-references.ts";

export interface BoundBreak {
  readonly keyword: string;
  readonly change: "bound" | "format";
  readonly message: string;
}

const LOWER = ["minLength", "minItems", "minProperties"] as const;
const UPPER = ["maxLength", "maxItems", "maxProperties"] as const;
/** Compared by being the same text. */
const EXACT = ["pattern", "format", "contentMediaType"] as const;

export function boundBreaks(write: Members, read: Members): readonly BoundBreak[] {
  return [
    ...LOWER.flatMap((keyword) => raised(keyword, write, read)),
    ...UPPER.flatMap((keyword) => lowered(keyword, write, read)),
    ...rangeBreaks(write, read),
    ...stepBreaks(write, read),
    ...EXACT.flatMap((keyword) => exactBreaks(keyword, write, read)),
    ...(read.uniqueItems === true && write.uniqueItems !== true
      ? [bound("uniqueItems", "refuses repeated items now")]
      : []),
  ];
}

/** A lower bound of 0 is none. */
function raised(keyword: string, write: Members, read: Members): readonly BoundBreak[] {
  const before = numberOf(write[keyword]) ?? 0;
  const after = numberOf(read[keyword]) ?? 0;
  return after > before ? [bound(keyword, `rose from ${before} to ${after}`)] : [];
}

function lowered(keyword: string, write: Members, read: Members): readonly BoundBreak[] {
  const before = numberOf(write[keyword]) ?? Infinity;
  const after = numberOf(read[keyword]) ?? Infinity;
  if (after >= before) return [];
  return [bound(keyword, `fell from ${before === Infinity ? "unlimited" : before} to ${after}`)];
}

function rangeBreaks(write: Members, read: Members): readonly BoundBreak[] {
  const sides = [
    { inclusive: "minimum", exclusive: "exclusiveMinimum", sign: 1, word: "above" },
    { inclusive: "maximum", exclusive: "exclusiveMaximum", sign: -1, word: "below" },
  ] as const;
  return sides.flatMap(({ inclusive, exclusive, sign, word }) => {
    const before = edgeOf(write, inclusive, exclusive, sign);
    const after = edgeOf(read, inclusive, exclusive, sign);
    const tighter = after.at > before.at || (after.at === before.at && after.open && !before.open);
    if (!tighter) return [];
    const keyword = after.open ? exclusive : inclusive;
    return [
      bound(keyword, `must be ${after.open ? word : `${word} or at`} ${after.at * sign} now`),
    ];
  });
}

/** The tighter of both edges, upper ones mirrored so that greater is always tighter. */
function edgeOf(schema: Members, inclusive: string, exclusive: string, sign: 1 | -1) {
  const closed = (numberOf(schema[inclusive]) ?? -Infinity * sign) * sign;
  const open = (numberOf(schema[exclusive]) ?? -Infinity * sign) * sign;
  return open >= closed && open !== -Infinity
    ? { at: open, open: true }
    : { at: closed, open: false };
}

function stepBreaks(write: Members, read: Members): readonly BoundBreak[] {
  const before = numberOf(write.multipleOf);
  const after = numberOf(read.multipleOf);
  if (after === undefined || (before !== undefined && Number.isInteger(before / after))) return [];
  return [bound("multipleOf", `must be a multiple of ${after} now`)];
}

function exactBreaks(keyword: string, write: Members, read: Members): readonly BoundBreak[] {
  if (read[keyword] === undefined || read[keyword] === write[keyword]) return [];
  return [{ keyword, change: "format", message: `has a new or changed ${keyword}` }];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function bound(keyword: string, message: string): BoundBreak {
  return { keyword, change: "bound", message };
}
