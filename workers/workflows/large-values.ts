/** Values that are too large for a run: put apart when an action gives one, put back where an action is given one. */
import { fail, ok, type Result } from "../../domain/result.ts";
import {
  LARGE_VALUE_CHARS_MAX,
  LOADED_CHARS_MAX,
  largeValuesIn,
  withLargeValues,
} from "../../domain/workflows/expression/large.ts";
import type { ReportedError } from "../../domain/workflows/run/events.ts";
import { STEP_OUTPUT_CHARS_MAX } from "../../domain/workflows/run/limits.ts";
import type { Json, StepError } from "../../domain/workflows/run/state.ts";
import { count } from "../../platform/metrics.ts";
import type { RunName } from "../../platform/workflow-runs.ts";
import { putRunValue, readRunValue } from "../../platform/workflow-values.ts";

/** An output as the run gets it. Rejects as R2 does: then the action is carried out again, under the same key. */
export async function kept(env: Env, of: RunName, output: Json): Promise<Result<Json, StepError>> {
  const json = JSON.stringify(output);
  if (json.length <= STEP_OUTPUT_CHARS_MAX) return ok(output);
  const outcome = json.length <= LARGE_VALUE_CHARS_MAX ? "kept" : "too_large";
  count("workflow_large_values_total", { tenant: of.tenant, outcome });
  if (outcome === "too_large") return fail({ reason: "output_too_large" });
  const { $large } = await putRunValue(env, of, json);
  return ok({ $large: { ...$large } });
}

/** An input as its action gets it. Rejects as R2 does. */
export async function loaded(
  env: Env,
  tenant: string,
  input: Json,
): Promise<Result<Json, ReportedError>> {
  const all = largeValuesIn(input);
  if (all.length === 0) return ok(input);
  const chars = all.reduce((sum, one) => sum + one.chars, 0);
  if (chars > LOADED_CHARS_MAX)
    return refused(tenant, "input_too_large", `more than ${LOADED_CHARS_MAX} characters to load`);
  const values = new Map<string, Json>();
  for (const large of all) {
    if (values.has(large.sha256)) continue;
    const value = await readRunValue(env, tenant, large);
    if (value === undefined)
      return refused(tenant, "value_missing", "a value that was kept apart is not there");
    // What it says of its own size is only believed up to here.
    if (JSON.stringify(value).length !== large.chars)
      return refused(tenant, "value_missing", "a value that was kept apart is another one");
    values.set(large.sha256, value);
  }
  count("workflow_large_values_total", { tenant, outcome: "loaded" }, all.length);
  return ok(withLargeValues(input, (sha256) => values.get(sha256)));
}

function refused(tenant: string, reason: string, message: string): Result<never, ReportedError> {
  count("workflow_large_values_total", { tenant, outcome: reason });
  return fail({ reason, retryable: false, message });
}
