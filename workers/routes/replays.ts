/** Replays of published events: begin, watch, pause, resume, cancel. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import type { JobOrder } from "../../domain/events/replay/job.ts";
import { insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { replayOf } from "../../platform/replays.ts";
import { listReplays } from "../../platform/repositories/replays.ts";
import { ReplayDryRun, ReplayId, ReplayView, StartReplay } from "../../schema/api/replays.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import {
  jobView,
  REPLAYS_OPEN_MAX,
  rowView,
  startEventsReplay,
} from "../operations/start-replay.ts";

const TAG = "replays";
const READ = { scope: "replays:read", tenant: "key" } as const;
const WRITE = { scope: "replays:write", tenant: "key" } as const;
const Params = z.strictObject({ replay: ReplayId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const ReplayPage = pageOf(ReplayView);

export function registerReplays(api: Api, deps: ApiDeps): void {
  registerStart(api, deps);
  registerReads(api, deps);
  for (const order of ["pause", "resume", "cancel"] as const) registerOrder(api, deps, order);
}

function registerStart(api: Api, deps: ApiDeps): void {
  api.route({
    id: "startReplay",
    method: "post",
    path: "/replays",
    tag: TAG,
    summary: "Deliver events of a span of time once more",
    description: `Events accepted from \`since\` until \`until\` (default: now), out of the log and the archive, go to one subscription: those its bindings and its filter want, in order per partition, marked with \`metadata.replay_id\`. \`message.*\` events come from the stored messages; one that happened more than 25 hours after its message is found only by a replay that begins before the message. \`target\` names another subscription to get them. A replay waits while its subscription has much to deliver. \`dry_run\` counts, within the first 5,000. At most ${REPLAYS_OPEN_MAX} at a time.`,
    access: WRITE,
    query: TenantQuery,
    body: StartReplay,
    responses: {
      200: { description: "A dry run", schema: ReplayDryRun },
      202: { description: "It has begun", schema: ReplayView },
      409: { description: "Too many replays have not ended yet" },
      422: { description: "No such subscription" },
    },
    handle: async ({ tenant, body, nowMs }) => {
      const { status, answer } = await startEventsReplay(deps, { tenant, body, nowMs });
      return json(status, answer);
    },
  });
}

function registerReads(api: Api, { env, vars }: ApiDeps): void {
  api.route({
    id: "listReplays",
    method: "get",
    path: "/replays",
    tag: TAG,
    summary: "Replays of events and of dead letters",
    description: "Newest first, as of some seconds ago. Kept for 30 days after their end.",
    access: READ,
    query: z.strictObject({
      ...PageQuery.shape,
      tenant: Id.optional(),
      state: ReplayView.shape.state.optional(),
    }),
    responses: { 200: { description: "A page of replays", schema: ReplayPage } },
    handle: async ({ tenant, query: { limit, cursor, state } }) => {
      const list = `replays ${tenant}`;
      const beforeId = await openCursor(vars.ID_SECRET, list, cursor);
      const query = { tenant, state, beforeId, limit: limit + 1 };
      const rows = await listReplays(databaseFor(env, tenant), query);
      const page = await cutPage(vars.ID_SECRET, list, rows, limit, (row) => row.id);
      return json(200, { ...page, items: page.items.map(rowView) });
    },
  });
  api.route({
    id: "getReplay",
    method: "get",
    path: "/replays/:replay",
    tag: TAG,
    summary: "How far a replay is",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The replay", schema: ReplayView } },
    handle: async ({ tenant, params }) => {
      const job = await insist(() => replayOf(env, tenant, params.replay).status());
      if (!job) throw new HubError("not_found");
      return json(200, jobView(job));
    },
  });
}

const SUMMARIES: Readonly<Record<JobOrder, string>> = {
  pause: "Let a replay rest",
  resume: "Let a replay go on",
  cancel: "End a replay",
};

function registerOrder(api: Api, { env }: ApiDeps, order: JobOrder): void {
  api.route({
    id: `${order}Replay`,
    method: "post",
    path: `/replays/:replay/${order}`,
    tag: TAG,
    summary: SUMMARIES[order],
    description: "Takes effect within one step of at most 500 events. Saying it again is harmless.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: {
      200: { description: "The replay", schema: ReplayView },
      409: { description: "It has ended" },
    },
    handle: async ({ tenant, params }) => {
      const done = await insist(() => replayOf(env, tenant, params.replay).order(order));
      if (!done) throw new HubError("not_found");
      if (!done.ok) throw new HubError("conflict", `it is ${done.failure.state}`);
      return json(200, jobView(done.value));
    },
  });
}
