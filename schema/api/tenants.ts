/** What `/tenants` takes and answers. Secrets go in and never come out. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { TurnPolicy } from "../policy.ts";
import { Route } from "../route.ts";
import { TenantConfig, TenantInput } from "../tenant.ts";

const { limits, tracing, retention, enabled, editTurns, sessionIdleMs, historyWindow } =
  TenantConfig.shape;
const { secretsNeedHosts } = TenantConfig.shape;
const { requestsPerMinute, messagesPerMinute } = limits.unwrap().shape;
const { export: traceExport, pii } = tracing.unwrap().shape;
const { archiveDays, legalHold } = retention.unwrap().shape;

/** Members left out keep their value; `null` removes a route, a policy or an end of the archive. */
export const TenantConfigPatch = z.strictObject({
  route: Route.nullable().optional(),
  policy: TurnPolicy.nullable().optional(),
  enabled: enabled.unwrap().optional(),
  editTurns: editTurns.unwrap().optional(),
  sessionIdleMs: sessionIdleMs.unwrap().optional(),
  historyWindow: historyWindow.unwrap().optional(),
  secretsNeedHosts: secretsNeedHosts.unwrap().optional(),
  limits: z
    .strictObject({
      requestsPerMinute: requestsPerMinute.unwrap().optional(),
      messagesPerMinute: messagesPerMinute.unwrap().optional(),
    })
    .optional(),
  tracing: z
    .strictObject({ export: traceExport.unwrap().optional(), pii: pii.unwrap().optional() })
    .optional(),
  retention: z
    .strictObject({
      archiveDays: archiveDays.unwrap().nullable().optional(),
      legalHold: legalHold.unwrap().optional(),
    })
    .optional(),
});
export type TenantConfigPatch = z.infer<typeof TenantConfigPatch>;

export const TenantPatch = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  active: z.boolean().optional(),
  config: TenantConfigPatch.optional(),
});
export type TenantPatch = z.infer<typeof TenantPatch>;

/** `POST /tenants`: a tenant with its connections and keys in one call. */
export const CreateTenant = TenantInput;

/** `secretsSet` names the secrets that are stored, such as `route.secret`. */
export const TenantView = z
  .strictObject({
    id: Id,
    name: z.string(),
    active: z.boolean(),
    config: TenantConfig,
    secretsSet: z.array(z.string()),
    evolutionInstance: z.string().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "Tenant" });
export type TenantView = z.infer<typeof TenantView>;
