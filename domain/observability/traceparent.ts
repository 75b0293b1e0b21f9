/**
 * W3C Trace Context, level 1: reading, writing and continuing the `traceparent` header. Strict: what is
 * not exactly a traceparent is none, and a new trace begins.
 */

export interface Traceparent {
  /** 32 lower-case hex characters, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex characters, not all zero: the caller's span. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const HEADER = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const HEADER_CHARS_MAX = 512;
const SAMPLED_BIT = 1;

/** Reads a header; undefined where it is missing or malformed. Versions above 00 may carry more behind. */
export function parseTraceparent(header: string | null | undefined): Traceparent | undefined {
  if (!header || header.length > HEADER_CHARS_MAX) return undefined;
  const [, version, traceId, spanId, flags, rest] = HEADER.exec(header) ?? [];
  if (!traceId || !spanId || !flags || version === "ff") return undefined;
  if ((version === "00" && rest !== undefined) || isZero(traceId) || isZero(spanId)) {
    return undefined;
  }
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED_BIT) === SAMPLED_BIT };
}

/** Writes a header, version 00. */
export function formatTraceparent({ traceId, spanId, sampled }: Traceparent): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** A new span of the same trace. `random` yields numbers in [0, 1). */
export function childOf(parent: Traceparent, random: () => number): Traceparent {
  return { ...parent, spanId: hexId(16, random) };
}

/** A new trace, sampled. */
export function newTraceparent(random: () => number): Traceparent {
  return { traceId: hexId(32, random), spanId: hexId(16, random), sampled: true };
}

function hexId(chars: number, random: () => number): string {
  const id = Array.from({ length: chars }, () => Math.floor(random() * 16).toString(16)).join("");
  return isZero(id) ? `${id.slice(1)}1` : id;
}

function isZero(id: string): boolean {
  return /^0+$/.test(id);
}
