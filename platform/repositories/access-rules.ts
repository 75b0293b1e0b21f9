/** Allow and block rules in the database. Deciding by them is `domain/security/access-rules.ts`. */
import { and, asc, eq, gt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { HubError } from "../../domain/errors.ts";
import { changedMembers } from "../../domain/events/hub-changes.ts";
import type { HubEvent } from "../../domain/events/hub-event.ts";
import type { AccessRulePatch, AccessRuleView, CreateAccessRule } from "../../schema/api/keys.ts";
import { accessRules } from "../../schema/tables/tenants.ts";
import { ACCESS_RULES_MAX } from "../directory.ts";
import { outboxInsert, writeTelling } from "../outbox.ts";
import { guarded } from "./constraint.ts";

export type AccessRuleRow = typeof accessRules.$inferSelect;

const REFUSALS = {
  "access_rules.tenant_id": new HubError("not_found"),
  "access_rules.pattern": new HubError("conflict", `a tenant may have ${ACCESS_RULES_MAX} rules`),
  "access_rules.effect": new HubError("unprocessable", "this tenant has no such connection"),
};

/** NULL in a NOT NULL column refuses the write: no such tenant, a foreign connection, too many rules. */
const INSERT = `INSERT INTO access_rules
  (id, tenant_id, connection_id, effect, pattern, note, created_at, expires_at)
  VALUES (?1, (SELECT id FROM tenants WHERE id = ?2), ?3,
    CASE WHEN ?3 IS NULL OR EXISTS
      (SELECT 1 FROM connections WHERE id = ?3 AND tenant_id = ?2) THEN ?4 END,
    CASE WHEN (SELECT count(*) FROM access_rules WHERE tenant_id = ?2) < ${ACCESS_RULES_MAX}
      THEN ?5 END, ?6, ?7, ?8)`;

/** Stores a rule. Throws not_found, conflict or unprocessable. */
export async function createAccessRule(
  db: D1Database,
  tenant: string,
  rule: CreateAccessRule,
  nowMs: number,
): Promise<AccessRuleRow> {
  const id = `rule_${crypto.randomUUID().replaceAll("-", "")}`;
  const { connection = null, effect, pattern, note = null } = rule;
  const insert = db
    .prepare(INSERT)
    .bind(id, tenant, connection, effect, pattern, note, nowMs, timeOf(rule.expiresAt));
  const told = ruleEvent("access_rule.created", id, { effect }, connection);
  const statements = [insert, outboxInsert(db, tenant, told, nowMs)];
  await guarded(writeTelling(db, tenant, statements), REFUSALS);
  return needAccessRule(db, tenant, id);
}

/** Throws not_found. */
export async function needAccessRule(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<AccessRuleRow> {
  const [row] = await drizzle(db)
    .select()
    .from(accessRules)
    .where(and(eq(accessRules.tenantId, tenant), eq(accessRules.id, id)));
  if (!row) throw new HubError("not_found");
  return row;
}

/** A page of a tenant's rules by id. */
export function listAccessRules(
  db: D1Database,
  tenant: string,
  after: string | undefined,
  limit: number,
): Promise<AccessRuleRow[]> {
  return drizzle(db)
    .select()
    .from(accessRules)
    .where(and(eq(accessRules.tenantId, tenant), gt(accessRules.id, after ?? "")))
    .orderBy(asc(accessRules.id))
    .limit(limit);
}

/** Changes the members the patch names; `null` removes one. */
export async function updateAccessRule(
  db: D1Database,
  before: AccessRuleRow,
  patch: AccessRulePatch,
  nowMs: number,
): Promise<AccessRuleRow> {
  const connection = patch.connection === undefined ? before.connectionId : patch.connection;
  const expiresAt = patch.expiresAt === undefined ? before.expiresAt : timeOf(patch.expiresAt);
  const update = db
    .prepare(
      `UPDATE access_rules SET pattern = ?1, note = ?2, expires_at = ?3, connection_id = ?4,
       effect = CASE WHEN ?4 IS NULL OR EXISTS
         (SELECT 1 FROM connections WHERE id = ?4 AND tenant_id = ?6) THEN ?5 END
       WHERE tenant_id = ?6 AND id = ?7`,
    )
    .bind(
      patch.pattern ?? before.pattern,
      patch.note === undefined ? before.note : patch.note,
      expiresAt,
      connection,
      patch.effect ?? before.effect,
      before.tenantId,
      before.id,
    );
  const statements = [update, ...tellChange(db, before, patch, { connection, expiresAt }, nowMs)];
  await guarded(writeTelling(db, before.tenantId, statements), REFUSALS);
  return needAccessRule(db, before.tenantId, before.id);
}

/** Nothing where the patch says what was there already. Patterns are people's numbers and names: they are not told. */
function tellChange(
  db: D1Database,
  before: AccessRuleRow,
  patch: AccessRulePatch,
  { connection, expiresAt }: { connection: string | null; expiresAt: number | null },
  nowMs: number,
): readonly D1PreparedStatement[] {
  const { effect, pattern, note } = before;
  const next = {
    effect: patch.effect ?? effect,
    pattern: patch.pattern ?? pattern,
    note: patch.note === undefined ? note : patch.note,
    connection,
    expiresAt,
  };
  const old = {
    effect,
    pattern,
    note,
    connection: before.connectionId,
    expiresAt: before.expiresAt,
  };
  const changed = changedMembers(old, next);
  if (changed.length === 0) return [];
  const data = { effect: next.effect, changed };
  const told = ruleEvent("access_rule.updated", before.id, data, connection);
  return [outboxInsert(db, before.tenantId, told, nowMs, "if_changed")];
}

function ruleEvent(
  type: HubEvent["type"],
  rule: string,
  data: HubEvent["data"],
  connection: string | null = null,
): HubEvent {
  const of = connection === null ? {} : { connection };
  return { type, subject: rule, ...of, data: { rule, ...data, ...of } };
}

/** False where this tenant has no such rule. */
export async function deleteAccessRule(
  db: D1Database,
  tenant: string,
  id: string,
  nowMs: number,
): Promise<boolean> {
  const statement = db.prepare("DELETE FROM access_rules WHERE tenant_id = ?1 AND id = ?2");
  const told = ruleEvent("access_rule.deleted", id, {});
  const [deleted] = await writeTelling(db, tenant, [
    statement.bind(tenant, id),
    outboxInsert(db, tenant, told, nowMs, "if_changed"),
  ]);
  return (deleted?.meta.changes ?? 0) > 0;
}

/** The wire form. */
export function viewAccessRule(row: AccessRuleRow): AccessRuleView {
  return {
    id: row.id,
    tenant: row.tenantId,
    effect: row.effect,
    pattern: row.pattern,
    connection: row.connectionId,
    note: row.note,
    expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt).toISOString(),
    createdAt: new Date(row.createdAt).toISOString(),
  };
}

function timeOf(iso: string | null | undefined): number | null {
  return iso === undefined || iso === null ? null : Date.parse(iso);
}
