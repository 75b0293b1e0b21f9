/** Events: publish them, as they are or as CloudEvents, and read the log of what was published. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { BATCH_TYPE, STRUCTURED_TYPE } from "../../domain/events/cloudevents.ts";
import { structuredOf } from "../../domain/events/cloudevents-json.ts";
import { toCloudEvent } from "../../domain/events/envelope.ts";
import { checkBindingKey, topicIndex } from "../../domain/events/topic.ts";
import { signText } from "../../domain/security/signed-text.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  type EventSearch,
  findEvent,
  type LoggedEvent,
  type LogPlace,
  listEvents,
} from "../../platform/repositories/events.ts";
import {
  AggregateView,
  CloudEventView,
  EventFilter,
  EventView,
  PublishBody,
  PublishedBatch,
  PublishedOne,
} from "../../schema/api/events.ts";
import { Instant } from "../../schema/api/instant.ts";
import { EVENT_KEY_CHARS_MAX } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";
import { openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { aggregateOf } from "../operations/aggregate.ts";
import { needTenant } from "../operations/need-tenant.ts";
import { answerPublish } from "../operations/publish-answer.ts";

const TAG = "events";
const READ = { scope: "events:read", tenant: "key" } as const;
const Key = z.string().min(1).max(EVENT_KEY_CHARS_MAX);
const ListQuery = z.strictObject({ ...PageQuery.shape, ...EventFilter.shape });
const EventPage = pageOf(EventView);
type Listing = z.output<typeof ListQuery>;

export function registerEvents(api: Api, deps: ApiDeps): void {
  registerPublish(api, deps);
  registerList(api, deps);
  registerSingle(api, deps);
  registerAggregate(api, deps);
}

function registerPublish(api: Api, deps: ApiDeps): void {
  api.route({
    id: "publishEvents",
    method: "post",
    path: "/events",
    tag: TAG,
    summary: "Publish one event, or up to 100",
    description:
      "202 means durable; a duplicate within 24 h (the same key, else the same `source` and `event_id`) answers with the first event's id; without key and id each call is an event of its own, so give one to be able to ask again. One event that is refused is a problem: 400 for its shape, 422 for its type, version or data, 413 above 512 KiB, 429 while subscribers are behind, 503 where nothing is known. In a batch each event is judged alone: 207 where something was refused, by `items`; 503 or 429 where nothing could be taken for now. `Idempotency-Key` is the key of a single event. CloudEvents 1.0 come structured, batched, or in binary mode (`ce-` headers, any media type).",
    access: { scope: "events:write", tenant: "key" },
    bodies: {
      "application/json": PublishBody,
      [STRUCTURED_TYPE]: CloudEventView,
      [BATCH_TYPE]: z.array(CloudEventView),
      "*/*": z.unknown(),
    },
    responses: {
      202: { description: "Durable, all of it", schema: z.union([PublishedBatch, PublishedOne]) },
      207: { description: "A batch of which something was refused", schema: PublishedBatch },
      422: { description: "Unknown or reserved type, unknown version, data against its schema" },
      503: { description: "Not durable: the same call may be made again" },
    },
    handle: async ({ tenant, caller, request: { headers }, bytes, nowMs }) => {
      await needTenant(deps, caller, tenant, nowMs);
      return answerPublish(deps, { tenant, headers, bytes, nowMs });
    },
  });
}

function registerList(api: Api, deps: ApiDeps): void {
  api.route({
    id: "listEvents",
    method: "get",
    path: "/events",
    tag: TAG,
    summary: "Read the log of published events",
    description:
      "Kept 30 to 60 days; an event stands in it a moment after it was published. `since` and `until` are times of acceptance. A page looks at 1,000 events and holds 4 MB at most, so that one with a filter may be short or empty: go on while there is a `nextCursor`. `Accept: application/cloudevents-batch+json` gives CloudEvents; their next page is in `Link`.",
    access: READ,
    query: ListQuery,
    responses: {
      200: {
        description: "A page of events",
        schema: EventPage,
        also: { [BATCH_TYPE]: z.array(CloudEventView) },
      },
    },
    handle: async ({ tenant, query, request }) => {
      const { ID_SECRET } = deps.vars;
      const { cursor: _, limit, ...filter } = query;
      const list = `events ${tenant} ${JSON.stringify(filter)}`;
      const after = placeOf(await openCursor(ID_SECRET, list, query.cursor));
      const found = await listEvents(databaseFor(deps.env, tenant), {
        ...searchOf(tenant, query),
        limit,
        ...(after ? { after } : {}),
      });
      const nextCursor =
        found.next && (await signText(ID_SECRET, `cursor ${list}`, JSON.stringify(found.next)));
      if (wants(request, BATCH_TYPE)) return cloudEventPage(request, found.events, nextCursor);
      const items = found.events.map(viewOf);
      return json(200, { items, ...(nextCursor === undefined ? {} : { nextCursor }) });
    },
  });
}

