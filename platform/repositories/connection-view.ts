/** A stored connection as the API shows it: everything open, and of secrets the names. */
import { splitConnection } from "../../domain/connections/secrets.ts";
import type { ConnectionView } from "../../schema/api/connections.ts";
import type { StoredConnection } from "./connections.ts";

/** The wire form: everything open, and the names of what is sealed. */
export function viewConnection(
  { row, input }: StoredConnection,
  publicUrl: string,
): ConnectionView {
  const { config, secrets } = splitConnection(input);
  const { credentials: open, ...rest } = config;
  const names = (part: string, of: object) => Object.keys(of).map((name) => `${part}.${name}`);
  return {
    ...rest,
    id: row.id,
    tenant: row.tenantId,
    channel: input.channel,
    provider: row.provider,
    address: row.address,
    active: row.active,
    state: row.state,
    stateDetail: row.stateDetail,
    secretsSet: [
      ...names("credentials", { ...open, ...secrets.credentials }),
      ...names("route", secrets.route),
    ],
    webhookUrl: webhookUrlOf(row, publicUrl),
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

/** Where the platform must send this connection's webhooks. */
export function webhookUrlOf(
  row: { readonly provider: string; readonly id: string },
  publicUrl: string,
): string {
  return `${publicUrl}/webhooks/${row.provider}/${row.id}`;
}
