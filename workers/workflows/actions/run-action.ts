/** Finds an action, puts the tenant's secrets into its input, checks that it fits, and runs it. */

import { fail, ok, type Result } from "../../../domain/result.ts";
import { putSecrets } from "../../../domain/workflows/expression/secrets.ts";
import type { ReportedError } from "../../../domain/workflows/run/events.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { databaseFor } from "../../../platform/database.ts";
import { schemaValidator } from "../../../platform/json-schema.ts";
import { openSecrets } from "../../../platform/repositories/tenant-secrets.ts";
import { isolateOf } from "../../isolate.ts";
import { type ActionContext, type ActionResult, never } from "./action.ts";
import { ACTIONS } from "./registry.ts";
import { callService, findService } from "./service.ts";

/** `mapping`: the step's `with`, which alone says where secrets go. */
export async function runAction(
  context: ActionContext,
  name: string,
  input: Json,
  mapping: Json | undefined,
): Promise<ActionResult> {
  const filled = mapping === undefined ? ok(input) : await withSecrets(context, mapping, input);
  if (!filled.ok) return filled;
  const action = ACTIONS.get(name);
  if (!action) {
    const service = await findService(context, name);
    if (!service) return never("unknown_action", `there is no action ${name}`);
    return callService(context, name, service, filled.value);
  }
  const [fault] = schemaValidator()(action.input, filled.value);
  if (fault) return never("invalid_input", `${fault.pointer || "/"}: ${fault.message}`);
  return action.run(context, filled.value);
}

async function withSecrets(
  { env, tenant }: ActionContext,
  mapping: Json,
  input: Json,
): Promise<Result<Json, ReportedError>> {
  const names = secretsIn(mapping);
  const { vault } = isolateOf(env);
  const secrets =
    names.size > 0
      ? await openSecrets(databaseFor(env, tenant), vault, tenant, [...names])
      : new Map<string, string>();
  const filled = putSecrets(mapping, input, (secret) => secrets.get(secret));
  if (filled.ok) return filled;
  const message = `there is no secret ${filled.failure.name}`;
  return fail({ reason: "missing_secret", retryable: false, message });
}

/** Names a mapping refers to. */
function secretsIn(mapping: Json): ReadonlySet<string> {
  if (typeof mapping !== "object" || mapping === null) return new Set();
  if (Array.isArray(mapping)) return new Set(mapping.flatMap((one) => [...secretsIn(one)]));
  if (typeof mapping.$secret === "string") return new Set([mapping.$secret]);
  return new Set(Object.values(mapping).flatMap((one) => [...secretsIn(one)]));
}
