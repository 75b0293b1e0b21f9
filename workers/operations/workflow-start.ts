/** A run that the API is asked to start: under the caller's Idempotency-Key, or one of its own. */
import type * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import type { Json } from "../../domain/workflows/run/state.ts";
import { claimKey } from "../../platform/idempotency.ts";
import type { StartedRunView, StartRunBody } from "../../schema/api/workflow-runs.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type StartFailure, startRun } from "../workflows/start.ts";

interface StartCall {
  readonly tenant: string;
  readonly workflow: string;
  readonly body: z.output<typeof StartRunBody>;
  readonly key: string | undefined;
  readonly nowMs: number;
}

/** Throws not_found, conflict, unprocessable, payload_too_large, unavailable, and what a key used with another body is. */
export async function startByApi(
  deps: ApiDeps,
  { tenant, workflow, body, key, nowMs }: StartCall,
): Promise<z.output<typeof StartedRunView>> {
  const { input = {}, version, correlation_id: correlationId } = body;
  if (key !== undefined) {
    const said = { workflow, input, version, correlationId };
    await claimKey(deps.env, { tenant, key, body: said, proposedId: workflow, nowMs });
  }
  const started = await startRun(deps.env, {
    ...{ tenant, workflow, input: input as Json, nowMs, trigger: "api" },
    key: key ?? crypto.randomUUID(),
    ...(version === undefined ? {} : { version }),
    ...(correlationId === undefined ? {} : { correlationId }),
  });
  if (!started.ok) throw startError(started.failure);
  return { ...started.value, workflow };
}

/** What a caller is told of a start that was refused. */
export function startError(failure: StartFailure): HubError {
  const { reason } = failure;
  switch (reason) {
    case "unknown_workflow":
      return new HubError("not_found", "no such workflow");
    case "unknown_version":
      return new HubError("not_found", "no such version");
    case "paused":
      return new HubError("conflict", "no run of it starts: it is paused");
    case "invalid_input":
      return new HubError("unprocessable", "the input does not fit the workflow's schema", {
        extensions: { reason, errors: failure.faults.map(pointed) },
      });
    case "too_large":
      return new HubError("payload_too_large", `a run holds ${failure.max} characters`);
    default:
      return new HubError("unavailable", undefined, { extensions: { retryAfterSeconds: 1 } });
  }
}

function pointed({ pointer, message }: { readonly pointer: string; readonly message: string }) {
  return { pointer: `#/input${pointer}`, detail: message };
}
