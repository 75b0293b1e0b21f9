/** What the hands of a run have to carry out, read off its state and what it owes. */
import { carried } from "../domain/events/chain.ts";
import { outstanding } from "../domain/workflows/run/commands.ts";
import { ownOutput } from "../domain/workflows/run/outputs.ts";
import { type Plan, stepOf } from "../domain/workflows/run/plan.ts";
import type { RunState } from "../domain/workflows/run/state.ts";
import type { HandCommand, HandTask, TakenCommand } from "../platform/workflow-runs.ts";
import { handsPlaces } from "./workflow-run-owed.ts";
import type { OwedPlace } from "./workflow-run-storage.ts";

/** Time for a command that is no action, ms. */
const EFFECT_TIMEOUT_MS = 60_000;

/** Everything that has to be carried out now. */
export function handCommands(
  plan: Plan,
  state: RunState,
  owed: readonly OwedPlace[],
): readonly HandCommand[] {
  const acting = outstanding(plan, state).flatMap((command) =>
    command.is === "run_action" || command.is === "compensate" ? [command] : [],
  );
  return [...acting, ...handsPlaces(owed).map((place) => place.owed.command)];
}

export function taskOf(command: HandCommand): HandTask {
  const acts = command.is === "run_action" || command.is === "compensate";
  return { key: command.key, timeoutMs: acts ? command.timeoutMs : EFFECT_TIMEOUT_MS };
}

/** With what only the run knows: where secrets go, and whose child it is. */
export function takenCommand(plan: Plan, state: RunState, command: HandCommand): TakenCommand {
  const { correlationId, depth } = state;
  const own = {
    command,
    ...(correlationId === undefined ? {} : { correlationId }),
    ...carried(depth),
  };
  if (command.is === "run_action" || command.is === "compensate")
    return { ...own, ...ofAction(plan, state, command) };
  if (command.is !== "cancel_child") return own;
  const step = stepOf(plan, state.steps[command.step]?.id ?? "");
  return step?.type === "workflow" ? { ...own, workflow: step.workflow } : own;
}

function ofAction(
  plan: Plan,
  state: RunState,
  command: Extract<HandCommand, { is: "run_action" | "compensate" }>,
): Omit<TakenCommand, "command"> {
  const step = stepOf(plan, command.id);
  const mapping = step?.type === "action" ? step.with : undefined;
  const output = command.is === "run_action" ? ownOutput(step) : undefined;
  const startedAtMs = startOf(state, command);
  return {
    ...(mapping === undefined ? {} : { mapping }),
    ...(output === undefined ? {} : { output }),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
  };
}

function startOf(
  { steps, undos }: RunState,
  { is, step }: Extract<HandCommand, { is: "run_action" | "compensate" }>,
): number | undefined {
  if (is === "run_action") return steps[step]?.startedAtMs;
  return undos.find(({ key }) => key === step)?.startedAtMs;
}

/** The moment of the next timer, ms; `Infinity` where there is none. */
export function nextTimerMs(state: RunState): number {
  return Object.values(state.timers).reduce((least, { atMs }) => Math.min(least, atMs), Infinity);
}
