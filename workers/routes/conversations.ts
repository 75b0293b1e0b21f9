/** Conversations: what each has pending, who has it (bot or person), and settings of its own. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import type { HubEvent } from "../../domain/events/hub-event.ts";
import { conversationOf, insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { count } from "../../platform/metrics.ts";
import { outboxInsert, writeTelling } from "../../platform/outbox.ts";
import {
  type ConversationRow,
  findConversation,
  listConversations,
} from "../../platform/repositories/conversations.ts";
import {
  ConversationDetail,
  ConversationId,
  ConversationSettings,
  ConversationView,
  PauseInput,
} from "../../schema/api/messages.ts";
import { Id } from "../../schema/connection.ts";
import type { ConversationStatus } from "../../schema/conversation-operator.ts";
import { checkSettings } from "../http/check-settings.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";

const Params = z.strictObject({ conversation: ConversationId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const ConversationPage = pageOf(ConversationView);
const WRITE = { scope: "conversations:write", tenant: "key" } as const;
const READ = { scope: "conversations:read", tenant: "key" } as const;

export function registerConversations(api: Api, deps: ApiDeps): void {
  registerReads(api, deps);
  registerHandoff(api, deps);
  registerSettings(api, deps);
}

function registerReads(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "listConversations",
    method: "get",
    path: "/conversations",
    tag: "conversations",
    summary: "List the tenant's conversations",
    access: READ,
    query: z.strictObject({ ...PageQuery.shape, tenant: Id.optional(), connection: Id.optional() }),
    responses: { 200: { description: "A page of conversations", schema: ConversationPage } },
    handle: async ({ tenant, query }) => {
      const list = `conversations ${tenant}`;
      const afterId = await openCursor(vars.ID_SECRET, list, query.cursor);
      const rows = await listConversations(databaseFor(env, tenant), {
        tenant,
        limit: query.limit + 1,
        ...(query.connection ? { connection: query.connection } : {}),
        ...(afterId ? { afterId } : {}),
      });
      const page = await cutPage(vars.ID_SECRET, list, rows, query.limit, (row) => row.id);
      return json(200, { ...page, items: page.items.map(viewOf) });
    },
  });
  api.route({
    id: "getConversation",
    method: "get",
    path: "/conversations/:conversation",
    tag: "conversations",
    summary: "What a conversation has pending, and who has it",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The conversation", schema: ConversationDetail } },
    handle: async ({ tenant, params }) => {
      const row = await needConversation(deps, tenant, params.conversation);
      return json(200, await detailOf(deps, row));
    },
  });
}

function registerHandoff(api: Api, deps: ApiDeps): void {
  api.route({
    id: "pauseConversation",
    method: "post",
    path: "/conversations/:conversation/pause",
    tag: "conversations",
    summary: "Hand a conversation to a person: the bot is silent until then",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: PauseInput,
    responses: { 200: { description: "The conversation", schema: ConversationDetail } },
    handle: async ({ tenant, params, body, nowMs }) => {
      const row = await needConversation(deps, tenant, params.conversation);
      const untilMs = nowMs + body.ttlMs;
      await conversationOf(deps.env, tenant, row.id).pause(untilMs, nowMs);
      const until = new Date(untilMs).toISOString();
      await tell(deps, row, "conversation.paused", { until }, nowMs);
      return json(200, await detailOf(deps, row));
    },
  });
  api.route({
    id: "resumeConversation",
    method: "post",
    path: "/conversations/:conversation/resume",
    tag: "conversations",
    summary: "Give a conversation back to the bot",
    description: "Messages that came while a person had it stay theirs.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The conversation", schema: ConversationDetail } },
    handle: async ({ tenant, params, nowMs }) => {
      const row = await needConversation(deps, tenant, params.conversation);
      await conversationOf(deps.env, tenant, row.id).pause(0, nowMs);
      await tell(deps, row, "conversation.resumed", {}, nowMs);
      return json(200, await detailOf(deps, row));
    },
  });
}

function registerSettings(api: Api, deps: ApiDeps): void {
  api.route({
    id: "setConversationSettings",
    method: "put",
    path: "/conversations/:conversation/settings",
    tag: "conversations",
    summary: "Give a conversation a route or turn policy of its own",
    description:
      "Members left out fall back to the connection's. Secrets of routes are not taken here.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    body: ConversationSettings,
    responses: { 200: { description: "The conversation", schema: ConversationDetail } },
    handle: async ({ tenant, params, body, nowMs }) => {
      const row = await needConversation(deps, tenant, params.conversation);
      checkSettings(deps.vars, [{ at: "#", route: body.route }]);
      if (hasSecret(body))
        throw new HubError("unprocessable", "give routes with secrets to the connection or tenant");
      await conversationOf(deps.env, tenant, row.id).setOverride(body, nowMs);
      const set = (["route", "policy"] as const).filter((name) => body[name] !== undefined);
      await tell(deps, row, "conversation.settings_changed", { set }, nowMs);
      return json(200, await detailOf(deps, row));
    },
  });
}

/**
 * The change is the object's, so no batch covers both: the event goes to the outbox right behind it, and where even
 * that fails it is counted.
 */
async function tell(
  { env }: ApiDeps,
  { tenant_id: tenant, id, connection_id: connection }: ConversationRow,
  type: HubEvent["type"],
  data: HubEvent["data"],
  nowMs: number,
): Promise<void> {
  const about = { conversation: id, connection, ...data };
  const db = databaseFor(env, tenant);
  const event = outboxInsert(db, tenant, { type, subject: id, connection, data: about }, nowMs);
  const written = insist(() => writeTelling(db, tenant, [event]));
  await written.catch(() => count("outbox_failures_total", { tenant }));
}

function hasSecret({ route }: z.output<typeof ConversationSettings>): boolean {
  return (
    route !== undefined &&
    (("secret" in route && route.secret !== undefined) ||
      ("apiKey" in route && route.apiKey !== undefined))
  );
}

/** The tenant's own conversation; anything else is "not found". */
export async function needConversation(
  deps: ApiDeps,
  tenant: string,
  id: string,
): Promise<ConversationRow> {
  const row = await findConversation(databaseFor(deps.env, tenant), tenant, id);
  if (!row) throw new HubError("not_found");
  return row;
}

async function detailOf(
  { env }: ApiDeps,
  row: ConversationRow,
): Promise<z.output<typeof ConversationDetail>> {
  const status = await conversationOf(env, row.tenant_id, row.id).status();
  return {
    ...viewOf(row),
    pending: status.pending,
    unpersisted: status.unpersisted,
    outbox: status.outbox,
    head: status.head ?? null,
    turn: turnOf(status),
    session: status.session ?? null,
    paused_until: status.pausedUntilMs ? new Date(status.pausedUntilMs).toISOString() : null,
    route: status.override.route ?? null,
    policy: status.override.policy ?? null,
  };
}

function turnOf({ turn }: ConversationStatus) {
  return turn
    ? { id: turn.id, attempt: turn.attempt, until: new Date(turn.untilMs).toISOString() }
    : null;
}

function viewOf(row: ConversationRow): z.output<typeof ConversationView> {
  return {
    id: row.id,
    tenant: row.tenant_id,
    connection: row.connection_id,
    conversation_key: row.conversation_key,
    created_at: new Date(row.created_at).toISOString(),
  };
}
