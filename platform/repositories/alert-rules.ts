/** Alert rules with how they stand, in the tenant's database. Every statement names the tenant, but the one that finds tenants with rules. */
import type { AlertState } from "../../domain/events/alerts.ts";
import { QUIET } from "../../domain/events/alerts.ts";
import type { AlertRuleInput } from "../../schema/api/alert-rules.ts";

/** Rules one tenant may have. */
export const ALERT_RULES_MAX = 100;

export interface StoredRule {
  readonly tenant: string;
  readonly id: string;
  readonly rule: AlertRuleInput;
  readonly state: AlertState;
  readonly createdAtMs: number;
}

interface RuleRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly config: string;
  readonly state: string;
  readonly created_at: number;
}

/** All of a tenant, by id. */
export async function readRules(db: D1Database, tenant: string): Promise<readonly StoredRule[]> {
  const { results } = await db
    .prepare("SELECT * FROM alert_rules WHERE tenant_id = ? ORDER BY id LIMIT ?")
    .bind(tenant, ALERT_RULES_MAX)
    .all<RuleRow>();
  return results.map(storedOf);
}

export async function findRule(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<StoredRule | undefined> {
  const row = await db
    .prepare("SELECT * FROM alert_rules WHERE tenant_id = ? AND id = ?")
    .bind(tenant, id)
    .first<RuleRow>();
  return row ? storedOf(row) : undefined;
}

/** False where the tenant has its fill. */
export async function insertRule(
  db: D1Database,
  { tenant, id, rule, createdAtMs }: Omit<StoredRule, "state">,
): Promise<boolean> {
  const { meta } = await db
    .prepare(
      `INSERT INTO alert_rules (tenant_id, id, config, state, created_at, updated_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?5 WHERE (SELECT count(*) FROM alert_rules WHERE tenant_id = ?1) < ${ALERT_RULES_MAX}`,
    )
    .bind(tenant, id, JSON.stringify(rule), JSON.stringify(QUIET), createdAtMs)
    .run();
  return meta.changes > 0;
}

/** Another condition begins quiet. False where there is none. */
export async function replaceRule(
  db: D1Database,
  { tenant, id, rule, state }: StoredRule,
  nowMs: number,
): Promise<boolean> {
  const { meta } = await db
    .prepare(
      "UPDATE alert_rules SET config = ?, state = ?, updated_at = ? WHERE tenant_id = ? AND id = ?",
    )
    .bind(JSON.stringify(rule), JSON.stringify(state), nowMs, tenant, id)
    .run();
  return meta.changes > 0;
}

/** The statement that notes an evaluation, where the rule is still the one that was evaluated. */
export function noteEvaluation(
  db: D1Database,
  { tenant, id, rule, state }: StoredRule,
  nowMs: number,
): D1PreparedStatement {
  return db
    .prepare(
      "UPDATE alert_rules SET state = ?, updated_at = ? WHERE tenant_id = ? AND id = ? AND config = ?",
    )
    .bind(JSON.stringify(state), nowMs, tenant, id, JSON.stringify(rule));
}

export async function deleteRule(db: D1Database, tenant: string, id: string): Promise<boolean> {
  const { meta } = await db
    .prepare("DELETE FROM alert_rules WHERE tenant_id = ? AND id = ?")
    .bind(tenant, id)
    .run();
  return meta.changes > 0;
}

/** Tenants that have rules, in order. */
export async function tenantsWithRules(db: D1Database): Promise<readonly string[]> {
  const { results } = await db
    .prepare("SELECT DISTINCT tenant_id FROM alert_rules ORDER BY tenant_id")
    .all<{ tenant_id: string }>();
  return results.map(({ tenant_id }) => tenant_id);
}

function storedOf(row: RuleRow): StoredRule {
  return {
    tenant: row.tenant_id,
    id: row.id,
    rule: JSON.parse(row.config) as AlertRuleInput,
    state: JSON.parse(row.state) as AlertState,
    createdAtMs: row.created_at,
  };
}
