/**
 * Runs of the simulated AgentOS: their records, their course as server-sent events, their sessions.
 * Shapes follow agno's AgentOS; names of events differ between agents, teams and workflows.
 */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { answerTo, type Brain } from "./brain.ts";

export type ComponentKind = "agents" | "teams" | "workflows";
export type RunStatus = "PENDING" | "RUNNING" | "COMPLETED" | "PAUSED" | "CANCELLED" | "ERROR";

export interface Run {
  readonly id: string;
  readonly kind: ComponentKind;
  readonly component: string;
  readonly sessionId: string;
  readonly userId: string | undefined;
  readonly text: string;
  readonly createdAt: number;
  status: RunStatus;
  content: string;
}

/** A keepalive comment is sent this often while a run thinks. */
const KEEPALIVE_MS = 1_000;
const CHUNK_CHARS = 4;

/** A run that has not begun. */
export function newRun(
  kind: ComponentKind,
  component: string,
  fields: Readonly<Record<string, unknown>>,
): Run {
  const text = typeof fields.message === "string" ? fields.message : "";
  const session = typeof fields.session_id === "string" ? fields.session_id : "";
  return {
    id: randomUUID(),
    kind,
    component,
    sessionId: session === "" ? randomUUID() : session,
    userId: typeof fields.user_id === "string" ? fields.user_id : undefined,
    text,
    createdAt: Math.floor(Date.now() / 1000),
    status: "PENDING",
    content: "",
  };
}

/** Lets the brain work on a run, without a stream. */
export async function work(run: Run, brain: Brain, signal: AbortSignal): Promise<void> {
  run.status = "RUNNING";
  const delayMs = brain.mode === "hang" ? 2 ** 31 - 1 : brain.delayMs;
  if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  settle(run, brain);
}

/** A run as the API shows it. */
export function runObject(run: Run): Record<string, unknown> {
  const kind = run.kind.slice(0, -1);
  const tokens = run.text.length + run.content.length;
  return {
    run_id: run.id,
    [`${kind}_id`]: run.component,
    [`${kind}_name`]: run.component,
    session_id: run.sessionId,
    user_id: run.userId ?? null,
    content: run.content,
    content_type: "str",
    model: "simulated",
    model_provider: "Simulator",
    metrics: {
      input_tokens: run.text.length,
      output_tokens: run.content.length,
      total_tokens: tokens,
      duration: 0.01,
    },
    messages: [],
    created_at: run.createdAt,
    status: run.status,
    ...(run.status === "PAUSED" && { tools: [pausedTool()] }),
  };
}

/**
 * Streams a run: started, deltas, completed (with the whole text); error or pause instead, where the brain
 * says so. A client that leaves cancels the run, like in the original.
 */
export async function stream(
  run: Run,
  brain: Brain,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const write = writer(run, brain.mode === "unframed", response);
  run.status = "RUNNING";
  write("RunStarted", { model: "simulated" });
  await think(brain, response, signal);
  if (response.destroyed || signal.aborted) {
    run.status = "CANCELLED";
    return;
  }
  const status = settle(run, brain);
  if (status === "ERROR") write("RunError", { content: "The model provider failed" });
  else if (status === "PAUSED") write("RunPaused", { tools: [pausedTool()] });
  else if (!(await speak(run, brain, write, response))) return;
  response.end();
}

async function speak(
  run: Run,
  brain: Brain,
  write: (event: string, data: Record<string, unknown>) => void,
  response: ServerResponse,
): Promise<boolean> {
  for (let at = 0; at < run.content.length; at += CHUNK_CHARS) {
    if (brain.mode === "cut" && at >= run.content.length / 2) {
      run.status = "ERROR";
      await sleep(20);
      response.destroy();
      return false;
    }
    write("RunContent", { content: run.content.slice(at, at + CHUNK_CHARS) });
  }
  const { metrics } = runObject(run);
  write("RunCompleted", { content: run.content, metrics });
  return true;
}

const PREFIX: Readonly<Record<ComponentKind, string>> = {
  agents: "",
  teams: "Team",
  workflows: "",
};
const WORKFLOW_NAMES: Readonly<Record<string, string>> = {
  RunStarted: "WorkflowStarted",
  RunContent: "StepOutput",
  RunCompleted: "WorkflowCompleted",
  RunError: "WorkflowError",
};

function writer(run: Run, unframed: boolean, response: ServerResponse) {
  return (name: string, data: Record<string, unknown>): void => {
    const event =
      run.kind === "workflows" ? (WORKFLOW_NAMES[name] ?? name) : `${PREFIX[run.kind]}${name}`;
    const payload = JSON.stringify({
      created_at: run.createdAt,
      event,
      [`${run.kind.slice(0, -1)}_id`]: run.component,
      run_id: run.id,
      session_id: run.sessionId,
      ...data,
    });
    response.write(unframed ? payload : `event: ${event}\ndata: ${payload}\n\n`);
  };
}

/** Waits the brain's time, with keepalive comments in between. */
async function think(brain: Brain, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const endMs = brain.mode === "hang" ? Number.POSITIVE_INFINITY : Date.now() + brain.delayMs;
  response.write(brain.mode === "unframed" ? "" : ": keepalive\n\n");
  while (Date.now() < endMs && !response.destroyed && !signal.aborted) {
    const restMs = Math.min(KEEPALIVE_MS, endMs - Date.now());
    await sleep(restMs, undefined, { signal }).catch(() => undefined);
    if (!response.destroyed && brain.mode !== "unframed") response.write(": keepalive\n\n");
  }
}

/** Ends a run as the brain decides; one that was cancelled meanwhile stays so. */
function settle(run: Run, brain: Brain): RunStatus {
  if (run.status === "CANCELLED") return run.status;
  if (brain.mode === "error") {
    run.status = "ERROR";
    run.content = "The model provider failed";
  } else if (brain.mode === "paused") run.status = "PAUSED";
  else {
    run.status = "COMPLETED";
    run.content = answerTo(brain, run.text);
  }
  return run.status;
}

function pausedTool(): Record<string, unknown> {
  return {
    tool_call_id: "call_1",
    tool_name: "confirm_order",
    tool_args: {},
    requires_confirmation: true,
    confirmed: null,
  };
}
