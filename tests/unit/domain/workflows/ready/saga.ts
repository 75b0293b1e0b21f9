/**
 * Plays a ready saga without an engine, against what the simulated services know: time jumps, calls fail as a test
 * says, answers are lost, and the trail, the log and every effect are kept.
 */
import { expect } from "vitest";
import { ok, type Result } from "../../../../../domain/result.ts";
import type { AuditEntry } from "../../../../../domain/workflows/run/audit.ts";
import { type Command, outstanding } from "../../../../../domain/workflows/run/commands.ts";
import { decide, type LogEntry } from "../../../../../domain/workflows/run/decide.ts";
import { expressionEvaluator } from "../../../../../domain/workflows/run/evaluator.ts";
import type { ReportedError, RunEvent } from "../../../../../domain/workflows/run/events.ts";
import { foldLog } from "../../../../../domain/workflows/run/fold.ts";
import { planOf } from "../../../../../domain/workflows/run/plan.ts";
import type { Json, RunState } from "../../../../../domain/workflows/run/state.ts";
import type { WorkflowDefinition } from "../../../../../schema/workflow.ts";
import { asRecord, asText, type Reply } from "../../../../../simulators/http.ts";
import {
  createServicesWorld,
  type ServicesWorld,
} from "../../../../../simulators/services/world.ts";

const START_MS = Date.UTC(2026, 0, 5, 12);
/** More calls and events than any of these runs takes: one that does not end. */
const TURNS_MAX = 500;
const TENANT = "t1";
export const RUN = "run_1";

/**
 * - `refused`: the service says no, for good, but for what it has done under this key (`docs/sagas.md`). `busy`: 503
 *   with the service's own code.
 * - `reset`, `timeout`, `garbage`, `crash`: nothing was done, and the call broke off, was never answered, was answered
 *   with what is no JSON, or the hub died. With `-after` the work was done before.
 */
export const FAULTS = [
  ...(["refused", "busy", "reset", "reset-after", "timeout", "timeout-after"] as const),
  ...(["garbage", "garbage-after", "crash", "crash-after"] as const),
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** Hits the first `next` calls of an action; absent: all of them. */
export interface Fault {
  readonly action: string;
  readonly kind: FaultKind;
  readonly next?: number;
}

export interface Told {
  readonly action: string;
  /** Key of the step, or `undo <key>`. */
  readonly step: string;
  readonly attempt: number;
  readonly key: string;
  readonly input: Json;
}

export interface Saga {
  readonly world: ServicesWorld;
  readonly calls: readonly Told[];
  readonly audit: readonly AuditEntry[];
  readonly log: readonly LogEntry[];
  state(): RunState;
  /** What the services did, in order: `made reservation`, `taken reservation`, `sent booking.confirmed`. */
  effects(): readonly string[];
  standing(): readonly string[];
  /** Steps that were undone, in that order. */
  undone(): readonly string[];
  send(event: RunEvent): void;
  /** Until nothing goes on. `pick` chooses among calls that are to be made now. */
  play(faults?: readonly Fault[], pick?: (count: number) => number): void;
}

type Runnable = Extract<Command, { is: "run_action" | "compensate" }>;

/** A run that has begun. */
export function begin(
  definition: WorkflowDefinition,
  input: Json,
  world = createServicesWorld(),
): Saga {
  const plan = planOf(definition);
  const calls: Told[] = [];
  const audit: AuditEntry[] = [];
  const log: LogEntry[] = [];
  const hung = new Set<string>();
  let nowMs = START_MS;
  let state: RunState | undefined;
  const current = (): RunState => {
    if (!state) throw new Error("not begun");
    return state;
  };
  const send = (event: RunEvent): void => {
    const facts = { nowMs, random: () => 0, evaluator: expressionEvaluator };
    const decided = decide(plan, state, event, facts);
    if (!decided.ok) throw new Error(`${event.is}: ${decided.failure.reason}`);
    state = JSON.parse(JSON.stringify(decided.value.state)) as RunState;
    log.push(decided.value.entry);
    audit.push(...decided.value.audit);
  };
  const jump = (): boolean => {
    const [timer] = Object.values(current().timers).toSorted((a, b) => a.atMs - b.atMs);
    if (!timer) return false;
    nowMs = Math.max(nowMs, timer.atMs);
    send({ is: "timer", id: timer.id });
    return true;
  };
  const play: Saga["play"] = (faults = [], pick = () => 0) => {
    const left = faults.map((fault) => ({
      ...fault,
      next: fault.next ?? Number.POSITIVE_INFINITY,
    }));
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      const open = outstanding(plan, current()).filter(
        (one): one is Runnable => isRunnable(one) && !hung.has(`${one.key} ${one.attempt}`),
      );
      const command = open[pick(open.length)];
      if (!command && !jump()) return;
      if (!command) continue;
      calls.push(toldOf(command));
      const fault = left.find(({ action, next }) => action === command.action && next > 0);
      if (fault) fault.next -= 1;
      const answered = answerOf(world, command, fault?.kind);
      if (answered === "hangs") hung.add(`${command.key} ${command.attempt}`);
      else if (answered !== "died") send(reportOf(command, answered));
    }
    throw new Error("it does not end");
  };
  send({ is: "started", run: RUN, tenant: TENANT, input });
  return {
    ...{ world, calls, audit, log, send, play },
    state: current,
    effects: () =>
      world.effects().map(({ is, id, template }) => `${is} ${template ?? id.split("_", 1)[0]}`),
    standing: () => Object.keys(world.standing(TENANT, RUN)),
    undone: () =>
      log.flatMap(({ event }) => (event.is === "compensation_succeeded" ? [event.step] : [])),
  };
}

