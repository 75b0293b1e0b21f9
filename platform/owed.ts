/** Whom this isolate owes events: what `platform/outbox.ts` has written and nobody has published yet. */

/** Tenants of this isolate whose outbox has something new. What is lost with the isolate the minutely job finds. */
const owed = new Set<string>();

/** Says that a committed change has left something in a tenant's outbox. */
export function oweEvents(tenant: string): void {
  owed.add(tenant);
}

/** Whether anything is owed: to the tenant, or to any. */
export function isOwed(tenant?: string): boolean {
  return tenant === undefined ? owed.size > 0 : owed.has(tenant);
}

/** The tenants something is owed to, or just the one; they count as served from now on. */
export function takeOwed(tenant?: string): readonly string[] {
  const taken = [...owed].filter((one) => tenant === undefined || one === tenant);
  for (const one of taken) owed.delete(one);
  return taken;
}
