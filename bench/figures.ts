/**
 * The counted figures as one flat list, and their comparison with a committed baseline. Pure: no clock, no
 * files. Measured rates and times are no part of it, since they depend on the machine.
 */
import type { CostReport, MessageCost } from "./cost.ts";
import { billPerMillion, type Prices, total } from "./dollars.ts";
import type { WorkerSize } from "./size.ts";

/** Lower is better, for every one of them. */
export type Figures = Readonly<Record<string, number>>;

/** A committed figure and the reason it is what it is. */
export interface BaselineFigure {
  readonly value: number;
  readonly because: string;
}

export type Baseline = Readonly<Record<string, BaselineFigure>>;

export interface Regression {
  readonly figure: string;
  readonly baseline: number;
  /** Absent: the figure is no longer measured. */
  readonly now?: number;
}

/** What a count may move without being a regression: a metrics batch or an alarm more in a round. */
const TOLERANCE = 0.02;

/** Per warm case: rows, queue operations, object requests, D1 calls, dollars; trips; the size of the start. */
export function figuresOf(
  cost: CostReport | undefined,
  size: WorkerSize | undefined,
  prices: Prices,
): Figures {
  return { ...(cost && costFigures(cost, prices)), ...(size && sizeFigures(size)) };
}

/** Every figure of the baseline that is worse now by more than 2 %, or gone though its part was measured. */
export function regressions(
  baseline: Baseline,
  now: Figures,
  parts: readonly string[],
): Regression[] {
  return Object.entries(baseline)
    .filter(([figure]) => parts.some((part) => figure.startsWith(`${part}: `)))
    .map(([figure, { value }]) => ({ figure, baseline: value, now: now[figure] }))
    .filter(
      ({ baseline: was, now: is }) => is === undefined || is > was * (1 + TOLERANCE) + EPSILON,
    )
    .map(({ now: is, ...rest }) => (is === undefined ? rest : { ...rest, now: is }));
}

/** The difference that adding fractions makes. */
const EPSILON = 1e-9;

/** A count that is not the same with a hundred times more there. */
export interface Grown {
  readonly figure: string;
  readonly before: number;
  readonly after: number;
}

/** What may differ by chance: a metrics batch, a smaller batch, a page more of an index. */
const GROWTH_TOLERANCE = 0.1;
const GROWING = [
  "durableObjectRowsWritten",
  "durableObjectRowsRead",
  "durableObjectRequests",
  "d1RowsWritten",
  "d1RowsRead",
  "d1Calls",
  "queueOperations",
  "r2ClassA",
] as const;

/** Cases, and the same cases among more. */
interface Counted {
  readonly costs: readonly MessageCost[];
  readonly grown: { readonly costs: readonly MessageCost[] };
}

/** Every count of a warm case that rises by more than a tenth with a hundred times more there. */
export function growths({ costs, grown }: Counted): Grown[] {
  return grown.costs.flatMap(({ name, counts }) => {
    const before = costs.find((cost) => cost.name === name)?.counts;
    return GROWING.flatMap((count) => {
      const was = before?.[count] ?? 0;
      const grew = counts[count] > was * (1 + GROWTH_TOLERANCE) + EPSILON;
      const figure = `${name}, ${count}`;
      return grew ? [{ figure, before: rounded(was), after: rounded(counts[count]) }] : [];
    });
  });
}

/** A baseline's entries that do not say why they are what they are. */
export function unreasoned(baseline: Baseline): string[] {
  return Object.entries(baseline)
    .filter(([, { because }]) => because.trim() === "")
    .map(([figure]) => figure);
}

function costFigures(cost: CostReport, prices: Prices): Figures {
  const figures: Record<string, number> = {};
  for (const { name, counts } of cost.costs) {
    const rows = counts.durableObjectRowsWritten + counts.d1RowsWritten;
    figures[`cost: ${name}, rows written`] = rounded(rows);
    figures[`cost: ${name}, queue operations`] = rounded(counts.queueOperations);
    figures[`cost: ${name}, object requests`] = rounded(counts.durableObjectRequests);
    figures[`cost: ${name}, D1 calls`] = rounded(counts.d1Calls);
    figures[`cost: ${name}, R2 puts`] = rounded(counts.r2ClassA);
    figures[`cost: ${name}, $ per million`] = rounded(total(billPerMillion(counts, prices)));
  }
  const { warm, cold, badSignature } = cost.ackTrips;
  figures["cost: trips before the acknowledgement, warm"] = warm;
  figures["cost: trips before the acknowledgement, fresh isolate"] = cold;
  figures["cost: trips before the acknowledgement, bad signature"] = badSignature;
  return figures;
}

function sizeFigures(size: WorkerSize): Figures {
  return {
    "size: acknowledgement path, gzipped bytes": size.ack.gzipped,
    "size: every isolate's start, gzipped bytes": size.start.gzipped,
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
