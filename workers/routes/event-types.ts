/** The registry of event types: the tenant's own, which can be declared and grow, and the hub's, which are served. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { HUB_EVENT_TYPES } from "../../domain/events/catalogue.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  createEventType,
  deleteEventType,
  EVENT_TYPES_MAX,
  type EventTypeHead,
  listEventTypes,
  patchEventType,
  type StoredEventType,
} from "../../platform/repositories/event-types.ts";
import { readSubscriptions } from "../../platform/repositories/subscriptions.ts";
import {
  AddVersion,
  CreateEventType,
  EventTypeSummary,
  EventTypeView,
  PatchEventType,
} from "../../schema/api/event-types.ts";
import { EventType } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkIfMatch, etagOf } from "../http/etag.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json, noContent } from "../http/route.ts";
import {
  checkEventSchema,
  checkTypeName,
  needEventType,
  registerVersion,
} from "../operations/event-types.ts";
import { needTenant } from "../operations/need-tenant.ts";
import { registryOf } from "../operations/publish.ts";

const TAG = "event types";
const READ = { scope: "event-types:read", tenant: "key" } as const;
const WRITE = { scope: "event-types:write", tenant: "key" } as const;
const Params = z.strictObject({ name: EventType });
const PATH = "/event-types/:name";
const ListQuery = z.strictObject({
  ...PageQuery.shape,
  owner: z.enum(["hub", "tenant"]).optional(),
});
const TypePage = pageOf(EventTypeSummary);
const HUB_TYPES = HUB_EVENT_TYPES.toSorted((a, b) => (a.name < b.name ? -1 : 1));

export function registerEventTypes(api: Api, deps: ApiDeps): void {
  registerReads(api, deps);
  registerCreate(api, deps);
  registerVersions(api, deps);
  registerChanges(api, deps);
}

function registerReads(api: Api, deps: ApiDeps): void {
  api.route({
    id: "listEventTypes",
    method: "get",
    path: "/event-types",
    tag: TAG,
    summary: "List event types",
    description:
      "The hub's own first, then the tenant's, each by name; `owner` takes one of both. Schemas are left out.",
    access: READ,
    query: ListQuery,
    responses: { 200: { description: "A page of event types", schema: TypePage } },
    handle: async ({ tenant, query }) => {
      const list = `event-types ${tenant} ${query.owner ?? ""}`;
      const after = await openCursor(deps.vars.ID_SECRET, list, query.cursor);
      const rows = await pageOfTypes(deps, tenant, query.owner, after, query.limit + 1);
      const keyOf = ({ owner, name }: Summary) => `${owner} ${name}`;
      return json(200, await cutPage(deps.vars.ID_SECRET, list, rows, query.limit, keyOf));
    },
  });
  api.route({
    id: "getEventType",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "One event type with the schema of every version",
    access: READ,
    params: Params,
    responses: { 200: { description: "The event type", schema: EventTypeView } },
    handle: async ({ tenant, params }) => {
      const own = HUB_TYPES.find(({ name }) => name === params.name);
      if (own) return json(200, hubView(own));
      const type = await needEventType(deps, tenant, params.name);
      return json(200, viewOf(type), { etag: etagOf({ updatedAt: type.updatedAtMs }) });
    },
  });
}

type Summary = z.output<typeof EventTypeSummary>;

/** `after` is `<owner> <name>`; the hub's come before the tenant's. */
async function pageOfTypes(
  { env }: ApiDeps,
  tenant: string,
  owner: "hub" | "tenant" | undefined,
  after: string | undefined,
  limit: number,
): Promise<readonly Summary[]> {
  const [of, name = ""] = after?.split(" ") ?? [];
  const hubs =
    owner === "tenant" || of === "tenant" ? [] : HUB_TYPES.filter((one) => one.name > name);
  const page = hubs.slice(0, limit).map((one): Summary => {
    return { ...hubView(one), versions: one.versions.map(({ version }) => version) };
  });
  if (owner === "hub" || page.length === limit) return page;
  const last = of === "tenant" ? name : undefined;
  const own = await listEventTypes(databaseFor(env, tenant), tenant, last, limit - page.length);
  return [...page, ...own.map((one) => ({ ...coreOf(one), versions: [...one.versions] }))];
}

function registerCreate(api: Api, deps: ApiDeps): void {
  api.route({
    id: "createEventType",
    method: "post",
    path: "/event-types",
    tag: TAG,
    summary: "Declare an event type",
    description:
      "With `version` and `schema` also its first version. A type without a version takes no events. Names whose first word the hub uses itself (`message.…`, `tenant.…`) are reserved: 422.",
    access: WRITE,
    body: CreateEventType,
    responses: {
      201: { description: "The event type", schema: EventTypeView },
      409: { description: "There is one of that name, or there are too many" },
      422: { description: "A reserved name, or a schema that cannot be taken" },
    },
    handle: async ({ tenant, body, nowMs, caller }) => {
      await needTenant(deps, caller, tenant, nowMs);
      const { name, description, compatibility, version, schema } = body;
      checkTypeName(name);
      if (schema !== undefined) checkEventSchema(schema, "/schema");
      const first = version === undefined || schema === undefined ? undefined : { version, schema };
      const head = { name, description, compatibility };
      const done = await createEventType(databaseFor(deps.env, tenant), tenant, head, first, nowMs);
      if (done === "exists") throw new HubError("conflict", "there is an event type of that name");
      if (done === "too_many")
        throw new HubError("conflict", `a tenant may have ${EVENT_TYPES_MAX} event types`);
      return answer(deps, tenant, 201, await needEventType(deps, tenant, name));
    },
  });
}

