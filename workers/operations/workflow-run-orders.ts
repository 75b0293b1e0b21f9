/** Orders to a run, pause, resume, cancel, retry, signal, and what the API says where it refuses one. */
import { type ErrorCode, HubError } from "../../domain/errors.ts";
import type { Refusal, RunEvent } from "../../domain/workflows/run/events.ts";
import { MAIN_FRAME, type RunState, shownStatus } from "../../domain/workflows/run/state.ts";
import { insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { findRun } from "../../platform/repositories/workflow-runs.ts";
import { readArchivedRun, readRunState } from "../../platform/workflow-archive.ts";
import { type RunName, workflowRun } from "../../platform/workflow-runs.ts";
import type { RunView } from "../../schema/api/workflow-runs.ts";
import type { WorkflowDefinition } from "../../schema/workflow.ts";
import type { ApiDeps } from "../http/deps.ts";

type Status = RunView["status"];
/** What a caller can do about a refusal. Those that are left out cannot happen to an order. */
const CODES: Readonly<Partial<Record<Refusal["reason"], ErrorCode>>> = {
  not_awaited: "unprocessable",
  unknown_step: "unprocessable",
  wrong_kind: "unprocessable",
  too_large: "payload_too_large",
};
const WORDS: Readonly<Partial<Record<Refusal["reason"], string>>> = {
  run_finished: "the run has ended",
  run_not_finished: "the run goes on",
  already_ending: "the run is ending already",
  not_awaited: "no step of the workflow takes it",
  unknown_step: "no such step was run on the main branch",
  wrong_kind: "the run cannot go on there so",
  steps_undone: "steps before it were undone: go on from one of them, or from before",
  nothing_to_retry: "there is nothing to retry",
  too_many_arrivals: "as many as a run keeps wait to be taken",
  too_large: "the run would hold too much",
};

/** The run now, or after so many entries of its log. Throws not_found. */
export async function needRun(
  { env }: ApiDeps,
  name: RunName,
  entries?: number,
): Promise<RunState> {
  const state = await insist(() => readRunState(env, name, entries));
  if (!state) throw new HubError("not_found", "no such run");
  return state;
}

/** The definition that a run runs by. Throws not_found. */
export async function definitionOfRun(
  { env }: ApiDeps,
  name: RunName,
): Promise<WorkflowDefinition> {
  const live = await insist(() => workflowRun(env, name).definition());
  const definition = live ?? (await readArchivedRun(env, name))?.definition;
  if (!definition) throw new HubError("not_found", "no such run");
  return definition;
}

/** The status after it; `harmless` refusals change nothing and are no error. Throws not_found, or what it is refused for. */
export async function orderRun(
  deps: ApiDeps,
  name: RunName,
  event: RunEvent,
  harmless: Refusal["reason"],
): Promise<{ readonly status: Status; readonly done: boolean }> {
  const sent = await insist(() => workflowRun(deps.env, name).send(event));
  if (sent.ok) {
    deps.log("run.ordered", { tenant: name.tenant, job: name.run, operation: event.is });
    return { status: sent.value.status as Status, done: true };
  }
  if (sent.failure.reason === harmless)
    return { status: shownStatus(await needRun(deps, name)), done: false };
  throw await refusal(deps, name, sent.failure);
}

async function refusal(deps: ApiDeps, name: RunName, refused: Refusal): Promise<HubError> {
  const { reason, ...more } = refused;
  if (reason !== "not_started")
    return new HubError(CODES[reason] ?? "conflict", WORDS[reason], {
      extensions: { reason, ...told(more) },
    });
  const row = await findRun(databaseFor(deps.env, name.tenant), name.tenant, name.run);
  if (!row) return new HubError("not_found", "no such run");
  // It ended long ago: its object has forgotten it, and the archive is only read.
  return new HubError("conflict", "the run has ended and is archived", {
    extensions: { reason: "run_finished", run_status: row.status },
  });
}

/** `status` is a member of every problem. */
function told({ status, ...more }: Readonly<Record<string, unknown>>) {
  return status === undefined ? more : { ...more, run_status: status };
}

/** The execution to go on from where nobody names one: the last of the main branch that did not end well. */
export function lastFailed({ steps }: Pick<RunState, "steps">): string | undefined {
  const failed = Object.values(steps).filter(
    ({ frame, status }) => frame === MAIN_FRAME && (status === "failed" || status === "cancelled"),
  );
  return failed.toSorted((one, other) => (other.ended ?? 0) - (one.ended ?? 0))[0]?.key;
}
