/** A tenant's own small data, as its workflows read and write it too. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import type { Json } from "../../domain/workflows/run/state.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  DATA_KEYS_MAX,
  DATA_VALUE_CHARS_MAX,
  type DataFailure,
  deleteData,
  listData,
  readData,
  type StoredData,
  writeData,
} from "../../platform/repositories/tenant-data.ts";
import {
  DataKey,
  DataPrefix,
  ListedDataView,
  PutData,
  TenantDataView,
} from "../../schema/api/workflow-stores.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkIfMatch, etagOf } from "../http/etag.ts";
import { cutPage, openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json, noContent } from "../http/route.ts";
import { needTenant } from "../operations/need-tenant.ts";

const TAG = "data";
const READ = { scope: "data:read", tenant: "key" } as const;
const WRITE = { scope: "data:write", tenant: "key" } as const;
const Params = z.strictObject({ item: DataKey });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const DataPage = pageOf(ListedDataView);
const PATH = "/data/:item";

export function registerTenantData(api: Api, deps: ApiDeps): void {
  registerReads(api, deps);
  registerPut(api, deps);
  registerDelete(api, deps);
}

function registerReads(api: Api, { env, vars }: ApiDeps): void {
  api.route({
    id: "listData",
    method: "get",
    path: "/data",
    tag: TAG,
    summary: "Keys of data",
    description: "In their order, without the values; `prefix`: only those that begin with it.",
    access: READ,
    query: z.strictObject({
      ...PageQuery.shape,
      tenant: Id.optional(),
      prefix: DataPrefix.optional(),
    }),
    responses: { 200: { description: "A page of keys", schema: DataPage } },
    handle: async ({ tenant, query: { limit, cursor, prefix } }) => {
      const list = `data ${tenant} ${prefix ?? ""}`;
      const after = await openCursor(vars.ID_SECRET, list, cursor);
      const rows = await listData(databaseFor(env, tenant), tenant, { prefix, after }, limit + 1);
      const page = await cutPage(vars.ID_SECRET, list, rows, limit, ({ key }) => key);
      const items = page.items.map(({ key, revision, updatedAtMs }) => {
        return { key, revision, updated_at: new Date(updatedAtMs).toISOString() };
      });
      return json(200, { ...page, items });
    },
  });
  api.route({
    id: "getData",
    method: "get",
    path: PATH,
    tag: TAG,
    summary: "A value of data",
    access: READ,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The value", schema: TenantDataView } },
    handle: async ({ tenant, params: { item } }) => {
      const stored = await readData(databaseFor(env, tenant), tenant, item);
      if (!stored) throw new HubError("not_found", "no such key");
      return answer(200, stored);
    },
  });
}

function registerPut(api: Api, deps: ApiDeps): void {
  api.route({
    id: "putData",
    method: "put",
    path: PATH,
    tag: TAG,
    summary: "Write a value of data",
    description: `Any JSON of at most ${DATA_VALUE_CHARS_MAX} characters. \`If-Match\` writes only over that revision, \`If-None-Match: *\` only where there is none: else 412. A tenant may have ${DATA_KEYS_MAX} keys.`,
    access: WRITE,
    params: Params,
    body: PutData,
    responses: {
      200: { description: "The value", schema: TenantDataView },
      201: { description: "The value, at a new key", schema: TenantDataView },
      409: { description: `There are ${DATA_KEYS_MAX} keys already` },
    },
    handle: async ({ tenant, caller, params: { item: key }, body, request, nowMs }) => {
      await needTenant(deps, caller, tenant, nowMs);
      const value = body.value as Json;
      if (JSON.stringify(value).length > DATA_VALUE_CHARS_MAX)
        throw new HubError(
          "payload_too_large",
          `a value may have ${DATA_VALUE_CHARS_MAX} characters`,
        );
      const db = databaseFor(deps.env, tenant);
      const expected = await expectedOf(db, tenant, key, request.headers);
      const guard = expected === undefined ? {} : { expected };
      const written = await writeData(db, { tenant, key, value, nowMs, ...guard });
      if (!written.ok) throw refused(written.failure);
      const { revision } = written.value;
      return answer(revision === 1 ? 201 : 200, { key, value, revision, updatedAtMs: nowMs });
    },
  });
}

function registerDelete(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "deleteData",
    method: "delete",
    path: PATH,
    tag: TAG,
    summary: "Delete a value of data",
    description: "`If-Match` deletes only that revision: else 412.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 204: { description: "Gone" } },
    handle: async ({ tenant, params: { item: key }, request }) => {
      const db = databaseFor(env, tenant);
      const expected = await expectedOf(db, tenant, key, request.headers);
      if (await deleteData(db, tenant, key, expected)) return noContent();
      throw new HubError(expected === undefined ? "not_found" : "precondition_failed");
    },
  });
}

/** The revision that the caller has seen; 0: none may be there; undefined: any. Throws precondition_failed. */
async function expectedOf(
  db: D1Database,
  tenant: string,
  key: string,
  headers: Headers,
): Promise<number | undefined> {
  if (headers.get("if-none-match")?.trim() === "*") return 0;
  const wanted = headers.get("if-match");
  if (wanted === null) return undefined;
  const stored = await readData(db, tenant, key);
  if (!stored) throw new HubError("precondition_failed");
  checkIfMatch(headers, { updatedAt: stored.revision });
  return wanted.trim() === "*" ? undefined : stored.revision;
}

function refused(failure: DataFailure): HubError {
  if (failure.reason === "revision_conflict") return new HubError("precondition_failed");
  return new HubError("conflict", `a tenant may have ${failure.max} keys of data`);
}

function answer(status: number, { key, value, revision, updatedAtMs }: StoredData): Response {
  const view = { key, value, revision, updated_at: new Date(updatedAtMs).toISOString() };
  return json(status, view, { etag: etagOf({ updatedAt: revision }) });
}
