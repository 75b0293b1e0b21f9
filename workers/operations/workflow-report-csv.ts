/** The report on a workflow as a table: one row for its runs, one for each window, one for each step (RFC 4180). */
import type { SpreadView, WorkflowReport } from "../../schema/api/workflow-report.ts";

const COLUMNS = [
  ...["kind", "step", "since", "until", "executions", "succeeded", "failed", "retries"],
  ...["success_rate", "p50_ms", "p95_ms", "max_ms", "mean_ms", "work_share"],
] as const;
type Row = Readonly<Partial<Record<(typeof COLUMNS)[number], string | number | null>>>;

/** Every cell is a number, a moment, or a name of letters, digits, `_` and `-`: none needs quotes, none is a formula. */
export function reportCsv(report: WorkflowReport): string {
  const { since, until, sample, succeeded, failed, retries, success_rate } = report;
  const executions = sample.runs;
  const counts = { executions, succeeded, failed, retries, success_rate };
  const rows: Row[] = [
    { kind: "runs", since, until, ...counts, ...spreadOf(report.duration) },
    ...report.windows.map(({ runs, duration, ...window }) => {
      return { kind: "window", ...window, executions: runs, ...spreadOf(duration) };
    }),
    ...report.steps.map(({ duration, ...step }) => ({
      ...{ kind: "step", ...step },
      ...spreadOf(duration),
    })),
  ];
  const lines = rows.map((row) => COLUMNS.map((column) => row[column] ?? "").join(","));
  return `${[COLUMNS.join(","), ...lines].join("\r\n")}\r\n`;
}

function spreadOf(spread: SpreadView | null): Row {
  if (!spread) return {};
  const { count: _, ...percentiles } = spread;
  return percentiles;
}
