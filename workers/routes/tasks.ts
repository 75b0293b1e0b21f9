/** Tasks for people: the inbox, one task, its answer, who is asked, and comments. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { signText } from "../../domain/security/signed-text.ts";
import { databaseFor } from "../../platform/database.ts";
import { findTask, historyOf, listTasks, type TaskRow } from "../../platform/repositories/tasks.ts";
import {
  AnswerTask,
  CommentTask,
  ReassignTask,
  TaskDetail,
  TaskId,
  TaskQuery,
  TaskView,
} from "../../schema/api/tasks.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { taskOf } from "../operations/task-answer.ts";
import { answerStored, callerName, noteStored } from "../operations/task-change.ts";
import { type Shown, shownTask, taskDetail, taskView } from "../operations/task-view.ts";

const TAG = "tasks";
const READ = { scope: "tasks:read", tenant: "key" } as const;
const WRITE = { scope: "tasks:write", tenant: "key" } as const;
const Params = z.strictObject({ task: TaskId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const TaskPage = pageOf(TaskView);
const CLOSED =
  "Answered already, expired or called off: `reason`, `choice`, `answered_by` and `answered_at` say how";

export function registerTasks(api: Api, deps: ApiDeps): void {
  registerList(api, deps);
  registerDetail(api, deps);
  registerAnswer(api, deps);
  registerReassign(api, deps);
  registerComment(api, deps);
}

function registerList(api: Api, { env, vars }: ApiDeps): void {
  api.route({
    id: "listTasks",
    method: "get",
    path: "/tasks",
    tag: TAG,
    summary: "Tasks that wait for people, and those that did",
    description:
      "Latest first, as of a moment ago. `assignee` finds those that somebody is asked by name, escalations included, not those that anybody may answer. A page looks at 2,000 tasks, so that one with a filter may be short or empty: go on while there is a `nextCursor`.",
    access: READ,
    query: z.strictObject({ ...PageQuery.shape, ...TaskQuery.shape }),
    responses: { 200: { description: "A page of tasks", schema: TaskPage } },
    handle: async ({ tenant, query: { limit, cursor, ...filter } }) => {
      const list = `tasks ${tenant}`;
      const place = await openCursor(vars.ID_SECRET, list, cursor);
      const { rows, next } = await listTasks(databaseFor(env, tenant), {
        ...{ tenant, state: filter.status, run: filter.run, workflow: filter.workflow },
        assignee: filter.assignee,
        dueBeforeMs: momentOf(filter.due_before),
        dueSinceMs: momentOf(filter.due_since),
        after: place === undefined ? undefined : placeOf(place),
        limit,
      });
      const items = rows.map((row) => taskView(shownTask(row)));
      if (!next) return json(200, { items });
      const end = `${next.openedAtMs} ${next.id}`;
      return json(200, {
        items,
        nextCursor: await signText(vars.ID_SECRET, `cursor ${list}`, end),
      });
    },
  });
}

function momentOf(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : Date.parse(instant);
}

function placeOf(place: string) {
  const space = place.indexOf(" ");
  return { openedAtMs: Number(place.slice(0, space)), id: place.slice(space + 1) };
}

function registerDetail(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getTask",
    method: "get",
    path: "/tasks/:task",
    tag: TAG,
    summary: "A task with its form, its notes and its history",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The task", schema: TaskDetail } },
    handle: async ({ tenant, params }) => {
      const row = await needTask(deps, tenant, params.task);
      return detailOf(deps, await freshTask(deps, row));
    },
  });
}

function registerAnswer(api: Api, deps: ApiDeps): void {
  api.route({
    id: "answerTask",
    method: "post",
    path: "/tasks/:task/answer",
    tag: TAG,
    summary: "Answer a task",
    description:
      "The first valid answer counts; the same answer of the same person again gets the same 200. `by` says for whom the key answers; without it the key itself does, as `key:<id>`. The name must be one of those asked, where there are any.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: AnswerTask,
    responses: {
      200: { description: "It is answered", schema: TaskDetail },
      403: { description: "Somebody else is asked" },
      409: { description: CLOSED },
      422: { description: "No such choice, or the form does not fit: `errors` has every fault" },
    },
    handle: async ({ tenant, params, body, caller }) => {
      const row = await needTask(deps, tenant, params.task);
      return detailOf(deps, await answerStored(deps.env, row, body, callerName(caller)));
    },
  });
}

function registerReassign(api: Api, deps: ApiDeps): void {
  api.route({
    id: "reassignTask",
    method: "put",
    path: "/tasks/:task/assignees",
    tag: TAG,
    summary: "Ask other people",
    description:
      "From now on these people are asked, and nobody else. The same people again change nothing.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: ReassignTask,
    responses: {
      200: { description: "The task", schema: TaskDetail },
      409: { description: CLOSED },
    },
    handle: async ({ tenant, params, body, caller }) => {
      const row = await needTask(deps, tenant, params.task);
      const shown = await freshTask(deps, row);
      if (sameNames(shown.details.assignees, body.assignees)) return detailOf(deps, shown);
      const note = { is: "task_reassigned", assignees: body.assignees } as const;
      return detailOf(deps, await noteStored(deps.env, row, note, body.by, callerName(caller)));
    },
  });
}

function registerComment(api: Api, deps: ApiDeps): void {
  api.route({
    id: "commentTask",
    method: "post",
    path: "/tasks/:task/comments",
    tag: TAG,
    summary: "Comment on an open task",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: CommentTask,
    responses: {
      201: { description: "The task", schema: TaskDetail },
      409: { description: `${CLOSED}; or it has 100 notes` },
    },
    handle: async ({ tenant, params, body, caller }) => {
      const row = await needTask(deps, tenant, params.task);
      const note = { is: "task_commented", text: body.text } as const;
      const shown = await noteStored(deps.env, row, note, body.by, callerName(caller));
      return detailOf(deps, shown, 201);
    },
  });
}

async function needTask({ env }: ApiDeps, tenant: string, id: string): Promise<TaskRow> {
  const row = await findTask(databaseFor(env, tenant), tenant, id);
  if (!row) throw new HubError("not_found");
  return row;
}

/** An open one as its run knows it. */
async function freshTask({ env }: ApiDeps, row: TaskRow): Promise<Shown> {
  if (row.state !== "open") return shownTask(row);
  const of = { tenant: row.tenant_id, run: row.run_id };
  return shownTask(row, await taskOf(env, of, row.id.slice(row.run_id.length + 1)));
}

async function detailOf({ env }: ApiDeps, shown: Shown, status = 200): Promise<Response> {
  const { row } = shown;
  const attempt = Number(row.id.slice(row.id.lastIndexOf("@") + 1));
  const history = await historyOf(databaseFor(env, row.tenant_id), row, attempt);
  return json(status, taskDetail(shown, history));
}

function sameNames(before: readonly string[] | undefined, after: readonly string[]): boolean {
  return before?.length === after.length && before.every((name, at) => name === after[at]);
}
