/** The audit trail: who did what, whether it is as it was written, and all of it to take away. */
import * as z from "zod";
import type { AuditHead } from "../../domain/audit/chain.ts";
import { HUB_TRAIL } from "../../domain/audit/entry.ts";
import type { AuditFilter } from "../../domain/audit/filter.ts";
import { HubError } from "../../domain/errors.ts";
import { signText } from "../../domain/security/signed-text.ts";
import { auditTrail } from "../../platform/audit-trail.ts";
import { AuditEntryShape, AuditQuery, AuditVerified } from "../../schema/api/audit.ts";
import { Id } from "../../schema/connection.ts";
import type { Caller } from "../http/authenticate.ts";
import type { ApiDeps } from "../http/deps.ts";
import { openCursor, PageQuery, pageOf } from "../http/page.ts";
import { type Api, json } from "../http/route.ts";
import { exportTrail, verifyTrail } from "../operations/audit-read.ts";
import { needTenant } from "../operations/need-tenant.ts";

const TAG = "audit";
const READ = { scope: "audit:read", tenant: "resource" } as const;
const TRAIL =
  "A key reads its tenant's trail. The operator names one with `tenant`; without it there is the hub's own.";

const Tenant = { tenant: Id.optional() };
const ListQuery = z.strictObject({ ...Tenant, ...PageQuery.shape, ...AuditQuery.shape });
const VerifyQuery = z.strictObject({ ...Tenant, after: PageQuery.shape.cursor });
const ExportQuery = z.strictObject(Tenant);

export function registerAudit(api: Api, deps: ApiDeps): void {
  registerList(api, deps);
  registerVerify(api, deps);
  registerExport(api, deps);
}

function registerList(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "listAudit",
    method: "get",
    path: "/audit",
    tag: TAG,
    summary: "Who did what, newest first",
    description: `${TRAIL} A page may hold fewer entries than asked for, or none, and still go on: it looks at a bounded part of the trail. What is older than 400 days stands in the export alone.`,
    access: READ,
    query: ListQuery,
    responses: { 200: { description: "A page of entries", schema: pageOf(AuditEntryShape) } },
    handle: async ({ caller, nowMs, query: { tenant, limit, cursor, ...asked } }) => {
      const trail = await trailOf(deps, caller, tenant, nowMs);
      const list = `audit ${trail}`;
      const before = await openCursor(vars.ID_SECRET, list, cursor);
      const beforeSeq = before === undefined ? undefined : Number(before);
      const page = await auditTrail(env, trail).page(trail, filterOf(asked), limit, beforeSeq);
      const next = page.beforeSeq;
      const nextCursor =
        next === undefined
          ? {}
          : { nextCursor: await signText(vars.ID_SECRET, `cursor ${list}`, String(next)) };
      return json(200, { items: page.items, ...nextCursor });
    },
  });
}

function registerVerify(api: Api, deps: ApiDeps): void {
  const { env, vars } = deps;
  api.route({
    id: "verifyAudit",
    method: "get",
    path: "/audit/verify",
    tag: TAG,
    summary: "Whether the trail is as it was written",
    description: `${TRAIL} Every entry's hash, the keyed hash of what was written with it, and every head that was sealed into R2. \`firstBroken\` names the first entry that is not as it was, or not there.`,
    access: READ,
    query: VerifyQuery,
    responses: { 200: { description: "What was found", schema: AuditVerified } },
    handle: async ({ caller, nowMs, query: { tenant, after } }) => {
      const trail = await trailOf(deps, caller, tenant, nowMs);
      const list = `audit verify ${trail}`;
      const from = headIn(await openCursor(vars.ID_SECRET, list, after));
      const { at, ...verified } = await verifyTrail(env, trail, from);
      const next = at && {
        nextCursor: await signText(vars.ID_SECRET, `cursor ${list}`, headText(at)),
      };
      return json(200, { ...verified, ...next });
    },
  });
}

function registerExport(api: Api, deps: ApiDeps): void {
  api.route({
    id: "exportAudit",
    method: "get",
    path: "/audit/export",
    tag: TAG,
    summary: "The whole trail as NDJSON, oldest first",
    description: `${TRAIL} One line per entry: \`{entry, before, hash}\`. \`hash\` is SHA-256 over \`before\` (the hash of the line above) and the entry's canonical JSON (sorted members, no space), so that it can be checked without the hub.`,
    access: READ,
    query: ExportQuery,
    responses: {
      200: {
        description: "A line per entry",
        type: "application/x-ndjson",
        schema: z.string(),
      },
    },
    handle: async ({ caller, own, nowMs, query: { tenant } }) => {
      const trail = await trailOf(deps, caller, tenant, nowMs);
      own(trail);
      return new Response(exportTrail(deps.env, trail), {
        headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
      });
    },
  });
}

/** Throws tenant_conflict where a key names another tenant, and not_found where there is none. */
async function trailOf(
  deps: ApiDeps,
  caller: Caller | undefined,
  named: string | undefined,
  nowMs: number,
): Promise<string> {
  if (caller?.kind === "tenant") {
    if (named !== undefined && named !== caller.tenant) throw new HubError("tenant_conflict");
    return caller.tenant;
  }
  if (named === undefined) return HUB_TRAIL;
  await needTenant(deps, caller, named, nowMs);
  return named;
}

function filterOf({
  since,
  until,
  ...rest
}: Omit<z.output<typeof ListQuery>, "tenant" | "limit" | "cursor">): AuditFilter {
  return {
    ...rest,
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
  } as AuditFilter;
}

function headText({ seq, hash }: AuditHead): string {
  return `${seq} ${hash}`;
}

function headIn(text: string | undefined): AuditHead | undefined {
  const [seq, hash] = text?.split(" ") ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}
