/** Prints what was measured of runs. */
import { billPerMillion, total } from "./dollars.ts";
import prices from "./prices.json" with { type: "json" };
import { table } from "./show.ts";
import type { WorkflowReport } from "./workflows.ts";

/** The counts of one step, and how fast many runs went. */
export function showWorkflows(report: WorkflowReport): void {
  const { runs, steps, completed, stepsPerSecond, p50Ms, p95Ms, perStep } = report;
  console.log(
    `\nPer step of a run of ${steps} that call a service, its start, projection, events and archive included (prices of ${prices.readOn}); metrics of the hub left out:\n`,
  );
  table(
    ["Workflows steps", "object calls", "rows in objects", "rows in D1", "D1 calls", "per million"],
    [
      [
        perStep.workflowSteps.toFixed(2),
        perStep.durableObjectRequests.toFixed(2),
        perStep.durableObjectRowsWritten.toFixed(2),
        perStep.d1RowsWritten.toFixed(2),
        perStep.d1Calls.toFixed(2),
        `$${total(billPerMillion(perStep, prices)).toFixed(2)}`,
      ],
    ],
  );
  console.log(
    `\n${completed} of ${runs} runs begun at once completed: ${stepsPerSecond.toFixed(0)} steps per second, a run took ${p50Ms} ms (p50), ${p95Ms} ms (p95)`,
  );
}
