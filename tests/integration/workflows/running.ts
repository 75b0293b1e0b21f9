/** Runs of workflows in workerd: definitions are stored, services answer in the test, runs are asked how they are. */
import { env as bindings } from "cloudflare:workers";
import { vi } from "vitest";
import type { RunEvent } from "../../../domain/workflows/run/events.ts";
import { isOver, type Json, type RunState } from "../../../domain/workflows/run/state.ts";
import { writeData } from "../../../platform/repositories/tenant-data.ts";
import { insertVersion, replaceRoute } from "../../../platform/repositories/workflows.ts";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import { WorkflowDefinition } from "../../../schema/workflow.ts";
import { SERVICES_KEY } from "../../../workers/workflows/actions/service.ts";
import { type RunStart, startRun } from "../../../workers/workflows/start.ts";

export const env = bindings as unknown as Env;

/** A run that is left alone comes to where it should within this, ms, on a machine with other work. */
const UNTIL_MS = 25_000;
/** Of a test that waits for a run or two. */
export const RUN_TEST_MS = 60_000;

export interface ServiceCall {
  readonly action: string;
  readonly step: string;
  readonly input: Json;
  readonly key: string;
}

export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly waitMs?: number;
  /** Told when the answer goes out. */
  readonly done?: () => void;
}

/** A step whose action is a service of its own name. */
export const action = (id: string, more: Record<string, unknown> = {}) => ({
  ...{ id, type: "action", action: id },
  ...more,
});

export interface Running {
  readonly tenant: string;
  /** Of its services, and of whatever else is outside. */
  readonly origin: string;
  /** Calls of services, in order. */
  readonly calls: readonly ServiceCall[];
  /** Stores a version and makes it the active one. */
  deploy(definition: Record<string, unknown>): Promise<void>;
  start(workflow: string, more?: Partial<RunStart>): Promise<string>;
  send(run: string, event: RunEvent): ReturnType<ReturnType<typeof workflowRun>["send"]>;
  state(run: string): Promise<RunState>;
  until(run: string, is: (state: RunState) => boolean): Promise<RunState>;
  ended(run: string): Promise<RunState>;
  called(): readonly string[];
}

let tenants = 0;

export interface RunningOptions {
  /** One that is there already; absent: a name of its own. */
  readonly tenant?: string;
  /** Answers whatever else is called below `origin`. */
  readonly outside?: (request: Request) => Response | Promise<Response>;
}

/** A tenant whose services answer what `services` says; call by call where that is a list, the last one for ever. */
export async function running(
  services: Readonly<Record<string, Answer | readonly Answer[] | ((call: ServiceCall) => Answer)>>,
  options: RunningOptions = {},
): Promise<Running> {
  tenants += 1;
  const tenant = options.tenant ?? `runs-${tenants}-${crypto.randomUUID().slice(0, 8)}`;
  const origin = originOf(tenants);
  const calls: ServiceCall[] = [];
  const value = Object.fromEntries(
    Object.keys(services).map((name) => [name, { url: `${origin}/services/${name}` }]),
  );
  await writeData(env.DB, { tenant, key: SERVICES_KEY, value, nowMs: Date.now() });
  answerFor(origin, async (request) => {
    const [, place, action = ""] = new URL(request.url).pathname.split("/");
    if (place !== "services") return options.outside?.(request) ?? nobody();
    const { step, input } = (await request.json()) as { step: string; input: Json };
    const call = { action, step, input, key: request.headers.get("idempotency-key") ?? "" };
    calls.push(call);
    const given = services[action] ?? {};
    const made = calls.filter((one) => one.action === action).length;
    const answer =
      typeof given === "function"
        ? given(call)
        : "at" in given
          ? given[Math.min(made, given.length) - 1]
          : given;
    const { status = 200, body = { done: action }, waitMs = 0, done } = (answer ?? {}) as Answer;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    done?.();
    return Response.json(body, { status });
  });
  const object = (run: string) => workflowRun(env, { tenant, run });
  const state = async (run: string) => {
    const found = await object(run).state();
    if (!found) throw new Error(`no run ${run}`);
    return found;
  };
  const until = (run: string, is: (one: RunState) => boolean) =>
    vi.waitFor(
      async () => {
        const now = await state(run);
        if (!is(now)) throw new Error(`still ${JSON.stringify(stepsOf(now))}`);
        return now;
      },
      { timeout: UNTIL_MS, interval: 15 },
    );
  return {
    ...{ tenant, origin, calls, state, until },
    deploy: (definition) => deploy(tenant, definition),
    start: async (workflow, more = {}) => {
      const key = crypto.randomUUID();
      const base = { tenant, workflow, input: {}, key, trigger: "api", nowMs: Date.now() };
      const started = await startRun(env, { ...base, ...more });
      if (!started.ok) throw new Error(JSON.stringify(started.failure));
      return started.value.run;
    },
    send: (run, event) => object(run).send(event),
    ended: (run) => until(run, isOver),
    called: () => calls.map(({ action }) => action),
  };
}

async function deploy(tenant: string, given: Record<string, unknown>): Promise<void> {
  const definition = WorkflowDefinition.parse({ name: "A workflow", version: "1.0.0", ...given });
  const { id, name, version } = definition;
  const digest = crypto.randomUUID();
  const texts = { source: "", definition, digest, createdAtMs: Date.now() };
  await insertVersion(env.DB, { tenant, id, version, name, ...texts });
  const route = { active: version, paused: false, updatedAtMs: Date.now() };
  await replaceRoute(env.DB, { tenant, id }, route, 0);
}

export function stepsOf(state: RunState): Record<string, string> {
  return Object.fromEntries(Object.values(state.steps).map(({ key, status }) => [key, status]));
}

type Service = (request: Request) => Response | Promise<Response>;
const outside = new Map<string, Service>();

/** The origin that the next call of `running` answers for. */
export function nextOrigin(): string {
  return originOf(tenants + 1);
}

function originOf(n: number): string {
  return `http://127.0.0.1:${20_000 + n}`;
}

function answerFor(origin: string, service: Service): void {
  if (outside.size === 0)
    vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
      const request = new Request(input, init);
      return outside.get(new URL(request.url).origin)?.(request) ?? nobody();
    });
  outside.set(origin, service);
}

function nobody(): Response {
  return new Response("nobody", { status: 404 });
}
