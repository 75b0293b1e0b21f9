/** What can be read where: the roots that expressions know, by the place they stand in. */

/** Every root there is. */
export const ROOTS = [
  "input",
  "steps",
  "run",
  "vars",
  "event",
  "item",
  "index",
  "now",
  "output",
  "undo",
  "error",
] as const;
export type Root = (typeof ROOTS)[number];

/**
 * The values behind the roots. JSON, but for `now`: ms since the epoch, a timestamp to expressions. Absent roots are
 * unknown names.
 */
export interface Facts {
  readonly input?: unknown;
  readonly steps?: Readonly<Record<string, unknown>>;
  readonly run?: Readonly<Record<string, unknown>>;
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly event?: unknown;
  readonly item?: unknown;
  readonly index?: number;
  readonly now?: number;
  readonly output?: unknown;
  readonly undo?: unknown;
  readonly error?: unknown;
}
