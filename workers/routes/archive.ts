/** The archive: what it holds, whether that is whole, and its index made anew from the objects alone. */
import * as z from "zod";
import { segmentsBetween } from "../../platform/archive-reader.ts";
import type { Segment } from "../../platform/repositories/segments.ts";
import {
  ArchiveRebuilt,
  ArchiveSpan,
  ArchiveVerified,
  SegmentView,
} from "../../schema/api/archive.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { rebuildIndex, verifySegments } from "../operations/archive-index.ts";

const TAG = "archive";
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const ListQuery = z.strictObject({
  ...PageQuery.shape,
  ...ArchiveSpan.shape,
  tenant: Id.optional(),
});
/** Objects read by one call of `verifyArchive`; a longer span is verified in parts. */
const VERIFIED_MAX = 200;

export function registerArchive(api: Api, deps: ApiDeps): void {
  registerList(api, deps);
  registerDrills(api, deps);
}

function registerList(api: Api, { env, vars }: ApiDeps): void {
  api.route({
    id: "listArchive",
    method: "get",
    path: "/archive",
    tag: TAG,
    summary: "Which archive objects hold a span of time",
    access: { scope: "archive:read", tenant: "key" },
    query: ListQuery,
    responses: { 200: { description: "A page of objects", schema: pageOf(SegmentView) } },
    handle: async ({ tenant, query, nowMs }) => {
      const list = `archive ${tenant} ${query.kind}`;
      const after = await openCursor(vars.ID_SECRET, list, query.cursor);
      const { fromMs, toMs } = spanOf(query, nowMs);
      const found = await segmentsBetween(env, tenant, query.kind, fromMs, toMs);
      const rest = found.filter((segment) => after === undefined || placeOf(segment) > after);
      const page = await cutPage(vars.ID_SECRET, list, rest, query.limit, placeOf);
      return json(200, { ...page, items: page.items.map(viewOf) });
    },
  });
}

function registerDrills(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "verifyArchive",
    method: "post",
    path: "/archive/verify",
    tag: TAG,
    summary: "Read archive objects and compare them with their checksums",
    description: `At most ${VERIFIED_MAX} objects a call, from the start of the span.`,
    access: { scope: "archive:read", tenant: "key" },
    query: TenantQuery,
    body: ArchiveSpan,
    responses: { 200: { description: "What was found", schema: ArchiveVerified } },
    handle: async ({ tenant, body, nowMs }) => {
      const { fromMs, toMs } = spanOf(body, nowMs);
      const found = await segmentsBetween(env, tenant, body.kind, fromMs, toMs);
      return json(200, await verifySegments(env, found.slice(0, VERIFIED_MAX)));
    },
  });
  api.route({
    id: "rebuildArchiveIndex",
    method: "post",
    path: "/archive/rebuild",
    tag: TAG,
    summary: "Make the archive's index anew from the objects alone",
    access: { scope: "archive:write", tenant: "key" },
    query: TenantQuery,
    responses: { 200: { description: "How many objects there are", schema: ArchiveRebuilt } },
    handle: async ({ tenant }) => json(200, { segments: await rebuildIndex(env, tenant) }),
  });
}

function spanOf({ since, until }: z.output<typeof ArchiveSpan>, nowMs: number) {
  return { fromMs: Date.parse(since), toMs: until === undefined ? nowMs : Date.parse(until) };
}

/** Sorts as hour and part do. */
function placeOf({ hourMs, part }: Segment): string {
  return `${String(hourMs).padStart(15, "0")}-${String(part).padStart(6, "0")}`;
}

function viewOf(segment: Segment): z.output<typeof SegmentView> {
  const { kind, hourMs, part, key, rows, bytes, sha256, first, last, cold } = segment;
  const hour = new Date(hourMs).toISOString();
  return { kind, hour, part, key, rows, bytes, sha256, first, last, cold };
}
