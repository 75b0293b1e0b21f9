/** A tenant's own services, one value of its data: changed under its revision, so that two changes at once are both made. */
import type * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import type { Json } from "../../domain/workflows/run/state.ts";
import { databaseFor } from "../../platform/database.ts";
import { readData, writeData } from "../../platform/repositories/tenant-data.ts";
import type { ServiceView } from "../../schema/api/workflow-stores.ts";
import type { ApiDeps } from "../http/deps.ts";
import { SERVICES_KEY, type Service, servicesOf } from "../workflows/actions/service.ts";

export type Services = ReadonlyMap<string, Service>;

/** Changes that met another one are made anew this often. */
const TRIES_MAX = 20;

/** Throws what `change` throws, and conflict where others changed them all the time. */
export async function changeServices(
  { env, log }: ApiDeps,
  tenant: string,
  nowMs: number,
  change: (services: Services) => Services,
): Promise<void> {
  const db = databaseFor(env, tenant);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    // The revision is read first: what is changed is never older than it.
    const expected = (await readData(db, tenant, SERVICES_KEY))?.revision ?? 0;
    const services = change(await servicesOf(env, tenant));
    const value = Object.fromEntries(services) as unknown as Json;
    const written = await writeData(db, { tenant, key: SERVICES_KEY, value, expected, nowMs });
    if (written.ok) return log("workflow.services_changed", { tenant });
    if (written.failure.reason === "too_many_keys")
      throw new HubError("conflict", `a tenant may have ${written.failure.max} keys of data`);
  }
  throw new HubError("conflict", "they were changed at the same time");
}

export function serviceView([action, service]: readonly [string, Service]): z.output<
  typeof ServiceView
> {
  const { url, secret = null, timeoutMs = null } = service;
  return { action, url, secret, timeout_ms: timeoutMs };
}
