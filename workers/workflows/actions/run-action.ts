/** Finds an action, puts the tenant's secrets into its input, checks that it fits, and runs it. */

import { fail, ok, type Result } from "../../../domain/result.ts";
import { putSecrets } from "../../../domain/workflows/expression/secrets.ts";
import type { ReportedError } from "../../../domain/workflows/run/events.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { namedSecrets } from "../../../domain/workflows/secrets/named.ts";
import { databaseFor } from "../../../platform/database.ts";
import { schemaValidator } from "../../../platform/json-schema.ts";
import { openSecrets, secretsNeedHosts } from "../../../platform/repositories/tenant-secrets.ts";
import { isolateOf } from "../../isolate.ts";
import {
  type ActionContext,
  type ActionResult,
  membersOf,
  never,
  type UsedSecrets,
} from "./action.ts";
import { masked } from "./masked.ts";
import { ACTIONS } from "./registry.ts";
import { secretRefused } from "./secret-hosts.ts";
import { callService, findService } from "./service.ts";

/** `mapping`: the step's `with`, which alone says where secrets go. */
export async function runAction(
  context: ActionContext,
  name: string,
  input: Json,
  mapping: Json | undefined,
): Promise<ActionResult> {
  const action = ACTIONS.get(name);
  const service = action ? undefined : await findService(context, name);
  if (!(action || service)) return never("unknown_action", `there is no action ${name}`);
  const sends = service !== undefined || action?.sends === true;
  const filled = await withSecrets(context, { mapping, input, sends });
  if (!filled.ok) return filled;
  const { value, secrets, values = new Map() } = filled.value;
  const calling = secrets === undefined ? context : { ...context, secrets };
  if (service) return masked(await callService(calling, name, service, value), values);
  if (!action) return never("unknown_action");
  const [fault] = schemaValidator()(action.input, value);
  if (fault) return never("invalid_input", `${fault.pointer || "/"}: ${fault.message}`);
  return masked(await action.run(calling, value), values);
}

interface Filled {
  readonly value: Json;
  readonly secrets?: UsedSecrets;
  /** By name. */
  readonly values?: ReadonlyMap<string, string>;
}

async function withSecrets(
  { env, tenant }: ActionContext,
  of: { readonly mapping: Json | undefined; readonly input: Json; readonly sends: boolean },
): Promise<Result<Filled, ReportedError>> {
  const { mapping, input, sends } = of;
  const [first, ...others] = mapping === undefined ? [] : namedSecrets(mapping);
  if (mapping === undefined || first === undefined) return ok({ value: input });
  if (!sends) {
    const message = `the secret ${first.name} may not be kept: the action calls no host`;
    return fail(secretRefused(tenant, "no_call", message));
  }
  const names = new Set([first, ...others].map(({ name }) => name));
  const { vault } = isolateOf(env);
  const opened = await openSecrets(databaseFor(env, tenant), vault, tenant, [...names]);
  const filled = putSecrets(mapping, input, (name) => opened.get(name)?.value);
  if (!filled.ok) {
    const message = `there is no secret ${filled.failure.name}`;
    return fail({ reason: "missing_secret", retryable: false, message });
  }
  const rules = [...opened].map(([name, { value: _, ...rule }]) => ({ name, ...rule }));
  const members = Object.entries(membersOf(mapping))
    .filter(([, one]) => namedSecrets(one).length > 0)
    .map(([member]) => member);
  const isOpen = rules.some(({ hosts }) => hosts === undefined);
  const needHosts = isOpen && (await secretsNeedHosts(env.DB, tenant));
  const values = new Map([...opened].map(([name, { value }]) => [name, value]));
  const used = { rules, members: new Set(members), needHosts };
  return ok({ value: filled.value, secrets: used, values });
}
