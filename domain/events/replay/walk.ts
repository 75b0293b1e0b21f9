/**
 * The walk of a replay through its sources: which source is read next, and which of the events that were read may go
 * out. Sources are merged by time: an event goes out when every source has been read past its instant, so that the
 * events of one partition come in the order in which they happened, wherever they are kept.
 */
import type { EventEnvelope } from "../../../schema/event.ts";

/** `log`: published events. `messages`: those that stored messages stand for. */
export const SOURCES = ["log", "messages"] as const;
export type SourceName = (typeof SOURCES)[number];

/** How far one source has been read. */
export interface SourceWalk {
  /** Every event before this instant (ms) has been read. */
  readonly beforeMs: number;
  /** Where the next page begins, in the source's own words; absent at its start. */
  readonly place?: string;
  readonly ended: boolean;
}

/** The cursor of a replay. What was read and may not go out yet is kept beside it. */
export interface Walk {
  readonly sources: Readonly<Partial<Record<SourceName, SourceWalk>>>;
  /** Events read and wanted so far: numbers those of one instant. */
  readonly ordinal: number;
}

/** An event of a source. */
export interface Found {
  /** When it counts as having happened, ms; never below what its source was read past. */
  readonly atMs: number;
  /** Names it within its source for ever; with the replay's id, its deduplication key. */
  readonly place: string;
  readonly event: EventEnvelope;
}

/** An event on its way to be handed over. */
export interface Waiting extends Found {
  readonly source: SourceName;
  readonly ordinal: number;
}

export interface Page {
  readonly source: SourceName;
  /** What is wanted of the page, in the source's order. */
  readonly found: readonly Found[];
  /** Events that the page held, wanted or not. */
  readonly looked: number;
  readonly next: SourceWalk;
}

/** `names` are the sources to read, each from its start. */
export function openWalk(names: readonly SourceName[], fromMs: number): Walk {
  const start = { beforeMs: fromMs, ended: false };
  return { sources: Object.fromEntries(names.map((name) => [name, start])), ordinal: 0 };
}

/** The source that holds the others up; undefined where all have ended. */
export function nextSource(walk: Walk): SourceName | undefined {
  const open = SOURCES.filter((name) => walk.sources[name]?.ended === false);
  const reads = open.map((name) => ({ name, beforeMs: walk.sources[name]?.beforeMs ?? 0 }));
  return reads.sort((a, b) => a.beforeMs - b.beforeMs)[0]?.name;
}

/** Events before this instant may go out. */
export function readyBeforeMs(walk: Walk): number {
  const open = SOURCES.flatMap((name) => walk.sources[name] ?? []).filter(({ ended }) => !ended);
  return Math.min(Infinity, ...open.map(({ beforeMs }) => beforeMs));
}

/** The walk after a page, and what the page adds to what waits. */
export function takePage(
  walk: Walk,
  page: Page,
): { readonly walk: Walk; readonly added: readonly Waiting[] } {
  const { source, found, next } = page;
  const added = found.map((one, at) => ({ ...one, source, ordinal: walk.ordinal + at }));
  const sources = { ...walk.sources, [source]: next };
  return { walk: { sources, ordinal: walk.ordinal + found.length }, added };
}

/** Those that may go out now, in order, at most `limit`. */
export function readyOf(
  waiting: readonly Waiting[],
  beforeMs: number,
  limit: number,
): readonly Waiting[] {
  return waiting
    .filter(({ atMs }) => atMs < beforeMs)
    .sort((a, b) => a.atMs - b.atMs || a.ordinal - b.ordinal)
    .slice(0, limit);
}

/** The key under which an event goes into its shard: one per replay, so that no other delivery of it is in its way. */
export function replayKey(replay: string, { source, place }: Waiting): string {
  return `r:${replay}:${source}:${place}`;
}
