/** The first event of a run: its variables, its own time, its first step. */
import { type Draft, release, take, tell } from "./draft.ts";
import type { Refusal } from "./events.ts";
import { RUN_DATA_CHARS_MAX } from "./limits.ts";
import { armRun, endAs } from "./phases.ts";
import { mappingOf, scopeOf } from "./scope.ts";
import { MAIN_FRAME } from "./state.ts";

export function start(d: Draft): Refusal | undefined {
  if (d.state.chars > RUN_DATA_CHARS_MAX) return { reason: "too_large", max: RUN_DATA_CHARS_MAX };
  tell(d, "run_started");
  armRun(d);
  const ready = d.plan.definition.steps[0]?.id ?? "";
  d.state.frames[MAIN_FRAME] = { id: MAIN_FRAME, scope: "", round: "", ready };
  const { vars } = d.plan.definition;
  if (vars === undefined) return undefined;
  const values = mappingOf(d, vars, scopeOf(d, { scope: "" }), "vars");
  if (!values.ok) {
    endAs(d, { is: "failed", error: values.failure });
    return undefined;
  }
  const first = values.value;
  if (typeof first !== "object" || first === null || Array.isArray(first)) return undefined;
  release(d, d.state.vars);
  if (!take(d, first)) return { reason: "too_large", max: RUN_DATA_CHARS_MAX };
  d.state.vars = first;
  return undefined;
}
