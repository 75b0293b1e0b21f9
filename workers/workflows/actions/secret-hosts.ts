/** Whether the secrets that were put into an action's input may go where it calls; what may not is counted. */

import type { ReportedError } from "../../../domain/workflows/run/events.ts";
import {
  hostnameOf,
  hostRefusal,
  type SecretRefusal,
} from "../../../domain/workflows/secrets/hosts.ts";
import { count } from "../../../platform/metrics.ts";
import type { ActionContext } from "./action.ts";

/** A failure that no repetition can mend. */
export function secretRefused(
  tenant: string,
  reason: SecretRefusal,
  message: string,
): ReportedError {
  count("workflow_secrets_refused_total", { tenant, reason });
  return { reason: "secret_refused", retryable: false, message };
}

/** Why a call may not be made; undefined where it may. To be asked right before each call. */
export function hostOfSecretsRefused(
  { tenant, secrets }: Pick<ActionContext, "tenant" | "secrets">,
  url: string,
): ReportedError | undefined {
  if (secrets === undefined) return undefined;
  const hostname = hostnameOf(url) ?? "";
  for (const { name, ...rule } of secrets.rules) {
    const reason = hostRefusal(hostname, rule, secrets.needHosts);
    if (reason === "no_hosts")
      return secretRefused(tenant, reason, `the secret ${name} does not say where it may be sent`);
    if (reason)
      return secretRefused(tenant, reason, `the secret ${name} may not be sent to ${hostname}`);
  }
  return undefined;
}
