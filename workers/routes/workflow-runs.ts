/** Runs of workflows: start one, and search them; those of which something could not be undone. */
import * as z from "zod";
import { signText } from "../../domain/security/signed-text.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  failedUndosOf,
  listRuns,
  type RunPlace,
  type RunQuery,
} from "../../platform/repositories/workflow-runs.ts";
import {
  FailedCompensation,
  RunFilter,
  RunView,
  StartedRunView,
  StartRunBody,
} from "../../schema/api/workflow-runs.ts";
import { Id } from "../../schema/connection.ts";
import { WorkflowId } from "../../schema/workflow-value.ts";
import type { ApiDeps } from "../http/deps.ts";
import { openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { failedView, rowView } from "../operations/workflow-run-view.ts";
import { startByApi } from "../operations/workflow-start.ts";

const TAG = "runs";
const READ = { scope: "runs:read", tenant: "key" } as const;
const RunPage = pageOf(RunView);
const FailedPage = pageOf(FailedCompensation);

export function registerWorkflowRuns(api: Api, deps: ApiDeps): void {
  registerStart(api, deps);
  registerSearch(api, deps);
  registerFailedCompensations(api, deps);
}

function registerStart(api: Api, deps: ApiDeps): void {
  api.route({
    id: "startRun",
    method: "post",
    path: "/workflows/:workflow/runs",
    tag: TAG,
    summary: "Start a run",
    description:
      "202 means durable. Under one `Idempotency-Key` a workflow is started once, however often that is said; within 24 h the same key with another body is 422. `version` absent: where the workflow's new runs go. An input that does not fit the definition's `input` is 422, with a pointer to each fault.",
    access: { scope: "runs:write", tenant: "key" },
    params: z.strictObject({ workflow: WorkflowId }),
    body: StartRunBody,
    responses: {
      202: { description: "It runs, or ran already: `duplicate`", schema: StartedRunView },
      409: { description: "The workflow is paused" },
      422: { description: "The input does not fit, or the key was used with another body" },
      503: { description: "Not started: the same call may be made again" },
    },
    handle: async ({ tenant, params: { workflow }, body, request: { headers }, nowMs }) => {
      const key = headers.get("idempotency-key") ?? undefined;
      return json(202, await startByApi(deps, { tenant, workflow, body, key, nowMs }));
    },
  });
}

function registerSearch(api: Api, deps: ApiDeps): void {
  api.route({
    id: "listRuns",
    method: "get",
    path: "/runs",
    tag: TAG,
    summary: "Search runs",
    description:
      "Latest start first, as of a moment ago; `since` and `until` are of the start. A page looks at 2,000 runs, so that one with a filter may be short or empty: go on while there is a `nextCursor`.",
    access: READ,
    query: z.strictObject({ ...PageQuery.shape, ...RunFilter.shape }),
    responses: { 200: { description: "A page of runs", schema: RunPage } },
    handle: async ({ tenant, query: { limit, cursor, ...filter } }) => {
      const list = `runs ${tenant} ${JSON.stringify(filter)}`;
      const query = { tenant, limit, ...queryOf(filter) };
      const { rows, nextCursor } = await pageOfRuns(deps, list, cursor, query);
      return json(200, { items: rows.map(rowView), ...nextCursor });
    },
  });
}

function registerFailedCompensations(api: Api, deps: ApiDeps): void {
  api.route({
    id: "listFailedCompensations",
    method: "get",
    path: "/runs/failed-compensations",
    tag: TAG,
    summary: "Runs of which something could not be undone",
    description:
      "For people to look at, and to try again with `retry-compensation`. Latest start first; a page looks at 2,000 runs: go on while there is a `nextCursor`.",
    access: READ,
    query: z.strictObject({
      ...PageQuery.shape,
      tenant: Id.optional(),
      workflow: WorkflowId.optional(),
    }),
    responses: { 200: { description: "A page of runs", schema: FailedPage } },
    handle: async ({ tenant, query: { limit, cursor, workflow } }) => {
      const list = `failed-compensations ${tenant} ${workflow ?? ""}`;
      const query = { tenant, limit, workflow, failedUndos: 1 };
      const { rows, nextCursor } = await pageOfRuns(deps, list, cursor, query);
      const ids = rows.map(({ id }) => id);
      const undos = await failedUndosOf(databaseFor(deps.env, tenant), tenant, ids);
      return json(200, { items: rows.map((row) => failedView(row, undos)), ...nextCursor });
    },
  });
}

function queryOf(
  filter: Omit<z.output<typeof RunFilter>, "tenant">,
): Omit<RunQuery, "tenant" | "limit"> {
  const { status, workflow, version, correlation_id: correlation, parent, since, until } = filter;
  return {
    ...{ status, workflow, version, correlation, parent },
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
  };
}

async function pageOfRuns(
  { env, vars }: ApiDeps,
  list: string,
  cursor: string | undefined,
  query: RunQuery,
) {
  const opened = await openCursor(vars.ID_SECRET, list, cursor);
  const after = opened === undefined ? undefined : (JSON.parse(opened) as RunPlace);
  const { rows, next } = await listRuns(databaseFor(env, query.tenant), { ...query, after });
  if (!next) return { rows, nextCursor: {} };
  return {
    rows,
    nextCursor: {
      nextCursor: await signText(vars.ID_SECRET, `cursor ${list}`, JSON.stringify(next)),
    },
  };
}
