/** Turns of conversations whose route is a workflow: each of its messages starts a run, once, however often it is tried. */
import { carried } from "../../domain/events/chain.ts";
import { messageHappening } from "../../domain/workflows/triggers/start.ts";
import { count } from "../../platform/metrics.ts";
import type { UnifiedMessage } from "../../schema/message.ts";
import type { Route } from "../../schema/route.ts";
import { type StartFailure, startRun } from "../workflows/start.ts";

type WorkflowRoute = Extract<Route, { kind: "workflow" }>;

/** Why a turn's runs were not all started. */
export interface MessageStartFailure {
  readonly reason: StartFailure["reason"];
  readonly retryable: boolean;
}

/** `depth`: of the message, in its chain of events. */
interface ArrivedMessage {
  readonly message: UnifiedMessage;
  readonly depth: number | undefined;
}

/** In their order, up to the first that fails. The message is the run's input, its conversation the correlation id. */
export async function startForMessages(
  env: Env,
  tenant: string,
  { workflow, version }: WorkflowRoute,
  messages: readonly ArrivedMessage[],
): Promise<MessageStartFailure | undefined> {
  for (const { message, depth } of messages) {
    const { key, data, correlationId } = messageHappening(message);
    const started = await startRun(env, {
      ...{ tenant, workflow, key, input: data, trigger: "message", nowMs: Date.now() },
      ...(version === undefined ? {} : { version }),
      ...(correlationId === undefined ? {} : { correlationId }),
      ...carried(depth),
    });
    const outcome = !started.ok
      ? started.failure.reason
      : started.value.duplicate
        ? "duplicate"
        : "started";
    count("workflow_triggers_total", { tenant, trigger: "message", outcome });
    if (started.ok) continue;
    const { reason } = started.failure;
    return { reason, retryable: reason === "unavailable" };
  }
  return undefined;
}
