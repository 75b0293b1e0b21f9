/** One run of a workflow: as it is, as it was after any step, when what happened, and as a picture. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  auditOf,
  entryOfStep,
  findRun,
  stepsOf,
} from "../../platform/repositories/workflow-runs.ts";
import {
  AuditEntryView,
  RunDetail,
  RunId,
  StateQuery,
  StateView,
  StepsView,
  TimelineView,
} from "../../schema/api/workflow-runs.ts";
import { GraphFormat } from "../../schema/api/workflows.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { GRAPH_RESPONSE, graphAnswer } from "../operations/workflow-graph.ts";
import { definitionOfRun, needRun } from "../operations/workflow-run-orders.ts";
import {
  auditView,
  detailOf,
  snapshotOf,
  stepDetails,
  timelineOf,
} from "../operations/workflow-run-view.ts";
import { registerRunValues } from "./workflow-run-values.ts";

const TAG = "runs";
const READ = { scope: "runs:read", tenant: "key" } as const;
const Params = z.strictObject({ run: RunId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const AuditPage = pageOf(AuditEntryView);
const PATH = "/runs/:run";

export function registerWorkflowRun(api: Api, deps: ApiDeps): void {
  registerDetail(api, deps);
  registerHistory(api, deps);
  registerPicture(api, deps);
  registerRunValues(api, deps);
}

function registerDetail(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getRun",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "A run as it is now",
    description: "Also one that ended long ago, out of the archive.",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The run", schema: RunDetail } },
    handle: async ({ tenant, params }) =>
      json(200, detailOf(await needRun(deps, { tenant, ...params }))),
  });
  api.route({
    id: "getRunSteps",
    method: "get",
    path: `${PATH}/steps`,
    tag: TAG,
    summary: "The steps of a run, with what went in and came out",
    description:
      "In the order in which they began. An action without an `input` got the run's. Secrets are never in it.",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The steps", schema: StepsView } },
    handle: async ({ tenant, params }) =>
      json(200, { items: stepDetails(await needRun(deps, { tenant, ...params })) }),
  });
  api.route({
    id: "getRunState",
    method: "get",
    path: `${PATH}/state`,
    tag: TAG,
    summary: "Everything a run knew after any step",
    description:
      "After the `entry`-th entry of its log (as in its audit), or right after the execution `step` ended; else now.",
    access: READ,
    params: Params,
    query: StateQuery,
    responses: { 200: { description: "The state", schema: StateView } },
    handle: async ({ tenant, params, query: { entry, step } }) => {
      const name = { tenant, ...params };
      if (entry !== undefined && step !== undefined)
        throw new HubError("bad_request", "entry or step, not both");
      const after = step === undefined ? entry : await entryAfter(deps, name, step);
      const state = await needRun(deps, name, after);
      if (after !== undefined && state.seq < after)
        throw new HubError("not_found", "its log has no such entry");
      return json(200, snapshotOf(state));
    },
  });
}

function registerHistory(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "getRunTimeline",
    method: "get",
    path: `${PATH}/timeline`,
    tag: TAG,
    summary: "When each step of a run began and ended",
    description: "Undos as well. As of a moment ago, without data.",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The timeline", schema: TimelineView } },
    handle: async ({ tenant, params: { run } }) => {
      const db = databaseFor(env, tenant);
      const row = await findRun(db, tenant, run);
      if (!row) throw new HubError("not_found", "no such run");
      return json(200, timelineOf(row, await stepsOf(db, tenant, run)));
    },
  });
  api.route({
    id: "listRunAudit",
    method: "get",
    path: `${PATH}/audit`,
    tag: TAG,
    summary: "The trail of a run",
    description:
      "One entry for each transition, in order, as of a moment ago: ids, codes and times, never data.",
    access: READ,
    params: Params,
    query: z.strictObject({ ...PageQuery.shape, tenant: Id.optional() }),
    responses: { 200: { description: "A page of the trail", schema: AuditPage } },
    handle: async ({ tenant, params: { run }, query: { limit, cursor } }) => {
      const list = `run-audit ${tenant} ${run}`;
      const opened = await openCursor(vars.ID_SECRET, list, cursor);
      const db = databaseFor(env, tenant);
      if (!(await findRun(db, tenant, run))) throw new HubError("not_found", "no such run");
      const [seq = 0, part = 0] = opened?.split(" ").map(Number) ?? [];
      const after = opened === undefined ? undefined : { seq, part };
      const rows = await auditOf(db, { tenant, run }, after, limit + 1);
      const page = await cutPage(vars.ID_SECRET, list, rows, limit, (row) => {
        return `${row.seq} ${row.part}`;
      });
      return json(200, { ...page, items: page.items.map(auditView) });
    },
  });
}

function registerPicture(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getRunGraph",
    method: "get",
    path: `${PATH}/graph`,
    tag: TAG,
    summary: "A run as a picture, with the path it took",
    description: "Mermaid or SVG, by `format`, else by `Accept`.",
    access: READ,
    params: Params,
    query: z.strictObject({ tenant: Id.optional(), format: GraphFormat }),
    responses: { 200: GRAPH_RESPONSE },
    handle: async ({ tenant, params, query: { format }, request: { headers } }) => {
      const name = { tenant, ...params };
      const state = await needRun(deps, name);
      const definition = await definitionOfRun(deps, name);
      return graphAnswer(definition, { format, headers, state });
    },
  });
}

async function entryAfter(
  { env }: ApiDeps,
  name: { readonly tenant: string; readonly run: string },
  step: string,
): Promise<number> {
  const entry = await entryOfStep(databaseFor(env, name.tenant), name, step);
  if (entry === undefined) throw new HubError("not_found", "no such execution has ended");
  return entry;
}
