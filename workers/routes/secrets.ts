/** A tenant's secrets for its workflows: written, named and deleted; never read back. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import {
  deleteSecret,
  listSecrets,
  putSecret,
  TENANT_SECRETS_MAX,
} from "../../platform/repositories/tenant-secrets.ts";
import { PutSecret, SecretList } from "../../schema/api/workflow-stores.ts";
import { Id } from "../../schema/connection.ts";
import { SecretName } from "../../schema/workflow-value.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json, noContent } from "../http/route.ts";
import { needTenant } from "../operations/need-tenant.ts";

const TAG = "secrets";
const READ = { scope: "secrets:read", tenant: "key" } as const;
const WRITE = { scope: "secrets:write", tenant: "key" } as const;
const Params = z.strictObject({ secret: SecretName });
const TenantQuery = z.strictObject({ tenant: Id.optional() });

export function registerSecrets(api: Api, deps: ApiDeps): void {
  const { env, vault, log } = deps;
  api.route({
    id: "listSecrets",
    method: "get",
    path: "/secrets",
    tag: TAG,
    summary: "Names of secrets",
    description: "With the hosts that each may be sent to, never with their values.",
    access: READ,
    query: TenantQuery,
    responses: { 200: { description: "The names, in their order", schema: SecretList } },
    handle: async ({ tenant }) => {
      const listed = await listSecrets(databaseFor(env, tenant), tenant);
      const items = listed.map(({ name, hosts, updatedAtMs }) => {
        const updated_at = new Date(updatedAtMs).toISOString();
        return { name, hosts: hosts ? [...hosts] : null, updated_at };
      });
      return json(200, { items });
    },
  });
  api.route({
    id: "putSecret",
    method: "put",
    path: "/secrets/:secret",
    tag: TAG,
    summary: "Write a secret, or write over it",
    description:
      'Sealed as it comes in, opened only for the call that is made with it. Definitions name it as `{"$secret": "name"}` in the `with` of an action; steps that begin from now on get the new value. `hosts` (exact, or `*.example.com` for everything below it) are the only ones that it is sent to; left out they stay as they are, `[]` is for secrets that only sign, `null` takes the list away. A secret without one goes to any public host, or nowhere where the tenant has `secretsNeedHosts`.',
    access: WRITE,
    params: Params,
    body: PutSecret,
    responses: {
      204: { description: "Written" },
      409: { description: `There are ${TENANT_SECRETS_MAX} already` },
    },
    handle: async ({ tenant, caller, params: { secret: name }, body: { value, hosts }, nowMs }) => {
      await needTenant(deps, caller, tenant, nowMs);
      const db = databaseFor(env, tenant);
      const secret = { tenant, name, value, ...(hosts === undefined ? {} : { hosts }) };
      if (!(await putSecret(db, vault, secret, nowMs)))
        throw new HubError("conflict", `a tenant may have ${TENANT_SECRETS_MAX} secrets`);
      log("secret.written", { tenant });
      return noContent();
    },
  });
  api.route({
    id: "deleteSecret",
    method: "delete",
    path: "/secrets/:secret",
    tag: TAG,
    summary: "Delete a secret",
    description: "Actions that name it fail from now on.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 204: { description: "Gone" } },
    handle: async ({ tenant, params: { secret } }) => {
      if (!(await deleteSecret(databaseFor(env, tenant), tenant, secret)))
        throw new HubError("not_found", "no such secret");
      log("secret.deleted", { tenant });
      return noContent();
    },
  });
}
