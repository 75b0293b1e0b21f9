/** Dead letters: query, inspect, replay one or many, discard. Kept 7 days. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  type DeadLetterFilters,
  groupDeadLetters,
  listDeadLetters,
} from "../../platform/repositories/dead-letter-queries.ts";
import {
  type DeadLetterRow,
  discardDeadLetter,
  findDeadLetter,
} from "../../platform/repositories/dead-letters.ts";
import {
  BulkReplay,
  DeadLetterDetail,
  DeadLetterFilter,
  DeadLetterGroups,
  DeadLetterId,
  DeadLetterQuery,
  DeadLetterView,
  LettersReplay,
  ReplayedLetter,
  ReplayOne,
} from "../../schema/api/dead-letters.ts";
import { ReplayDryRun, ReplayView } from "../../schema/api/replays.ts";
import { Id } from "../../schema/connection.ts";
import type { AttemptNote } from "../../schema/conversation.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { replayDeadLetter } from "../operations/replay.ts";
import { newVersion } from "../operations/replay-event.ts";
import { problemOf } from "../operations/replay-problem.ts";
import { startLettersReplay } from "../operations/start-replay.ts";

const Params = z.strictObject({ deadLetter: DeadLetterId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const DeadLetterPage = pageOf(DeadLetterView);
const ListQuery = z.strictObject({ ...PageQuery.shape, ...DeadLetterQuery.shape });
const WRITE = { scope: "dead-letters:write", tenant: "key" } as const;
const READ = { scope: "dead-letters:read", tenant: "key" } as const;

export function registerDeadLetters(api: Api, deps: ApiDeps): void {
  registerList(api, deps);
  registerGroups(api, deps);
  registerDetail(api, deps);
  registerReplays(api, deps);
  registerReplayOne(api, deps);
  registerReplayJob(api, deps);
  registerDiscard(api, deps);
}

function registerList(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "listDeadLetters",
    method: "get",
    path: "/dead-letters",
    tag: "dead letters",
    summary: "Query dead letters",
    description:
      "Newest first, without payloads. `type` is an event type, or one with `.#` behind it: it and everything below it.",
    access: READ,
    query: ListQuery,
    responses: { 200: { description: "A page of dead letters", schema: DeadLetterPage } },
    handle: async ({ tenant, query: { limit, cursor, ...filter } }) => {
      const list = `dead-letters ${tenant}`;
      const beforeId = await openCursor(vars.ID_SECRET, list, cursor);
      const rows = await listDeadLetters(databaseFor(env, tenant), {
        ...filtersOf(tenant, filter),
        limit: limit + 1,
        ...(beforeId ? { beforeId } : {}),
      });
      const page = await cutPage(vars.ID_SECRET, list, rows, limit, (row) => row.id);
      return json(200, { ...page, items: page.items.map(viewOf) });
    },
  });
}

function registerGroups(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "groupDeadLetters",
    method: "get",
    path: "/dead-letters/groups",
    tag: "dead letters",
    summary: "Count dead letters by fingerprint",
    description:
      "Equal failures have one fingerprint. The 200 most frequent of the newest 50,000 letters that match.",
    access: READ,
    query: DeadLetterQuery,
    responses: { 200: { description: "The groups", schema: DeadLetterGroups } },
    handle: async ({ tenant, query }) => {
      const groups = await groupDeadLetters(databaseFor(env, tenant), filtersOf(tenant, query));
      const items = groups.map(({ n, first_at, last_at, ...group }) => ({
        ...group,
        count: n,
        first_at: new Date(first_at).toISOString(),
        last_at: new Date(last_at).toISOString(),
      }));
      return json(200, { items });
    },
  });
}

function registerDetail(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getDeadLetter",
    method: "get",
    path: "/dead-letters/:deadLetter",
    tag: "dead letters",
    summary: "Inspect a dead letter with its payload and, of an event, its deaths",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The dead letter", schema: DeadLetterDetail } },
    handle: async ({ tenant, params }) => {
      const row = await needDeadLetter(deps, tenant, params.deadLetter);
      return json(200, { ...viewOf(row), payload: JSON.parse(row.payload) });
    },
  });
}

function registerReplayOne(api: Api, deps: ApiDeps): void {
  api.route({
    id: "replayDeadLetter",
    method: "post",
    path: "/dead-letters/:deadLetter/replay",
    tag: "dead letters",
    summary: "Try a dead letter again, once, as it is or edited",
    description:
      "It goes back to where it failed, under the ids it had. An event may be sent as a new version instead: `data` takes the place of its data, checked against the schema of its type; it has an id of its own and names the old one as its cause. The letter keeps the original. 409 where somebody else was first.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: ReplayOne.optional(),
    responses: {
      202: { description: "On its way again", schema: ReplayedLetter },
      409: { description: "Already replayed, being replayed or discarded" },
      422: { description: "Where it was going is gone, or the new data does not fit" },
    },
    handle: async ({ tenant, params, body, nowMs }) => {
      const row = await needDeadLetter(deps, tenant, params.deadLetter);
      const isEdit = body !== undefined && "data" in body;
      const edited = isEdit ? await newVersion(deps, row, body.data, nowMs) : undefined;
      const replayed = await replayDeadLetter(deps, row, nowMs, edited);
      if (!replayed.ok) throw problemOf(replayed.failure);
      const view = viewOf({ ...row, state: "replayed" });
      return json(202, edited ? { ...view, replayed_as: edited.event_id } : view);
    },
  });
}

function registerReplays(api: Api, deps: ApiDeps): void {
  api.route({
    id: "replayDeadLetters",
    method: "post",
    path: "/dead-letters/replay",
    tag: "dead letters",
    summary: "Try up to 100 dead letters again, now",
    description:
      "Oldest of the newest page first; `dryRun` only counts. For more there is `POST /dead-letters/replays`.",
    access: WRITE,
    query: TenantQuery,
    body: DeadLetterFilter,
    responses: { 202: { description: "What was done", schema: BulkReplay } },
    handle: async ({ tenant, body, nowMs }) =>
      json(202, await replayMany(deps, tenant, body, nowMs)),
  });
}

function registerReplayJob(api: Api, deps: ApiDeps): void {
  api.route({
    id: "startDeadLetterReplay",
    method: "post",
    path: "/dead-letters/replays",
    tag: "dead letters",
    summary: "Try many dead letters again, as a job",
    description:
      "By their ids or by a filter, oldest first, at most `rate` a second. Letters that die again meanwhile are not part of it. Watched, paused and cancelled under `/replays/{id}`.",
    access: WRITE,
    query: TenantQuery,
    body: LettersReplay,
    responses: {
      200: { description: "A dry run", schema: ReplayDryRun },
      202: { description: "It has begun", schema: ReplayView },
      409: { description: "Too many replays have not ended yet" },
    },
    handle: async ({ tenant, body, nowMs }) => {
      const { status, answer } = await startLettersReplay(deps, { tenant, body, nowMs });
      return json(status, answer);
    },
  });
}

function filtersOf(
  tenant: string,
  { since, until, tenant: _, ...filter }: z.output<typeof DeadLetterQuery>,
): DeadLetterFilters {
  return {
    ...filter,
    tenant,
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
  };
}

async function replayMany(
  deps: ApiDeps,
  tenant: string,
  { dryRun, limit, ...filter }: z.output<typeof DeadLetterFilter>,
  nowMs: number,
): Promise<z.output<typeof BulkReplay>> {
  const db = databaseFor(deps.env, tenant);
  const filters = filtersOf(tenant, { ...filter, state: "dead" });
  const rows = await listDeadLetters(db, { ...filters, limit });
  if (dryRun) return { matched: rows.length, replayed: 0, skipped: 0, dryRun };
  let replayed = 0;
  for (const { id } of rows.toReversed()) {
    const row = await findDeadLetter(db, tenant, id);
    const done = row && (await replayDeadLetter(deps, row, nowMs));
    if (done?.ok) replayed += 1;
  }
  return { matched: rows.length, replayed, skipped: rows.length - replayed, dryRun };
}

function registerDiscard(api: Api, deps: ApiDeps): void {
  api.route({
    id: "discardDeadLetter",
    method: "delete",
    path: "/dead-letters/:deadLetter",
    tag: "dead letters",
    summary: "Give a dead letter up",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: {
      200: { description: "The dead letter", schema: DeadLetterView },
      409: { description: "Not dead any more" },
    },
    handle: async ({ tenant, params }) => {
      const row = await needDeadLetter(deps, tenant, params.deadLetter);
      const moved = await discardDeadLetter(databaseFor(deps.env, tenant), tenant, row.id);
      if (!moved) throw new HubError("conflict", "not dead any more");
      return json(200, viewOf({ ...row, state: "discarded" }));
    },
  });
}

async function needDeadLetter(
  { env }: ApiDeps,
  tenant: string,
  id: string,
): Promise<DeadLetterRow> {
  const row = await findDeadLetter(databaseFor(env, tenant), tenant, id);
  if (!row) throw new HubError("not_found");
  return row;
}

function viewOf(row: DeadLetterRow): z.output<typeof DeadLetterView> {
  const attempts = JSON.parse(row.history) as AttemptNote[];
  return {
    id: row.id,
    tenant: row.tenant_id,
    stage: row.stage,
    reason: row.reason,
    connection: row.connection_id,
    conversation: row.conversation_id,
    message: row.message_id,
    subscription: row.subscription_id,
    event_type: row.event_type,
    event: row.event_id,
    fingerprint: row.fingerprint,
    state: row.state,
    attempts: attempts.map(({ atMs, ...note }) => ({ at: new Date(atMs).toISOString(), ...note })),
    created_at: new Date(row.created_at).toISOString(),
    expires_at: new Date(row.expires_at).toISOString(),
  };
}
