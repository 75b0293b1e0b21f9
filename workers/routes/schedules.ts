/** Schedules: when workflows start by themselves, what comes next, and what became of each slot. */
import * as z from "zod";
import { databaseFor } from "../../platform/database.ts";
import { type ListedSlot, listSlots } from "../../platform/repositories/schedule-slots.ts";
import { listSchedules, type StoredSchedule } from "../../platform/repositories/schedules.ts";
import {
  CreateSchedule,
  FireBody,
  FiredView,
  NextQuery,
  NextSlots,
  ScheduleId,
  SchedulePatch,
  ScheduleView,
  SlotView,
} from "../../schema/api/schedules.ts";
import { Id } from "../../schema/connection.ts";
import { WorkflowId } from "../../schema/workflow-value.ts";
import type { ApiDeps } from "../http/deps.ts";
import { etagOf } from "../http/etag.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json, noContent } from "../http/route.ts";
import {
  changeSchedule,
  createSchedule,
  fireSchedule,
  needSchedule,
  nextOf,
  removeSchedule,
  scheduleView,
} from "../operations/schedule-store.ts";

const TAG = "schedules";
const READ = { scope: "schedules:read", tenant: "key" } as const;
const WRITE = { scope: "schedules:write", tenant: "key" } as const;
const Params = z.strictObject({ schedule: ScheduleId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const NO_WORKFLOW = { description: "No such workflow or version" };
const TAKEN = { description: "The id is taken, or the tenant has as many as it may" };
const DECLARED = { description: "A trigger of its workflow says what it is" };
const CHANGED = { description: "It has changed since `If-Match`" };

export function registerSchedules(api: Api, deps: ApiDeps): void {
  registerList(api, deps);
  registerCreate(api, deps);
  registerDetail(api, deps);
  registerUpdate(api, deps);
  registerPauses(api, deps);
  registerDelete(api, deps);
  registerNext(api, deps);
  registerFire(api, deps);
  registerSlots(api, deps);
}

function answer(status: number, stored: StoredSchedule, nowMs: number): Response {
  const etag = etagOf({ updatedAt: stored.updatedAtMs });
  return json(status, scheduleView(stored, nowMs), { etag });
}

function registerList(api: Api, { env, vars }: ApiDeps): void {
  api.route({
    id: "listSchedules",
    method: "get",
    path: "/schedules",
    tag: TAG,
    summary: "List schedules",
    description: "By id, those that triggers of definitions stand for included.",
    access: READ,
    query: z.strictObject({
      ...PageQuery.shape,
      tenant: Id.optional(),
      workflow: WorkflowId.optional(),
    }),
    responses: { 200: { description: "A page of schedules", schema: pageOf(ScheduleView) } },
    handle: async ({ tenant, query: { limit, cursor, workflow }, nowMs }) => {
      const list = `schedules ${tenant} ${workflow ?? ""}`;
      const after = await openCursor(vars.ID_SECRET, list, cursor);
      const db = databaseFor(env, tenant);
      const rows = await listSchedules(db, { tenant, workflow, after, limit: limit + 1 });
      const page = await cutPage(vars.ID_SECRET, list, rows, limit, (row) => row.schedule.id);
      return json(200, { ...page, items: page.items.map((row) => scheduleView(row, nowMs)) });
    },
  });
}

function registerCreate(api: Api, deps: ApiDeps): void {
  api.route({
    id: "createSchedule",
    method: "post",
    path: "/schedules",
    tag: TAG,
    summary: "Create a schedule",
    description:
      "It starts `workflow` at the slots of a cron text, of an interval or at one moment. `version` absent: the version in force when a slot fires. Every slot fires at most once, and what became of it stands in the history.",
    access: WRITE,
    body: CreateSchedule,
    responses: {
      201: { description: "Created", schema: ScheduleView },
      409: TAKEN,
      422: NO_WORKFLOW,
    },
    handle: async ({ tenant, body, nowMs }) =>
      answer(201, await createSchedule(deps, tenant, body, nowMs), nowMs),
  });
}

function registerDetail(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getSchedule",
    method: "get",
    path: "/schedules/:schedule",
    tag: TAG,
    summary: "Read a schedule",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The schedule", schema: ScheduleView } },
    handle: async ({ tenant, params, nowMs }) =>
      answer(200, await needSchedule(deps, { tenant, id: params.schedule }), nowMs),
  });
}

function registerUpdate(api: Api, deps: ApiDeps): void {
  api.route({
    id: "updateSchedule",
    method: "patch",
    path: "/schedules/:schedule",
    tag: TAG,
    summary: "Change a schedule",
    description:
      "Absent members stay, null takes one away. Slots that were due before the change fire as they were; new times count from the change on. Of a schedule that a definition declares only `paused` can be changed.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: SchedulePatch,
    responses: {
      200: { description: "The schedule", schema: ScheduleView },
      409: DECLARED,
      412: CHANGED,
      422: NO_WORKFLOW,
    },
    handle: async ({ tenant, params, body, request: { headers }, nowMs }) => {
      const name = { tenant, id: params.schedule, headers };
      return answer(200, await changeSchedule(deps, name, body, nowMs), nowMs);
    },
  });
}

