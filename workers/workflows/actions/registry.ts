/** Every action that definitions may name, and what an upload is checked against. */
import type { ActionCatalogue, ActionEntry } from "../../../domain/workflows/definition/actions.ts";
import { databaseFor } from "../../../platform/database.ts";
import { checkSchema, schemaValidator } from "../../../platform/json-schema.ts";
import { listSecrets, secretsNeedHosts } from "../../../platform/repositories/tenant-secrets.ts";
import type { Action } from "./action.ts";
import { agentRun } from "./agent-run.ts";
import { connectionCall } from "./connection-call.ts";
import { dataDelete, dataGet, dataPut } from "./data.ts";
import { eventPublish } from "./event-publish.ts";
import { httpRequest } from "./http-request.ts";
import { messageSend } from "./message-send.ts";
import { logNote, transform } from "./plain.ts";
import { pluginCall } from "./plugin-call.ts";
import { servicesOf } from "./service.ts";
import { valueRead } from "./value-read.ts";

export const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ["agent.run", agentRun],
  ["connection.call", connectionCall],
  ["data.delete", dataDelete],
  ["data.get", dataGet],
  ["data.put", dataPut],
  ["event.publish", eventPublish],
  ["http.request", httpRequest],
  ["log.note", logNote],
  ["message.send", messageSend],
  ["plugin.call", pluginCall],
  ["transform", transform],
  ["value.read", valueRead],
]);

/** The hub's actions and the tenant's services and secrets: what its definitions may name. Rejects as D1 does. */
export async function actionCatalogue(env: Env, tenant: string): Promise<ActionCatalogue> {
  const [services, secrets, needHosts] = await Promise.all([
    servicesOf(env, tenant),
    listSecrets(databaseFor(env, tenant), tenant),
    secretsNeedHosts(env.DB, tenant),
  ]);
  const own = [...services].map(([name, { url }]) => [name, { sends: true, url }] as const);
  const hub = [...ACTIONS].map(([name, { input, sends, urlMembers }]) => {
    return [
      name,
      { input, ...(sends ? { sends } : {}), ...(urlMembers ? { urlMembers } : {}) },
    ] as const;
  });
  return {
    actions: new Map<string, ActionEntry>([...own, ...hub]),
    validate: schemaValidator(),
    schemaFault: (schema) => {
      const checked = checkSchema(schema);
      return checked.ok ? undefined : checked.failure;
    },
    secrets: {
      rules: new Map(secrets.map(({ name, hosts }) => [name, hosts ? { hosts } : {}])),
      needHosts,
    },
  };
}
