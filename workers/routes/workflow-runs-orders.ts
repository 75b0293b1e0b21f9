/** Orders to runs of workflows: pause, resume, cancel, go on after a failure, undo once more; and signals to them. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import type { Json } from "../../domain/workflows/run/state.ts";
import {
  CancelBody,
  RetryBody,
  RunId,
  SIGNAL_ID_CHARS_MAX,
  SignalBody,
  SignalView,
  SteeredView,
} from "../../schema/api/workflow-runs.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";
import { lastFailed, needRun, orderRun } from "../operations/workflow-run-orders.ts";

const TAG = "runs";
const WRITE = { scope: "runs:write", tenant: "key" } as const;
const Params = z.strictObject({ run: RunId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const STEERED = { description: "The run", schema: SteeredView };
const PATH = "/runs/:run";

export function registerWorkflowRunOrders(api: Api, deps: ApiDeps): void {
  registerPause(api, deps);
  registerCancel(api, deps);
  registerRetry(api, deps);
  registerUndo(api, deps);
  registerSignal(api, deps);
}

function registerPause(api: Api, deps: ApiDeps): void {
  for (const [is, harmless, summary, description] of [
    [
      ...(["pause", "already_paused", "Let a run rest"] as const),
      "No step begins; what goes on settles. Time goes on: what falls due meanwhile is done when it is resumed.",
    ],
    ["resume", "not_paused", "Let a run go on", ""],
  ] as const) {
    api.route({
      id: `${is}Run`,
      method: "post",
      path: `${PATH}/${is}`,
      tag: TAG,
      summary,
      description: `${description} Saying it again is harmless.`.trim(),
      access: WRITE,
      params: Params,
      query: TenantQuery,
      responses: { 200: STEERED, 409: { description: "It has ended" } },
      handle: async ({ tenant, params: { run } }) => {
        const { status } = await orderRun(deps, { tenant, run }, { is }, harmless);
        return json(200, { run, status });
      },
    });
  }
}

function registerCancel(api: Api, deps: ApiDeps): void {
  api.route({
    id: "cancelRun",
    method: "post",
    path: `${PATH}/cancel`,
    tag: TAG,
    summary: "End a run",
    description:
      "What goes on settles; then completed steps are undone as after a failure, unless `compensate` is false. Saying it again is harmless.",
    access: WRITE,
    params: Params,
    body: CancelBody,
    responses: { 200: STEERED, 409: { description: "It has ended" } },
    handle: async ({ tenant, params: { run }, body: { reason, compensate } }) => {
      const why = reason === undefined ? {} : { reason };
      const event = { is: "cancel", compensate, ...why } as const;
      const { status } = await orderRun(deps, { tenant, run }, event, "already_ending");
      return json(200, { run, status });
    },
  });
}

function registerRetry(api: Api, deps: ApiDeps): void {
  api.route({
    id: "retryRun",
    method: "post",
    path: `${PATH}/retry`,
    tag: TAG,
    summary: "Let a run that ended badly go on from a step",
    description:
      "From `step`, the key of an execution on the main branch; absent: the last that failed. A step that failed is tried again under its idempotency key. With `output` the step counts as done with that, and the run goes on behind it. The run keeps its version. Steps before it that were undone are in the way: 409 names them.",
    access: WRITE,
    params: Params,
    body: RetryBody,
    responses: {
      200: STEERED,
      409: { description: "It goes on, ended well, or steps before were undone" },
      422: { description: "It cannot go on there" },
    },
    handle: async ({ tenant, params: { run }, body: { step, output } }) => {
      const name = { tenant, run };
      const from = step ?? lastFailed(await needRun(deps, name));
      if (from === undefined) throw new HubError("conflict", "no step of it failed");
      const done = output === undefined ? {} : { output: output as Json };
      const event = { is: "retry_from", step: from, ...done } as const;
      const { status } = await orderRun(deps, name, event, "already_started");
      return json(200, { run, status });
    },
  });
}

function registerUndo(api: Api, deps: ApiDeps): void {
  api.route({
    id: "retryCompensation",
    method: "post",
    path: `${PATH}/retry-compensation`,
    tag: TAG,
    summary: "Try undos that failed once more",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 200: STEERED, 409: { description: "None has failed, or the run goes on" } },
    handle: async ({ tenant, params: { run } }) => {
      const event = { is: "retry_compensation" } as const;
      const { status } = await orderRun(deps, { tenant, run }, event, "already_started");
      return json(200, { run, status });
    },
  });
}

function registerSignal(api: Api, deps: ApiDeps): void {
  api.route({
    id: "signalRun",
    method: "post",
    path: `${PATH}/signals`,
    tag: TAG,
    summary: "Send a signal to a run",
    description:
      "An event step that waits for `name` takes it; one that comes too early is kept until a step does. `id` (or an `Idempotency-Key`) makes it one signal, however often it is sent.",
    access: WRITE,
    params: Params,
    body: SignalBody,
    responses: {
      200: { description: "Taken, or kept", schema: SignalView },
      409: { description: "The run has ended, or keeps as many as it may" },
      422: { description: "No step of the workflow takes it" },
    },
    handle: async ({ tenant, params: { run }, body, request: { headers } }) => {
      const { name, id = signalId(headers), payload = null } = body;
      const event = { is: "signal", id, name, payload: payload as Json } as const;
      const sent = await orderRun(deps, { tenant, run }, event, "duplicate_arrival");
      return json(200, { run, status: sent.status, id, duplicate: !sent.done });
    },
  });
}

/** By a caller's key, as elsewhere; without one every call is a signal of its own. Throws bad_request. */
function signalId(headers: Headers): string {
  const key = headers.get("idempotency-key");
  if (key === null) return crypto.randomUUID();
  if (key.length > 0 && key.length <= SIGNAL_ID_CHARS_MAX) return key;
  throw new HubError(
    "bad_request",
    `an Idempotency-Key has 1 to ${SIGNAL_ID_CHARS_MAX} characters`,
  );
}
