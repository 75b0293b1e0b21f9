/**
 * A hub with the ready sagas, whose services are the simulated ones behind a gate: calls can be held there, and the
 * runtime killed while they are. Calls are signed, and the channel's token is a secret of the tenant.
 */
import { READY_WORKFLOWS } from "../../../domain/workflows/ready/list.ts";
import type { RunState } from "../../../domain/workflows/run/state.ts";
import { runIdOf } from "../../../platform/workflow-ids.ts";
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import { SERVICES } from "../../../simulators/services/catalogue.ts";
import { type ServicesSimulator, startServices } from "../../../simulators/services/simulator.ts";
import { type CrashWorld, type CrashWorldOptions, startCrashWorld } from "./crash.ts";
import type { Moment } from "./gate.ts";
import { MARKED } from "./person.ts";

/** Signs calls of services; `whsec_` and base64. */
export const SIGNING_SECRET = `whsec_${Buffer.from("the services' own signing key 01").toString("base64")}`;
/** The channel's token, as only the service that connects it may see it. */
export const CHANNEL_TOKEN = "zqtoken-5f1e";
/** All runs stand at their calls within this, ms. */
const HELD_WITHIN_MS = 120_000;

/** One run of a saga, known before it begins. */
export interface PlannedRun {
  readonly run: string;
  begin(): Promise<void>;
}

/** A call at which a run is held. */
export interface Hold {
  readonly run: string;
  readonly action: string;
  /** Of the action's calls in this run, from 1. */
  readonly nth?: number;
  readonly when: Moment;
}

export interface SagaWorld extends CrashWorld {
  readonly simulator: ServicesSimulator;
  planned(workflow: string, input: unknown): Promise<PlannedRun>;
  /** The next calls that fit stay where they are; when all do, the runtime is killed and started again. */
  killAtAll(holds: readonly Hold[], begin: () => Promise<void>): Promise<void>;
  /** `made reservation`, `taken reservation`, `sent booking.confirmed`, in order. */
  effectsOf(run: string): readonly string[];
  standingOf(run: string): readonly string[];
  api(path: string, init?: RequestInit): Promise<Response>;
}

export async function startSagaWorld(options: CrashWorldOptions = {}): Promise<SagaWorld> {
  const simulator = await startServices({ people: [MARKED] });
  const world = await startCrashWorld({ ...options, upstream: simulator.url });
  const { tenant, gate, hub } = world;
  simulator.register({ tenant, secret: SIGNING_SECRET });
  const api: SagaWorld["api"] = (path, init = {}) => fetch(hub.url + path, withKey(hub, init));
  await must(api, "POST", "/tenants", { id: tenant });
  for (const [name, value] of [
    ["services-signing", SIGNING_SECRET],
    ["channel-token", CHANNEL_TOKEN],
  ])
    await must(api, "PUT", `/secrets/${name}`, { tenant, value });
  const services = Object.keys(SERVICES).map((action) => {
    const url = `${gate.url}/${tenant}/${action}`;
    return [action, { url, secret: "services-signing" }] as const;
  });
  await world.ask("services", { services: Object.fromEntries(services) });
  for (const definition of READY_WORKFLOWS) await world.deploy(definition);
  return {
    ...world,
    ...{ simulator, api },
    planned: async (workflow, input) => {
      const key = crypto.randomUUID();
      const run = await runIdOf(tenant, workflow, key);
      return { run, begin: async () => void (await world.start(workflow, input, key)) };
    },
    killAtAll: (holds, begin) => killAtAll(world, holds, begin),
    effectsOf: (run) =>
      simulator
        .effects()
        .filter(({ reference }) => reference === run)
        .map(({ is, id, template }) => `${is} ${template ?? id.split("_", 1)[0]}`),
    standingOf: (run) => Object.keys(simulator.standing(tenant, run)),
    stop: async () => {
      await world.stop();
      await simulator.stop();
    },
  };
}

/** Shorter waits: for failures that take several attempts. */
export function quickened(definition: WorkflowDefinition, timeout: string): WorkflowDefinition {
  const steps = definition.steps.map((step) =>
    step.type === "action"
      ? { ...step, timeout, retry: { attempts: 3, backoff: "50ms", jitter: "none" as const } }
      : step,
  );
  return { ...definition, id: `${definition.id}-quick`, steps };
}

/** Keys that calls of one step were made under, by action and step. */
export function keysOf(world: CrashWorld, run: string): readonly string[] {
  const keys = world.gate.calls(run).map(({ action, step, key }) => `${action} ${step} ${key}`);
  return [...new Set(keys)];
}

export function undosOf({ undos }: RunState): readonly string[] {
  return undos.filter(({ status }) => status === "succeeded").map(({ key }) => key);
}

async function killAtAll(
  world: CrashWorld,
  holds: readonly Hold[],
  begin: () => Promise<void>,
): Promise<void> {
  const standing = new Set<Hold>();
  const killed = Promise.withResolvers<void>();
  const all = Promise.withResolvers<void>();
  for (const hold of holds) {
    let nth = 0;
    world.gate.at(
      ({ run, action }) => {
        if (run !== hold.run || action !== hold.action) return false;
        nth += 1;
        return nth === (hold.nth ?? 1);
      },
      hold.when,
      async () => {
        standing.add(hold);
        if (standing.size === holds.length) all.resolve();
        await killed.promise;
        return false;
      },
    );
  }
  await begin();
  const late = setTimeout(() => {
    const missing = holds.filter((hold) => !standing.has(hold));
    all.reject(new Error(`not held: ${JSON.stringify(missing)}`));
  }, HELD_WITHIN_MS);
  await all.promise.finally(() => clearTimeout(late));
  await world.kill();
  killed.resolve();
}

function withKey({ adminKey }: CrashWorld["hub"], init: RequestInit): RequestInit {
  const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
  return { ...init, headers: { ...headers, ...init.headers } };
}

async function must(
  api: SagaWorld["api"],
  method: string,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const answer = await api(path, { method, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}
