/**
 * A hub whose runtime is killed while workflows run, and what can be seen of it from outside. Use: `deploy` a
 * definition, `killAt` a moment of one of its calls, `start` a run, wait until it has `ended`; then look at `gate.calls`
 * (every attempt) and at the effects.
 */
import { rmSync } from "node:fs";
import { type Hub, type HubOptions, ROOT, startHub } from "../../../dev/runtime.ts";
import { temporaryState } from "../../../dev/state.ts";
import type { RunEvent } from "../../../domain/workflows/run/events.ts";
import { isOver, type RunState } from "../../../domain/workflows/run/state.ts";
import { type Gate, type GateCall, type Moment, startGate } from "./gate.ts";

/** What a step's call must be for the runtime to die with it. */
export interface KillPoint {
  readonly action?: string;
  /** Key of the step's execution. */
  readonly step?: string;
  readonly run?: string;
  readonly when: Moment;
}

export interface CrashWorld {
  readonly hub: Hub;
  readonly gate: Gate;
  readonly tenant: string;
  /** Lines the hub has logged. */
  readonly logs: readonly string[];
  /** Stores a definition (JSON as it stands, with `version`) and makes it the active one. */
  deploy(definition: unknown): Promise<void>;
  /** Actions that are the tenant's services: each is called at the gate. */
  services(actions: readonly string[]): Promise<void>;
  /** The run's id. Asks again while the hub is down. */
  start(workflow: string, input?: unknown, key?: string): Promise<string>;
  send(run: string, event: RunEvent): Promise<{ readonly ok: boolean }>;
  state(run: string): Promise<RunState | undefined>;
  until(run: string, is: (state: RunState) => boolean, timeoutMs?: number): Promise<RunState>;
  ended(run: string, timeoutMs?: number): Promise<RunState>;
  /** The next call that fits kills the runtime at its moment, and starts it again. Resolves when it is up. */
  killAt(point: KillPoint): Promise<void>;
  kill(): Promise<void>;
  /** One of the doors of `tests/support/workers/workflows.ts`. */
  ask<T>(door: string, body: Readonly<Record<string, unknown>>): Promise<T>;
  stop(): Promise<void>;
}

export interface CrashWorldOptions {
  /** Base URL of services behind the gate; absent: the gate's own. */
  readonly upstream?: string;
  readonly bindings?: HubOptions["bindings"];
}

/** A run that is left alone ends within this, ms, on a machine with other work. */
const ENDED_WITHIN_MS = 60_000;
const UP_WITHIN_MS = 60_000;

export async function startCrashWorld(options: CrashWorldOptions = {}): Promise<CrashWorld> {
  const stateDir = temporaryState();
  const gate = await startGate(options.upstream);
  const logs: string[] = [];
  const hub = await startHub({
    stateDir,
    entry: `${ROOT}/tests/support/workers/workflows.ts`,
    ...(options.bindings === undefined ? {} : { bindings: options.bindings }),
    onLog: ({ message }) => void logs.push(message),
  });
  const tenant = `crash-${crypto.randomUUID().slice(0, 4)}`;
  const ask = <T>(door: string, body: Readonly<Record<string, unknown>>) =>
    asked<T>(hub, door, { tenant, ...body });
  const kill = async () => {
    await hub.kill();
    await hub.restart();
  };
  const state = async (run: string) => (await ask<RunState | null>("state", { run })) ?? undefined;
  const until = async (
    run: string,
    is: (one: RunState) => boolean,
    timeoutMs = ENDED_WITHIN_MS,
  ) => {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const now = await state(run);
      if (now && is(now)) return now;
      if (Date.now() > deadlineMs) throw new Error(`${run} after ${timeoutMs} ms: ${shown(now)}`);
      await sleep(40);
    }
  };
  return {
    ...{ hub, gate, tenant, logs, ask, kill, state, until },
    deploy: async (definition) => void (await ask("deploy", { definition })),
    services: async (actions) => {
      const entries = actions.map((name) => [name, { url: `${gate.url}/${tenant}/${name}` }]);
      await ask("services", { services: Object.fromEntries(entries) });
    },
    start: async (workflow, input = {}, key = crypto.randomUUID()) => {
      type Started = { readonly ok: boolean; readonly value?: { readonly run: string } };
      const started = await ask<Started>("start", { workflow, input, key });
      if (!started.value) throw new Error(`not started: ${JSON.stringify(started)}`);
      return started.value.run;
    },
    send: (run, event) => ask("send", { run, event }),
    ended: (run, timeoutMs) => until(run, isOver, timeoutMs),
    killAt: (point) =>
      new Promise((resolve, reject) => {
        gate.at(
          (call) => fits(point, call),
          point.when,
          async () => {
            await kill().then(resolve, reject);
            return false;
          },
        );
      }),
    stop: async () => {
      await hub.stop();
      await gate.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

function fits({ action, step, run }: KillPoint, call: GateCall): boolean {
  return (
    (action === undefined || call.action === action) &&
    (step === undefined || call.step === step) &&
    (run === undefined || call.run === run)
  );
}

/** Asks until the hub answers: it may be down just now. */
async function asked<T>(hub: Hub, door: string, body: unknown): Promise<T> {
  const deadlineMs = Date.now() + UP_WITHIN_MS;
  for (;;) {
    try {
      const init = { method: "POST", body: JSON.stringify(body) };
      const response = await fetch(`${hub.url}/_workflows/${door}`, init);
      if (response.ok) return (await response.json()) as T;
      throw new Error(`${door}: ${response.status} ${await response.text()}`);
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await sleep(50);
    }
  }
}

function shown(state: RunState | undefined): string {
  if (!state) return "unknown";
  const steps = Object.values(state.steps).map(({ key, status }) => `${key} ${status}`);
  return `${state.status} ${steps.join(", ")}`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
