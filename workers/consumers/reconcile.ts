/** Asks a platform without idempotent sends whether it has a message after all. Asking has no effect of its own. */

import type { Reconciliation } from "../../channels/channel-adapter.ts";
import { checkDestination } from "../../platform/egress.ts";
import { callOnce } from "../../platform/http.ts";
import { isolateOf } from "../isolate.ts";
import type { Sending } from "./sending.ts";

export type Reconciled = ReturnType<Reconciliation["read"]>;

/** "unknown" where the platform can't be asked, or does not answer. */
export async function reconcile({
  env,
  adapter,
  item,
  leased,
  message,
}: Sending): Promise<Reconciled> {
  const request = adapter.reconciliation?.request(message, leased.located.connection);
  if (!request || !adapter.reconciliation) return { found: "unknown" };
  if (leased.located.connection.baseUrl) {
    const checked = await checkDestination(request.url, { vars: isolateOf(env).vars });
    if (!checked.ok) return { found: "unknown" };
  }
  const answer = await callOnce(request);
  if (!answer.ok) return { found: "unknown" };
  return adapter.reconciliation.read(message, answer.status, answer.body, item.steps);
}
