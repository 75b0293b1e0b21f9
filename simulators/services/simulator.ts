/**
 * The services that the ready sagas call, as one server: provisioning of agents, cover, reservations, billing and
 * notifications. A tenant's services are below `{url}/<tenant>/<action>`; they take what the hub's service actions send.
 */
import { asRecord, asText, json, type Reply, type SimRequest } from "../http.ts";
import { checkSignature } from "../receiver.ts";
import { type ServerOptions, type Simulator, startSimulator } from "../simulator.ts";
import { SERVICES } from "./catalogue.ts";
import {
  createServicesWorld,
  type Person,
  type Refusal,
  type ServicesWorld,
  serviceCallOf,
} from "./world.ts";

/** Calls of a tenant with a secret (`whsec_` + base64) must be signed with it; of others anybody may call. */
export interface ServicesAccount {
  readonly tenant: string;
  readonly secret?: string;
}

export interface ServicesOptions extends ServerOptions {
  readonly accounts?: readonly ServicesAccount[];
  readonly people?: readonly Person[];
}

export interface ServicesSimulator extends Simulator, Omit<ServicesWorld, "answer" | "reset"> {
  register(account: ServicesAccount): void;
  /** What a tenant's data says under `$services`: the URL of each action, and the name of the secret that signs. */
  bindings(
    tenant: string,
    secret?: string,
  ): Readonly<Record<string, { readonly url: string; readonly secret?: string }>>;
}

/** Starts the services on 127.0.0.1. */
export async function startServices(options: ServicesOptions = {}): Promise<ServicesSimulator> {
  const accounts = [...(options.accounts ?? [])];
  const world = createServicesWorld();
  for (const person of options.people ?? []) world.know(person);
  const simulator = await startSimulator(
    {
      name: "services",
      handle: (request) => served(world, accounts, request),
      tenantOf: ({ path }) => serviceCallOf(path, undefined, null).tenant || null,
      faultReply: (status) =>
        json({ error: { code: "busy", message: "planned fault", retryable: true } }, status),
      sideDoor: {
        "GET /_sim/effects": () => json(world.effects()),
        "POST /_sim/refuse": (request) => refuse(world, request.body),
        "POST /_sim/accounts": (request) => {
          const { tenant, secret } = asRecord(request.body);
          if (asText(tenant) === undefined) return json({ error: "tenant: expected an id" }, 400);
          accounts.push({
            tenant: asText(tenant) ?? "",
            ...(asText(secret) !== undefined && { secret: asText(secret) ?? "" }),
          });
          return json({ ok: true }, 201);
        },
      },
      reset: () => world.reset(),
    },
    options,
  );
  return {
    ...simulator,
    know: (person) => world.know(person),
    refuse: (refusal) => world.refuse(refusal),
    talk: (isTalkative) => world.talk(isTalkative),
    effects: () => world.effects(),
    standing: (tenant, reference) => world.standing(tenant, reference),
    register: (account) => void accounts.push(account),
    bindings: (tenant, secret) =>
      Object.fromEntries(
        Object.keys(SERVICES).map((action) => {
          const url = `${simulator.url}/${encodeURIComponent(tenant)}/${action}`;
          return [action, { url, ...(secret !== undefined && { secret }) }];
        }),
      ),
  };
}

function served(
  world: ServicesWorld,
  accounts: readonly ServicesAccount[],
  request: SimRequest,
): Reply {
  const call = serviceCallOf(
    request.path,
    asText(request.headers["idempotency-key"]),
    request.body,
  );
  const secret = accounts.findLast(({ tenant }) => tenant === call.tenant)?.secret;
  if (secret !== undefined && !checkSignature(request, secret).verified)
    return json({ error: { code: "refused.bad_signature", retryable: false } }, 401);
  if (request.method !== "POST")
    return json({ error: { code: "refused.method", retryable: false } }, 405);
  return world.answer(call);
}

/** `{action, code, next, tenant, run, step}`: the next calls are refused. */
function refuse(world: ServicesWorld, body: unknown): Reply {
  const { action, code, next, ...places } = asRecord(body);
  const name = asText(action) ?? "";
  if (!Object.hasOwn(SERVICES, name)) return json({ error: "action: expected a known one" }, 400);
  const refusal: Refusal = {
    action: name,
    code: asText(code) ?? "not_possible",
    ...(typeof next === "number" && { next }),
    ...Object.fromEntries(
      (["tenant", "run", "step"] as const).flatMap((name) => {
        const value = asText(places[name]);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
  world.refuse(refusal);
  return json({ ok: true });
}