function registerSingle(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "getEvent",
    method: "get",
    path: "/events/:event",
    tag: TAG,
    summary: "One event of the log",
    description:
      "The newest one of that id, where several sources have used it. `Accept: application/cloudevents+json` gives a CloudEvent.",
    access: READ,
    params: z.strictObject({ event: Key }),
    responses: {
      200: {
        description: "The event",
        schema: EventView,
        also: { [STRUCTURED_TYPE]: CloudEventView },
      },
    },
    handle: async ({ tenant, params, request }) => {
      const found = await findEvent(databaseFor(env, tenant), tenant, params.event);
      if (!found) throw new HubError("not_found");
      if (!wants(request, STRUCTURED_TYPE)) return json(200, viewOf(found));
      return typed(STRUCTURED_TYPE, structuredOf(toCloudEvent(found.event)));
    },
  });
}

function registerAggregate(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "getAggregate",
    method: "get",
    path: "/aggregates/:partition",
    tag: TAG,
    summary: "What the events of one partition add up to",
    description:
      "The data of the partition's events in their order, each laid over what was before it (JSON Merge Patch), as far as the log goes back; `until` gives the state of an earlier time. An event counts a moment after it was published. 422 above 10,000 events, or where more than 500,000 of the log would have to be looked through.",
    access: READ,
    params: z.strictObject({ partition: Key }),
    query: z.strictObject({ until: Instant.optional() }),
    responses: {
      200: { description: "The state", schema: AggregateView },
      422: { description: "More events than can be read at once" },
    },
    handle: async ({ tenant, params: { partition }, query: { until } }) => {
      const db = databaseFor(env, tenant);
      const { version, seq, state } = await aggregateOf(db, tenant, partition, beforeOf(until));
      return json(200, { partition, version, seq: seq ?? null, state });
    },
  });
}

/** What the query asks for. Throws bad_request for a pattern with too many `#`. */
function searchOf(
  tenant: string,
  { type, partition, since, until, order }: Listing,
): Omit<EventSearch, "limit"> {
  const checked = checkBindingKey(type ?? "#");
  if (!checked.ok) throw new HubError("bad_request", `type: ${checked.failure.reason}`);
  return {
    ...{ tenant, order, fromSeq: since === undefined ? 0 : Math.max(0, Date.parse(since)) },
    toSeq: beforeOf(until),
    ...(type === undefined ? {} : { isWanted: isOfType(type) }),
    ...(partition === undefined ? {} : { partition }),
  };
}

function isOfType(pattern: string): (type: string) => boolean {
  const index = topicIndex([{ binding: { kind: "topic", key: pattern }, target: true }]);
  return (type) => index.match(type).length > 0;
}

/** The last number before an instant: numbers are times of acceptance. */
function beforeOf(until: string | undefined): number {
  return until === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(Date.parse(until)) - 1;
}

/** What a cursor stands for; only signed ones get here. */
function placeOf(cursor: string | undefined): LogPlace | undefined {
  return cursor === undefined ? undefined : (JSON.parse(cursor) as LogPlace);
}

/** Whether a media type is asked for by name. */
function wants(request: Request, type: string): boolean {
  const asked = (request.headers.get("accept") ?? "").toLowerCase().split(",");
  return asked.some((one) => one.split(";")[0]?.trim() === type);
}

function cloudEventPage(
  request: Request,
  events: readonly LoggedEvent[],
  nextCursor: string | undefined,
): Response {
  const page = events.map(({ event }) => structuredOf(toCloudEvent(event)));
  if (nextCursor === undefined) return typed(BATCH_TYPE, page);
  const next = new URL(request.url);
  next.searchParams.set("cursor", nextCursor);
  return typed(BATCH_TYPE, page, { link: `<${next.pathname}${next.search}>; rel="next"` });
}

function typed(type: string, body: unknown, headers: Record<string, string> = {}): Response {
  return json(200, body, { "content-type": type, ...headers });
}

function viewOf({ seq, shard, event }: LoggedEvent): z.output<typeof EventView> {
  return { seq, shard, event };
}
