/**
 * Turns counted operations into dollars, by a dated price list. Pure. D1 rows and Durable Object rows cost
 * the same but have allowances of their own; the monthly invoice here takes the smaller view: one each.
 */

/** Operations per message (fractions welcome). */
export interface Counts {
  readonly workerRequests: number;
  readonly queueOperations: number;
  readonly durableObjectRequests: number;
  readonly durableObjectRowsWritten: number;
  readonly durableObjectRowsRead: number;
  readonly d1RowsWritten: number;
  readonly d1RowsRead: number;
  readonly r2ClassA: number;
  readonly r2ClassB: number;
  readonly workflowSteps: number;
}

export interface Prices {
  readonly readOn: string;
  readonly perMillion: {
    readonly workerRequests: number;
    readonly cpuMs: number;
    readonly queueOperations: number;
    readonly durableObjectRequests: number;
    readonly durableObjectGbSeconds: number;
    readonly rowsWritten: number;
    readonly rowsRead: number;
    readonly r2ClassA: number;
    readonly r2ClassB: number;
    readonly workflowSteps: number;
  };
  readonly assumed: {
    readonly cpuMsPerInvocation: number;
    readonly awakeSecondsPerDurableObjectRequest: number;
  };
}

/** Dollars per million messages, by what causes them. */
export type Bill = Readonly<Record<keyof Prices["perMillion"], number>>;

/** An awake object is billed for 128 MB. */
const DURABLE_OBJECT_GB = 0.128;

/** The marginal bill for a million messages that each do this. */
export function billPerMillion(counts: Counts, prices: Prices): Bill {
  const { perMillion, assumed } = prices;
  const invocations = counts.workerRequests + counts.durableObjectRequests;
  const awakeSeconds = counts.durableObjectRequests * assumed.awakeSecondsPerDurableObjectRequest;
  const rowsWritten = counts.durableObjectRowsWritten + counts.d1RowsWritten;
  const rowsRead = counts.durableObjectRowsRead + counts.d1RowsRead;
  return {
    workerRequests: counts.workerRequests * perMillion.workerRequests,
    cpuMs: invocations * assumed.cpuMsPerInvocation * perMillion.cpuMs,
    queueOperations: counts.queueOperations * perMillion.queueOperations,
    durableObjectRequests: counts.durableObjectRequests * perMillion.durableObjectRequests,
    durableObjectGbSeconds: awakeSeconds * DURABLE_OBJECT_GB * perMillion.durableObjectGbSeconds,
    rowsWritten: rowsWritten * perMillion.rowsWritten,
    rowsRead: rowsRead * perMillion.rowsRead,
    r2ClassA: counts.r2ClassA * perMillion.r2ClassA,
    r2ClassB: counts.r2ClassB * perMillion.r2ClassB,
    workflowSteps: counts.workflowSteps * perMillion.workflowSteps,
  };
}

/** The bill's total in dollars. */
export function total(bill: Bill): number {
  return Object.values(bill).reduce((sum, dollars) => sum + dollars, 0);
}
