/**
 * Runs a definition to its end without an engine: the planner decides, actions are answered by the services that the
 * conformance kit of the Serverless Workflow DSL calls, as far as it looks at their answers.
 */

import { HTTP_ACTION } from "../../domain/workflows/cncf/task-call.ts";
import { EMIT_ACTION } from "../../domain/workflows/cncf/task-event.ts";
import type { Command } from "../../domain/workflows/run/commands.ts";
import { outstanding } from "../../domain/workflows/run/commands.ts";
import { decide } from "../../domain/workflows/run/decide.ts";
import { expressionEvaluator } from "../../domain/workflows/run/evaluator.ts";
import type { RunEvent } from "../../domain/workflows/run/events.ts";
import { planOf } from "../../domain/workflows/run/plan.ts";
import { isOver, type Json, type RunState } from "../../domain/workflows/run/state.ts";
import type { WorkflowDefinition } from "../../schema/workflow.ts";

/** Moment of every run, in ms since the epoch. */
const NOW_MS = Date.UTC(2026, 0, 5, 12);
/** Reports and timers one run may need. */
const EVENTS_MAX = 500;

type Members = Readonly<Record<string, Json>>;
type Answer = { readonly output: Json } | { readonly reason: string; readonly message: string };

/** The state at its end. Throws where the run comes to none. */
export function play(definition: WorkflowDefinition, input: Json): RunState {
  const plan = planOf(definition);
  let nowMs = NOW_MS;
  let state: RunState | undefined;
  let event: RunEvent | undefined = { is: "started", run: "r1", tenant: "t1", input };
  for (let count = 0; event !== undefined && count < EVENTS_MAX; count += 1) {
    if (event.is === "timer") nowMs = Math.max(nowMs, state?.timers[event.id]?.atMs ?? nowMs);
    const decided = decide(plan, state, event, {
      nowMs,
      random: () => 0.5,
      evaluator: expressionEvaluator,
    });
    if (!decided.ok) throw new Error(`${event.is} is refused: ${decided.failure.reason}`);
    state = decided.value.state;
    event = isOver(state) ? undefined : nextEvent(outstanding(plan, state));
  }
  if (state === undefined || !isOver(state)) throw new Error("the run comes to no end");
  return state;
}

/** Reports before timers: everything is answered at once. */
function nextEvent(commands: readonly Command[]): RunEvent | undefined {
  const call = commands.find((command) => command.is === "run_action");
  if (call?.is === "run_action") return report(call);
  const [timer] = commands
    .filter((command) => command.is === "start_timer")
    .toSorted((one, other) => one.atMs - other.atMs);
  return timer && { is: "timer", id: timer.id };
}

function report({
  step,
  attempt,
  action,
  input,
}: Extract<Command, { is: "run_action" }>): RunEvent {
  const answer = answerOf(action, input as Members);
  if ("output" in answer) return { is: "step_succeeded", step, attempt, output: answer.output };
  const error = { reason: answer.reason, message: answer.message, retryable: false };
  return { is: "step_failed", step, attempt, error };
}

function answerOf(action: string, input: Members): Answer {
  if (action === EMIT_ACTION)
    return {
      output: { id: "evt_1", specversion: "1.0", time: new Date(NOW_MS).toISOString(), ...input },
    };
  if (action === HTTP_ACTION) return called(input);
  return { reason: "unknown_action", message: action };
}

/** `{name}` of the URI is filled in, percent-encoded. */
function called(input: Members): Answer {
  const parameters = (input.uri_parameters ?? {}) as Members;
  const uri = String(input.uri).replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(parameters[name] ?? "")),
  );
  const { status, content } = served(new URL(uri), input);
  if (status >= 400) return { reason: `http.${status}`, message: "The call failed" };
  const request = { method: String(input.method), uri, headers: {} };
  const response = { request, statusCode: status, headers: {}, content };
  return { output: input.output === "response" ? response : content };
}

function served(url: URL, input: Members): { readonly status: number; readonly content: Json } {
  const parts = url.pathname.split("/").slice(1);
  if (url.hostname === "httpbin.org") {
    const basic = ((input.authentication as Members | undefined)?.basic ?? {}) as Members;
    const right = basic.username === parts[1] && basic.password === parts[2];
    return { status: right ? 200 : 401, content: { authenticated: right } };
  }
  const [, , what = "", ...rest] = parts;
  const pet = (id: number) => ({ id, name: "Milou", status: "available" });
  if (what === "findByStatus") return { status: 200, content: [pet(1), pet(2)] };
  if (rest.length === 0 && /^\d+$/.test(what)) return { status: 200, content: pet(Number(what)) };
  return { status: 404, content: null };
}