function registerVersions(api: Api, deps: ApiDeps): void {
  api.route({
    id: "addEventTypeVersion",
    method: "post",
    path: `${PATH}/versions`,
    tag: TAG,
    summary: "Register a version of an event type",
    description:
      "Versions rise. A schema is held against the last version's by the type's compatibility: `backward` (the new one reads old data), `forward` (the old one reads new data), `full`, `none`. A break is 409 and names each one: `pointer`, `change`, `direction`. JSON Schema 2020-12, 2019-09 or draft-07; references within the schema only; patterns that run in linear time only. The same version with the same schema again is 200.",
    access: WRITE,
    params: Params,
    body: AddVersion,
    responses: {
      200: { description: "It is there already, with this schema", schema: EventTypeView },
      201: { description: "The event type with the new version", schema: EventTypeView },
      409: { description: "Not rising, or incompatible" },
      422: { description: "A schema that cannot be taken" },
    },
    handle: async ({ tenant, params, body, nowMs }) => {
      const { added, type } = await registerVersion(deps, tenant, params.name, body, nowMs);
      return answer(deps, tenant, added ? 201 : 200, type);
    },
  });
}

function registerChanges(api: Api, deps: ApiDeps): void {
  api.route({
    id: "updateEventType",
    method: "patch",
    path: PATH,
    tag: TAG,
    summary: "Change an event type's description or compatibility",
    description:
      "A new compatibility holds for versions to come. `If-Match` guards against others.",
    access: WRITE,
    params: Params,
    body: PatchEventType,
    responses: { 200: { description: "The event type", schema: EventTypeView } },
    handle: async ({ tenant, params: { name }, body, request, nowMs }) => {
      checkTypeName(name);
      const before = await needEventType(deps, tenant, name);
      checkIfMatch(request.headers, { updatedAt: before.updatedAtMs });
      const known = { updatedAtMs: before.updatedAtMs, nowMs };
      if (!(await patchEventType(databaseFor(deps.env, tenant), tenant, name, body, known)))
        throw new HubError("conflict", "it was changed at the same time");
      return answer(deps, tenant, 200, await needEventType(deps, tenant, name));
    },
  });
  api.route({
    id: "deleteEventType",
    method: "delete",
    path: PATH,
    tag: TAG,
    summary: "Forget an event type and its schemas",
    description:
      "Only while no subscription names it without wildcards: 409 lists those that do. Events of the type stay in the log; new ones are refused, at the latest after the cache time.",
    access: WRITE,
    params: Params,
    responses: {
      204: { description: "Gone" },
      409: { description: "Subscriptions name it" },
    },
    handle: async ({ tenant, params: { name } }) => {
      checkTypeName(name);
      const db = databaseFor(deps.env, tenant);
      const named = await subscribersOf(db, tenant, name);
      if (named.length > 0)
        throw new HubError("conflict", "subscriptions name this type", {
          extensions: { reason: "in_use", subscriptions: named },
        });
      if (!(await deleteEventType(db, tenant, name))) throw new HubError("not_found");
      registryOf(deps).forget(tenant, name);
      return noContent();
    },
  });
}

/** Ids of subscriptions that want exactly this type. */
async function subscribersOf(
  db: D1Database,
  tenant: string,
  name: string,
): Promise<readonly string[]> {
  const rows = await readSubscriptions(db, tenant);
  return rows
    .filter(({ subscription }) =>
      subscription.bindings.some((binding) => binding.kind !== "fanout" && binding.key === name),
    )
    .map(({ subscription }) => subscription.id);
}

/** This isolate looks at the type anew from now on. */
function answer(deps: ApiDeps, tenant: string, status: number, type: StoredEventType): Response {
  registryOf(deps).forget(tenant, type.name);
  return json(status, viewOf(type), { etag: etagOf({ updatedAt: type.updatedAtMs }) });
}

function coreOf(type: Omit<EventTypeHead, "versions">) {
  const { name, description, compatibility, createdAtMs, updatedAtMs } = type;
  return {
    name,
    owner: "tenant" as const,
    description,
    compatibility,
    created_at: new Date(createdAtMs).toISOString(),
    updated_at: new Date(updatedAtMs).toISOString(),
  };
}

function viewOf(type: StoredEventType): EventTypeView {
  const versions = type.versions.map(({ version, schema, createdAtMs }) => {
    return { version, schema, created_at: new Date(createdAtMs).toISOString() };
  });
  return { ...coreOf(type), versions };
}

function hubView(type: (typeof HUB_TYPES)[number]): EventTypeView {
  const { name, description, compatibility } = type;
  const versions = type.versions.map((one) => ({ ...one, created_at: null }));
  const dates = { created_at: null, updated_at: null };
  return { name, owner: "hub", description, compatibility, ...dates, versions };
}