function registerPauses(api: Api, deps: ApiDeps): void {
  for (const [verb, paused] of [
    ["pause", true],
    ["resume", false],
  ] as const)
    api.route({
      id: `${verb}Schedule`,
      method: "post",
      path: `/schedules/:schedule/${verb}`,
      tag: TAG,
      summary: paused ? "Pause a schedule" : "Let a paused schedule go on",
      description: paused
        ? "Its slots are left out, and listed as such, until it is resumed. Runs go on."
        : "From the next slot on; those that passed meanwhile do not fire.",
      access: WRITE,
      params: Params,
      query: TenantQuery,
      responses: { 200: { description: "The schedule", schema: ScheduleView }, 412: CHANGED },
      handle: async ({ tenant, params, request: { headers }, nowMs }) => {
        const name = { tenant, id: params.schedule, headers };
        return answer(200, await changeSchedule(deps, name, { paused }, nowMs), nowMs);
      },
    });
}

function registerDelete(api: Api, deps: ApiDeps): void {
  api.route({
    id: "deleteSchedule",
    method: "delete",
    path: "/schedules/:schedule",
    tag: TAG,
    summary: "Delete a schedule with its history",
    description: "Runs that it has started go on.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 204: { description: "Deleted" }, 409: DECLARED, 412: CHANGED },
    handle: async ({ tenant, params, request: { headers }, nowMs }) => {
      await removeSchedule(deps, { tenant, id: params.schedule, headers }, nowMs);
      return noContent();
    },
  });
}

function registerNext(api: Api, deps: ApiDeps): void {
  api.route({
    id: "nextScheduleSlots",
    method: "get",
    path: "/schedules/:schedule/next",
    tag: TAG,
    summary: "The next slots of a schedule",
    description: "In UTC, also of a paused one: when it would fire. Jitter comes on top.",
    access: READ,
    params: Params,
    query: NextQuery,
    responses: { 200: { description: "The slots, earliest first", schema: NextSlots } },
    handle: async ({ tenant, params, query, nowMs }) => {
      const stored = await needSchedule(deps, { tenant, id: params.schedule });
      return json(200, { items: nextOf(stored, nowMs, query.count) });
    },
  });
}

function registerFire(api: Api, deps: ApiDeps): void {
  api.route({
    id: "fireSchedule",
    method: "post",
    path: "/schedules/:schedule/fire",
    tag: TAG,
    summary: "Start a run of a schedule now",
    description:
      "Beside its slots, whatever its pause and its overlap policy say; under one `Idempotency-Key` once within 24 h.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: FireBody.optional(),
    responses: {
      202: { description: "It runs, or ran already: `duplicate`", schema: FiredView },
      422: { description: "Nothing was started: `reason`" },
      503: { description: "Not started: the same call may be made again" },
    },
    handle: async ({ tenant, params, request: { headers }, nowMs }) =>
      json(202, await fireSchedule(deps, { tenant, id: params.schedule, headers }, nowMs)),
  });
}

function registerSlots(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "listScheduleSlots",
    method: "get",
    path: "/schedules/:schedule/slots",
    tag: TAG,
    summary: "What became of the slots of a schedule",
    description: "Latest first, the last 30 days: which run each has started, or why none.",
    access: READ,
    params: Params,
    query: z.strictObject({ ...PageQuery.shape, tenant: Id.optional() }),
    responses: { 200: { description: "A page of slots", schema: pageOf(SlotView) } },
    handle: async ({ tenant, params: { schedule }, query: { limit, cursor } }) => {
      await needSchedule(deps, { tenant, id: schedule });
      const list = `slots ${tenant} ${schedule}`;
      const before = await openCursor(vars.ID_SECRET, list, cursor);
      const of = {
        tenant,
        schedule,
        ...(before === undefined ? {} : { beforeMs: Number(before) }),
      };
      const rows = await listSlots(databaseFor(env, tenant), of, limit + 1);
      const page = await cutPage(vars.ID_SECRET, list, rows, limit, (row) => String(row.slotMs));
      return json(200, { ...page, items: page.items.map(slotView) });
    },
  });
}

function slotView({ slotMs, outcome, reason, run, slots, atMs }: ListedSlot) {
  return {
    slot: new Date(slotMs).toISOString(),
    outcome,
    reason: reason ?? null,
    run: run ?? null,
    slots,
    at: new Date(atMs).toISOString(),
  };
}
