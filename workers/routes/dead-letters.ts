/** Dead letters: query, inspect, replay one or many, discard. Kept 7 days. */
import * as z from "zod";
import { type ErrorCode, HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  type DeadLetterRow,
  findDeadLetter,
  listDeadLetters,
  moveDeadLetter,
} from "../../platform/repositories/dead-letters.ts";
import { Instant } from "../../schema/api/instant.ts";
import {
  BulkReplay,
  DeadLetterDetail,
  DeadLetterFilter,
  DeadLetterId,
  DeadLetterView,
} from "../../schema/api/messages.ts";
import { Id } from "../../schema/connection.ts";
import type { AttemptNote } from "../../schema/conversation.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { type ReplayFailure, replayDeadLetter } from "../operations/replay.ts";

/** What an operator is told where a replay did not happen. */
const CODES = {
  taken: "conflict",
  connection_gone: "unprocessable",
  conversation_gone: "unprocessable",
  still_unreadable: "unprocessable",
  storage_unavailable: "unavailable",
} as const satisfies Record<ReplayFailure["reason"], ErrorCode>;

const Params = z.strictObject({ deadLetter: DeadLetterId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const DeadLetterPage = pageOf(DeadLetterView);
const ListQuery = z.strictObject({
  ...PageQuery.shape,
  tenant: Id.optional(),
  stage: z.enum(["quarantine", "turn", "send"]).optional(),
  reason: z.string().max(100).optional(),
  connection: Id.optional(),
  conversation: z.string().max(64).optional(),
  state: z.enum(["dead", "replaying", "replayed", "discarded"]).optional(),
  since: Instant.optional(),
});
const WRITE = { scope: "dead-letters:write", tenant: "key" } as const;
const READ = { scope: "dead-letters:read", tenant: "key" } as const;

export function registerDeadLetters(api: Api, deps: ApiDeps): void {
  registerReads(api, deps);
  registerReplays(api, deps);
  registerDiscard(api, deps);
}

function registerReads(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "listDeadLetters",
    method: "get",
    path: "/dead-letters",
    tag: "dead letters",
    summary: "Query dead letters",
    description: "Newest first, without payloads.",
    access: READ,
    query: ListQuery,
    responses: { 200: { description: "A page of dead letters", schema: DeadLetterPage } },
    handle: async ({ tenant, query }) => {
      const list = `dead-letters ${tenant}`;
      const { limit, cursor, since, tenant: _, ...filter } = query;
      const beforeId = await openCursor(vars.ID_SECRET, list, cursor);
      const sinceMs = since === undefined ? undefined : Date.parse(since);
      const rows = await listDeadLetters(databaseFor(env, tenant), {
        ...filter,
        tenant,
        limit: limit + 1,
        ...(sinceMs === undefined ? {} : { sinceMs }),
        ...(beforeId ? { beforeId } : {}),
      });
      const page = await cutPage(vars.ID_SECRET, list, rows, limit, (row) => row.id);
      return json(200, { ...page, items: page.items.map(viewOf) });
    },
  });
  api.route({
    id: "getDeadLetter",
    method: "get",
    path: "/dead-letters/:deadLetter",
    tag: "dead letters",
    summary: "Inspect a dead letter with its payload",
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

function registerReplays(api: Api, deps: ApiDeps): void {
  api.route({
    id: "replayDeadLetter",
    method: "post",
    path: "/dead-letters/:deadLetter/replay",
    tag: "dead letters",
    summary: "Try a dead letter again, once",
    description:
      "It goes back to where it failed, under the ids it had. 409 where somebody else was first.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: {
      202: { description: "On its way again", schema: DeadLetterView },
      409: { description: "Already replayed, being replayed or discarded" },
    },
    handle: async ({ tenant, params, nowMs }) => {
      const row = await needDeadLetter(deps, tenant, params.deadLetter);
      const replayed = await replayDeadLetter(deps, row, nowMs);
      if (!replayed.ok) throw new HubError(CODES[replayed.failure.reason], replayed.failure.reason);
      return json(202, viewOf({ ...row, state: "replayed" }));
    },
  });
  api.route({
    id: "replayDeadLetters",
    method: "post",
    path: "/dead-letters/replay",
    tag: "dead letters",
    summary: "Try many dead letters again",
    description: "At most 100 a call, oldest of the newest page first; `dryRun` only counts.",
    access: WRITE,
    query: TenantQuery,
    body: DeadLetterFilter,
    responses: { 202: { description: "What was done", schema: BulkReplay } },
    handle: async ({ tenant, body, nowMs }) =>
      json(202, await replayMany(deps, tenant, body, nowMs)),
  });
}

async function replayMany(
  deps: ApiDeps,
  tenant: string,
  { dryRun, limit, ...filter }: z.output<typeof DeadLetterFilter>,
  nowMs: number,
): Promise<z.output<typeof BulkReplay>> {
  const db = databaseFor(deps.env, tenant);
  const rows = await listDeadLetters(db, { ...filter, tenant, state: "dead", limit });
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
      const moved = await moveDeadLetter(
        databaseFor(deps.env, tenant),
        tenant,
        row.id,
        "dead",
        "discarded",
      );
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
    fingerprint: row.fingerprint,
    state: row.state,
    attempts: attempts.map(({ atMs, ...note }) => ({ at: new Date(atMs).toISOString(), ...note })),
    created_at: new Date(row.created_at).toISOString(),
    expires_at: new Date(row.expires_at).toISOString(),
  };
}
