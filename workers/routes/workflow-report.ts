/** How runs of a workflow went, and where their time goes. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import { SAMPLE_RUNS_MAX, SAMPLE_STEPS_MAX } from "../../platform/repositories/workflow-insight.ts";
import { findVersion, listVersions } from "../../platform/repositories/workflows.ts";
import {
  REPORT_WINDOWS_MAX,
  ReportQuery,
  WorkflowReport,
} from "../../schema/api/workflow-report.ts";
import { WorkflowId } from "../../schema/workflow-value.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";
import {
  type ReportSpan,
  readSample,
  reportOf,
  windowCount,
} from "../operations/workflow-report.ts";
import { reportCsv } from "../operations/workflow-report-csv.ts";

const CSV_TYPE = "text/csv";
/** The span of a report that names none, ms: seven days. */
const SPAN_MS = 7 * 86_400_000;
/** No span begins before the years that a moment of the API can say, ms since the epoch. */
const FIRST_MS = Date.parse("0000-01-01T00:00:00.000Z");

export function registerWorkflowReport(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "getWorkflowReport",
    method: "get",
    path: "/workflows/:workflow/report",
    tag: "workflows",
    summary: "How runs went, and where their time goes",
    description: `Of the runs that began from \`since\` (default: seven days before) until \`until\` (default: now): rates of success and failure, durations (p50, p95) of runs and of each step, the slowest step, the one that takes most of the time, retries, codes of failures. Made of the newest ${SAMPLE_RUNS_MAX} runs and ${SAMPLE_STEPS_MAX} of their steps; \`sample.complete\` says whether that is all. \`window\` adds each hour or day by itself. JSON, or CSV by \`format\`, else by \`Accept\`.`,
    access: { scope: "runs:read", tenant: "key" },
    params: z.strictObject({ workflow: WorkflowId }),
    query: ReportQuery,
    responses: {
      200: { description: "The report", schema: WorkflowReport, also: { [CSV_TYPE]: z.string() } },
    },
    handle: async ({ tenant, params: { workflow }, query, request, nowMs }) => {
      const db = databaseFor(env, tenant);
      const span = spanOf(query, { tenant, workflow }, nowMs);
      const [known] = await listVersions(db, tenant, workflow, 1);
      if (!known) throw new HubError("not_found", "no such workflow");
      const { version } = query;
      if (version !== undefined && !(await findVersion(db, tenant, workflow, version)))
        throw new HubError("not_found", "no such version");
      const report = reportOf(span, await readSample(db, span));
      const wants = request.headers.get("accept")?.includes(CSV_TYPE) ?? false;
      const csv = query.format === undefined ? wants : query.format === "csv";
      if (!csv) return json(200, report, { vary: "accept" });
      return new Response(reportCsv(report), {
        headers: { "content-type": CSV_TYPE, "cache-control": "no-store", vary: "accept" },
      });
    },
  });
}

/** Throws validation_failed where the span is none, or has too many windows. */
function spanOf(
  { since, until, version, window }: z.output<typeof ReportQuery>,
  of: { readonly tenant: string; readonly workflow: string },
  nowMs: number,
): ReportSpan {
  const untilMs = until === undefined ? nowMs : Date.parse(until);
  const sinceMs = since === undefined ? Math.max(untilMs - SPAN_MS, FIRST_MS) : Date.parse(since);
  if (sinceMs > untilMs) throw invalid("since", "is later than until");
  const span = { ...of, version, sinceMs, untilMs, window };
  if (windowCount(span) > REPORT_WINDOWS_MAX)
    throw invalid("window", `more than ${REPORT_WINDOWS_MAX} of them`);
  return span;
}

function invalid(name: string, detail: string): HubError {
  return new HubError("validation_failed", undefined, {
    extensions: { errors: [{ pointer: `#/query/${name}`, detail }] },
  });
}
