/** Wire shape of the report on a workflow: where time goes, and how often runs fail. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { WorkflowId, WorkflowVersion } from "../workflow-value.ts";
import { Instant } from "./instant.ts";

/** Windows of one report. */
export const REPORT_WINDOWS_MAX = 1000;

export const ReportQuery = z.strictObject({
  tenant: Id.optional(),
  version: WorkflowVersion.optional(),
  /** Also each hour or day of UTC by itself. */
  window: z.enum(["hour", "day"]).optional(),
  /** Of the start, inclusive; absent: seven days before `until`. */
  since: Instant.optional(),
  /** Of the start, exclusive; absent: now. */
  until: Instant.optional(),
  /** Absent: `text/csv` where `Accept` names it, else JSON. */
  format: z.enum(["json", "csv"]).optional(),
});

/** Durations in ms; percentiles are nearest rank. */
const Spread = z.object({
  count: z.int(),
  p50_ms: z.int(),
  p95_ms: z.int(),
  max_ms: z.int(),
  mean_ms: z.int(),
});
export type SpreadView = z.infer<typeof Spread>;

const StepReport = z.object({
  step: z.string(),
  executions: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  /** Attempts beyond the first. */
  retries: z.int(),
  duration: Spread.nullable(),
  /** Share of the time of all steps that work, 0 to 1. */
  work_share: z.number().nullable(),
});

const WindowReport = z.object({
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  runs: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  success_rate: z.number().nullable(),
  failure_rate: z.number().nullable(),
  duration: Spread.nullable(),
});

export const WorkflowReport = z.object({
  workflow: WorkflowId,
  version: WorkflowVersion.nullable(),
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  /** What everything below is made of: the newest runs of the span. */
  sample: z.object({
    runs: z.int(),
    steps: z.int(),
    /** All runs of the span and all their steps are in it. */
    complete: z.boolean(),
  }),
  /** Runs by status. */
  by_status: z.record(z.string(), z.int()),
  open: z.int(),
  succeeded: z.int(),
  /** Also those that were compensated. */
  failed: z.int(),
  cancelled: z.int(),
  /** Of the runs that succeeded or failed, 0 to 1; null where there is none. */
  success_rate: z.number().nullable(),
  failure_rate: z.number().nullable(),
  duration: Spread.nullable(),
  retries: z.int(),
  /** Highest p95 among the steps that work. */
  slowest_step: z.string().nullable(),
  /** Takes the largest share of working time. */
  bottleneck: z.string().nullable(),
  /** Codes of failed steps, most frequent first. */
  errors: z.array(z.object({ reason: z.string(), count: z.int() })),
  steps: z.array(StepReport),
  /** In order, the empty ones too; none where they are not asked for. */
  windows: z.array(WindowReport),
});
export type WorkflowReport = z.infer<typeof WorkflowReport>;