/** The log gives the state again, and an idempotency key never stands for two inputs. */
export function expectSound(definition: WorkflowDefinition, saga: Saga): void {
  const folded = foldLog(planOf(definition), saga.log, expressionEvaluator);
  expect(folded.ok && folded.value).toEqual(saga.state());
  const inputs = new Map<string, string>();
  for (const { key, input } of saga.calls) {
    const text = JSON.stringify(input);
    expect(inputs.get(key) ?? text).toBe(text);
    inputs.set(key, text);
  }
  const effects = saga.world.effects().map(({ action, key }) => `${action} ${key}`);
  expect(new Set(effects).size).toBe(effects.length);
}

function isRunnable(command: Command): command is Runnable {
  return command.is === "run_action" || command.is === "compensate";
}

function toldOf({ is, action, step, attempt, idempotencyKey: key, input }: Runnable): Told {
  return { action, step: is === "compensate" ? `undo ${step}` : step, attempt, key, input };
}

function answerOf(
  world: ServicesWorld,
  { action, idempotencyKey: key, input }: Runnable,
  fault: FaultKind | undefined,
): Result<Json, ReportedError> | "hangs" | "died" {
  const refusal = { status: 422, body: { error: { code: "refused.injected", retryable: false } } };
  const isDone = world.effects().some((one) => one.action === action && one.key === key);
  if (fault === "refused" && !isDone) return resultOf(refusal);
  if (fault === "busy") return resultOf({ status: 503, body: { error: { code: "busy" } } });
  const served =
    fault === undefined || fault === "refused" || fault.endsWith("-after")
      ? world.answer({ tenant: TENANT, action, key, input: asRecord(input) })
      : undefined;
  switch (fault) {
    case "reset":
    case "reset-after":
      return { ok: false, failure: { reason: "network", retryable: true } };
    case "timeout":
    case "timeout-after":
      return "hangs";
    case "garbage":
    case "garbage-after":
      return ok("\u0000<<not json>>{");
    case "crash":
    case "crash-after":
      return "died";
    case "refused":
    case undefined:
      return resultOf(served ?? { status: 500 });
  }
}

/** As the hub's service action reads an answer. */
function resultOf({ status, body }: Reply): Result<Json, ReportedError> {
  if (status < 300) return ok(body as Json);
  const { code, message, retryable } = asRecord(asRecord(body).error);
  const reason = asText(code) ?? `http.${status}`;
  return {
    ok: false,
    failure: {
      reason,
      retryable: typeof retryable === "boolean" ? retryable : status >= 500,
      ...(typeof message === "string" && { message }),
    },
  };
}

function reportOf(command: Runnable, answer: Result<Json, ReportedError>): RunEvent {
  const { step, attempt } = command;
  if (command.is === "compensate")
    return answer.ok
      ? { is: "compensation_succeeded", step, attempt }
      : { is: "compensation_failed", step, attempt, error: answer.failure };
  return answer.ok
    ? { is: "step_succeeded", step, attempt, output: answer.value }
    : { is: "step_failed", step, attempt, error: answer.failure };
}
