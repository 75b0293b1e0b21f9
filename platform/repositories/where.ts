/** Builds the WHERE of a list query: clauses with one placeholder each, left out where there is no value. */
export interface Where {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Every list begins with its tenant; no query crosses tenants. */
export function whereTenant(
  tenant: string,
  clauses: readonly (readonly [clause: string, value: unknown])[],
): Where {
  const given = clauses.filter(([, value]) => value !== undefined);
  const sql = ["tenant_id = ?", ...given.map(([clause]) => clause)].join(" AND ");
  return { sql, values: [tenant, ...given.map(([, value]) => value)] };
}
