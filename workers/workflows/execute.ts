/**
 * Carries one command of a run out and says how it ended. At least once: the same command may come again after a
 * crash, with the same idempotency key.
 */

import { carried, depthBehind } from "../../domain/events/chain.ts";
import { fail, ok } from "../../domain/result.ts";
import { codeOf } from "../../domain/workflows/run/audit.ts";
import type { ReportedError, RunEvent } from "../../domain/workflows/run/events.ts";
import { mappedOutput } from "../../domain/workflows/run/outputs.ts";
import type { Json } from "../../domain/workflows/run/state.ts";
import { noteCall } from "../../platform/audit-calls.ts";
import { deadline, untilAborted } from "../../platform/http-deadline.ts";
import { logLine } from "../../platform/log.ts";
import { count } from "../../platform/metrics.ts";
import { runIdOf } from "../../platform/workflow-ids.ts";
import {
  type HandCommand,
  type RunName,
  type TakenCommand,
  workflowRun,
} from "../../platform/workflow-runs.ts";
import { tellTask } from "../operations/task-channel.ts";
import { type ActionResult, membersOf } from "./actions/action.ts";
import { ACTIONS } from "./actions/registry.ts";
import { runAction } from "./actions/run-action.ts";
import { kept, loaded } from "./large-values.ts";
import { type RunStart, type StartFailure, startRun } from "./start.ts";

type Acting = Extract<HandCommand, { is: "run_action" | "compensate" }>;
type Starting = Extract<HandCommand, { is: "start_child" }>;
type Cancelling = Extract<HandCommand, { is: "cancel_child" }>;

/** The event the run gets; undefined where it needs none. Rejects where it could not be tried: then it comes again. */
export async function execute(
  env: Env,
  of: RunName,
  taken: TakenCommand,
): Promise<RunEvent | undefined> {
  const { command } = taken;
  switch (command.is) {
    case "run_action":
    case "compensate":
      return act(env, of, taken, command);
    case "start_child":
      return startChild(env, of, taken, command);
    case "cancel_child":
      return cancelChild(env, of, taken, command);
    case "open_task":
    case "remind_task":
    case "escalate_task":
    case "reassign_task":
    case "close_task":
      return tellTask(env, of, command, taken.depth);
  }
}

async function act(env: Env, of: RunName, taken: TakenCommand, command: Acting): Promise<RunEvent> {
  const startMs = Date.now();
  const done = await attempt(env, of, taken, command);
  const { tenant, run } = of;
  const { step, attempt: number, action } = command;
  const outcome = done.ok ? "succeeded" : "failed";
  const reason = done.ok ? {} : { reason: codeOf(done.failure.reason) };
  const durationMs = Date.now() - startMs;
  count("workflow_actions_total", { tenant, outcome });
  logLine("action.ended", {
    ...{ tenant, job: run, key: step, operation: action, attempt: number, outcome, durationMs },
    ...reason,
  });
  noteAction(of, command, startMs, done);
  const place = { step, attempt: number };
  if (command.is === "compensate")
    return done.ok
      ? { is: "compensation_succeeded", ...place }
      : { is: "compensation_failed", ...place, error: done.failure };
  return done.ok
    ? { is: "step_succeeded", ...place, ...(await outputOf(env, of, taken, done.value)) }
    : { is: "step_failed", ...place, error: done.failure };
}

/** What the run gets of an answer: what its step makes of it, and a reference where that is too large. */
async function outputOf(
  env: Env,
  of: RunName,
  { output: mapping }: TakenCommand,
  answer: Json,
): Promise<Pick<Extract<RunEvent, { is: "step_succeeded" }>, "output" | "mapped" | "lost">> {
  const own = mapping === undefined ? ok(answer) : mappedOutput(mapping, answer);
  const keeping = own.ok ? await kept(env, of, own.value) : own;
  if (!keeping.ok) return { output: null, lost: keeping.failure };
  return { output: keeping.value, ...(mapping === undefined ? {} : { mapped: true }) };
}

/** What leaves the hub stands in the audit trail; what it does for itself in the run's own alone. */
function noteAction(
  { tenant, run }: RunName,
  { action, step, id, attempt: number, input }: Acting,
  startMs: number,
  done: ActionResult,
): void {
  const known = ACTIONS.get(action);
  if (known && known.sends !== true) return;
  const { connection } = membersOf(input);
  noteCall(tenant, {
    action: known ? (action as `${string}.${string}`) : "service.call",
    actor: { kind: "workflow", id: run },
    target: {
      ...{ step, execution: id, attempt: String(number) },
      ...(known ? {} : { service: action }),
      ...(typeof connection === "string" ? { connection } : {}),
    },
    startMs,
    failure: done.ok
      ? undefined
      : { code: codeOf(done.failure.reason), refused: done.failure.retryable === false },
  });
}

/** Ends with its time, whether the action listens or not. */
async function attempt(
  env: Env,
  { tenant, run }: RunName,
  { mapping, correlationId, depth, startedAtMs = Date.now() }: TakenCommand,
  command: Acting,
): Promise<ActionResult> {
  const { action, input, step, id, attempt: number, idempotencyKey, timeoutMs } = command;
  const signal = deadline(timeoutMs);
  const context = {
    ...{ env, tenant, run, step, stepId: id, attempt: number, idempotencyKey, signal },
    startedAtMs,
    ...(correlationId === undefined ? {} : { correlationId }),
    ...carried(depth),
  };
  try {
    const given = await loaded(env, tenant, input);
    if (!given.ok) return given;
    return await untilAborted(runAction(context, action, given.value, mapping), signal);
  } catch (error) {
    if (signal.aborted) return fail({ reason: "timeout" });
    const code = error instanceof Error ? error.name : "unknown";
    logLine("action.broken", { tenant, job: run, key: step, operation: action, code });
    return fail({ reason: "action_error" });
  }
}

async function startChild(
  env: Env,
  { tenant, run }: RunName,
  { correlationId, depth }: TakenCommand,
  command: Starting,
): Promise<RunEvent | undefined> {
  const { step, attempt: number, workflow, version, input, detached, idempotencyKey } = command;
  const behind = depthBehind(depth);
  if (!behind.ok) {
    count("event_chains_ended_total", { tenant, at: "child" });
    const error = { ...behind.failure, retryable: false };
    return { is: "child_ended", step, attempt: number, outcome: "failed", error };
  }
  const start: RunStart = {
    ...{ tenant, workflow, input, key: idempotencyKey, trigger: "workflow", nowMs: Date.now() },
    ...{ parent: { run, step, attempt: number }, depth: behind.value },
    ...(version === undefined ? {} : { version }),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
  const started = await startRun(env, start);
  if (started.ok)
    return detached
      ? { is: "child_started", step, attempt: number, child: started.value.run }
      : undefined;
  if (started.failure.reason === "unavailable") throw new Error("the child could not be started");
  const error = childError(started.failure);
  return { is: "child_ended", step, attempt: number, outcome: "failed", error };
}

function childError({ reason }: StartFailure): ReportedError {
  return { reason, retryable: reason === "paused" };
}

/** Undefined also where the child has ended, or never began. */
async function cancelChild(
  env: Env,
  { tenant }: RunName,
  { workflow }: TakenCommand,
  { idempotencyKey }: Cancelling,
): Promise<undefined> {
  if (workflow === undefined) return;
  const run = await runIdOf(tenant, workflow, idempotencyKey);
  await workflowRun(env, { tenant, run }).send({ is: "cancel", reason: "parent_cancelled" });
}
