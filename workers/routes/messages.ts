/** Messages: send one out, take one in, read history and a message's timeline. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import { publicMediaUrl } from "../../platform/media-link.ts";
import {
  findMessage,
  listMessages,
  type StoredMessage,
  toMessage,
} from "../../platform/repositories/messages.ts";
import {
  ConversationId,
  MediaLinkView,
  MessageId,
  MessageView,
  SendAccepted,
  SendMessage,
  Timeline,
  UnifiedAccepted,
  UnifiedInput,
} from "../../schema/api/messages.ts";
import { Id } from "../../schema/connection.ts";
import { Direction } from "../../schema/message.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { checkOwnFiles } from "../operations/own-files.ts";
import { sendMessage } from "../operations/send-message.ts";
import { takeUnified } from "../operations/take-unified.ts";
import { timelineOf } from "../operations/timeline.ts";

const HistoryQuery = z.strictObject({
  ...PageQuery.shape,
  conversation: ConversationId.optional(),
  connection: Id.optional(),
  direction: Direction.optional(),
});
/** How long a link to a file is good, in ms. */
const MEDIA_LINK_TTL_MS = 3_600_000;
const MessagePage = pageOf(MessageView);
/** A string in the document too: what is coerced there would not stand as required. */
const MediaIndex = z
  .string()
  .regex(/^\d{1,2}$/)
  .transform(Number);

export function registerMessages(api: Api, deps: ApiDeps): void {
  registerWrites(api, deps);
  registerHistory(api, deps);
  registerSingle(api, deps);
}

function registerWrites(api: Api, deps: ApiDeps): void {
  api.route({
    id: "sendMessage",
    method: "post",
    path: "/messages/send",
    tag: "messages",
    summary: "Send a message",
    description:
      "Markdown in, the platform's own format out. Exactly one of `text` and `content`, and of `to` and `conversation`. 202 means durable: it waits its turn in the conversation. With an `Idempotency-Key` repeating the call has no second effect for 24 h.",
    access: { scope: "messages:write", tenant: "key" },
    body: SendMessage,
    responses: { 202: { description: "Stored, to be sent in order", schema: SendAccepted } },
    handle: async ({ body, tenant, request, nowMs, waitUntil }) => {
      const key = request.headers.get("idempotency-key") ?? undefined;
      const traceparent = request.headers.get("traceparent") ?? undefined;
      const sent = await sendMessage(deps, { tenant, body, nowMs, key, traceparent });
      waitUntil(sent.after());
      return json(202, sent.view);
    },
  });
  api.route({
    id: "takeUnifiedMessage",
    method: "post",
    path: "/messages/unified",
    tag: "messages",
    summary: "Take in a unified message as if from its channel",
    description:
      "`id` is its idempotency key within the conversation, for 24 h. Instead of an API key a Standard Webhooks signature with the `intakeSecret` of the connection it names will do.",
    access: { scope: "messages:write", tenant: "key" },
    body: UnifiedInput,
    responses: { 202: { description: "Stored, a turn is due", schema: UnifiedAccepted } },
    handle: async ({ body, tenant, request, nowMs, waitUntil }) => {
      const traceparent = request.headers.get("traceparent") ?? undefined;
      const taken = await takeUnified(deps, { tenant, body, nowMs, traceparent });
      waitUntil(taken.after());
      return json(202, taken.view);
    },
  });
}

function registerHistory(api: Api, deps: ApiDeps): void {
  const history = async (tenant: string, query: z.output<typeof HistoryQuery>) => {
    const { vars, env } = deps;
    const list = `history ${tenant}`;
    const beforeId = await openCursor(vars.ID_SECRET, list, query.cursor);
    const { conversation, connection, direction, limit } = query;
    const rows = await listMessages(databaseFor(env, tenant), {
      tenant,
      limit: limit + 1,
      ...(conversation ? { conversation } : {}),
      ...(connection ? { connection } : {}),
      ...(direction ? { direction } : {}),
      ...(beforeId ? { beforeId } : {}),
    });
    const page = await cutPage(vars.ID_SECRET, list, rows, limit, (row) => row.id);
    return json(200, { ...page, items: page.items.map(viewOf) });
  };
  const common = {
    method: "get",
    tag: "messages",
    description: "Newest first. Kept 30 to 60 days.",
    query: HistoryQuery,
    responses: { 200: { description: "A page of messages", schema: MessagePage } },
  } as const;
  api.route({
    ...common,
    id: "listMessages",
    path: "/messages/history",
    summary: "List the tenant's messages",
    query: HistoryQuery.extend({ tenant: Id.optional() }),
    access: { scope: "messages:read", tenant: "key" },
    handle: ({ tenant, query }) => history(tenant, query),
  });
  api.route({
    ...common,
    id: "listTenantMessages",
    path: "/messages/history/:tenant",
    summary: "List a tenant's messages",
    params: z.strictObject({ tenant: Id }),
    access: { scope: "messages:read", tenant: "path" },
    handle: ({ tenant, query }) => history(tenant, query),
  });
}

function registerSingle(api: Api, deps: ApiDeps): void {
  const params = z.strictObject({ message: MessageId });
  const query = z.strictObject({ tenant: Id.optional() });
  const access = { scope: "messages:read", tenant: "key" } as const;
  api.route({
    id: "getMessage",
    method: "get",
    path: "/messages/:message",
    tag: "messages",
    summary: "Read a message",
    access,
    params,
    query,
    responses: { 200: { description: "The message", schema: MessageView } },
    handle: async ({ tenant, params: { message } }) => {
      const row = await findMessage(databaseFor(deps.env, tenant), tenant, message);
      if (!row) throw new HubError("not_found");
      return json(200, viewOf(row));
    },
  });
  api.route({
    id: "getMessageMedia",
    method: "get",
    path: "/messages/:message/media/:index",
    tag: "messages",
    summary: "Get a link to a message's file",
    description: "Good for an hour. 409 where the file was refused or is not fetched yet.",
    access,
    params: z.strictObject({ message: MessageId, index: MediaIndex }),
    query,
    responses: {
      200: { description: "The link", schema: MediaLinkView },
      409: { description: "There is no file" },
    },
    handle: async ({ tenant, params: { message, index }, nowMs }) => {
      const row = await findMessage(databaseFor(deps.env, tenant), tenant, message);
      const media = row && toMessage(row).content.media[index];
      if (!media) throw new HubError("not_found");
      if (media.source.from !== "stored")
        throw new HubError("conflict", `the file is ${media.source.from}`);
      checkOwnFiles(tenant, [media]);
      const untilMs = nowMs + MEDIA_LINK_TTL_MS;
      const url = await publicMediaUrl(deps.vars, media.source.key, untilMs);
      return json(200, { url, expires_at: new Date(untilMs).toISOString() });
    },
  });
  api.route({
    id: "getMessageTimeline",
    method: "get",
    path: "/messages/:message/timeline",
    tag: "messages",
    summary: "Everything that happened to a message, hop by hop",
    access,
    params,
    query,
    responses: { 200: { description: "The timeline", schema: Timeline } },
    handle: async ({ tenant, params: { message } }) => {
      const timeline = await timelineOf(databaseFor(deps.env, tenant), tenant, message);
      if (!timeline) throw new HubError("not_found");
      return json(200, timeline);
    },
  });
}

function viewOf(row: StoredMessage): z.output<typeof MessageView> {
  return {
    ...toMessage(row),
    status: row.status,
    created_at: new Date(row.created_at).toISOString(),
    processed_at: row.processed_at === null ? null : new Date(row.processed_at).toISOString(),
  };
}
