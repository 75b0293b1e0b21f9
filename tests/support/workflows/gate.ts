/**
 * What stands between a hub and the services of its workflows in tests: every call is written down, and can be made to
 * hang, to fail, or to bring the runtime down at a moment of choice. Behind it are services of the test's own, which do
 * a thing once per idempotency key, or those of `upstream`.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A call of an action, as it reached the services. */
export interface GateCall {
  /** From 1, of all calls. */
  readonly n: number;
  readonly tenant: string;
  readonly action: string;
  readonly run: string;
  /** Key of the step's execution. */
  readonly step: string;
  readonly key: string;
  readonly input: unknown;
  readonly atMs: number;
}

/** Something that was really done. */
export type GateEffect = Pick<GateCall, "tenant" | "action" | "run" | "step" | "key" | "input">;

export interface GateAnswer {
  readonly status?: number;
  readonly body?: unknown;
  /** Answered after this, ms. */
  readonly waitMs?: number;
}

/** `received`: before anything was done. `effect`: done, not answered. `answered`: right after the answer. */
export type Moment = "received" | "effect" | "answered";

export interface Gate {
  readonly url: string;
  calls(run?: string): readonly GateCall[];
  /** What was answered, in order. */
  said(run?: string): readonly { readonly run: string; readonly body: unknown }[];
  /** Of the own services: one per idempotency key that was answered with success. */
  effects(run?: string): readonly GateEffect[];
  /** From now on; by action. A list is used up call by call, its last one stays. Unknown actions answer `{done: action}`. */
  answer(
    action: string,
    answers: GateAnswer | readonly GateAnswer[] | ((call: GateCall) => GateAnswer),
  ): void;
  /** The next call that fits, once: `work` is awaited at the moment; what it returns false for is never answered. */
  at(fits: (call: GateCall) => boolean, moment: Moment, work: () => Promise<boolean>): void;
  stop(): Promise<void>;
}

interface Trap {
  readonly fits: (call: GateCall) => boolean;
  readonly moment: Moment;
  readonly work: () => Promise<boolean>;
}

type Answers = Parameters<Gate["answer"]>[1];

/** `upstream`: base URL of services that take `POST {upstream}/<tenant>/<action>`. */
export async function startGate(upstream?: string): Promise<Gate> {
  const calls: GateCall[] = [];
  const said: { readonly run: string; readonly body: unknown }[] = [];
  const done = new Map<string, { readonly effect: GateEffect; readonly body: unknown }>();
  const answers = new Map<string, Answers>();
  const traps: Trap[] = [];

  const sprung = async (call: GateCall, moment: Moment): Promise<boolean> => {
    const at = traps.findIndex((trap) => trap.moment === moment && trap.fits(call));
    const [trap] = at < 0 ? [] : traps.splice(at, 1);
    return trap ? trap.work() : true;
  };
  const own = async (call: GateCall): Promise<{ status: number; body: unknown }> => {
    const before = done.get(call.key);
    if (before) return { status: 200, body: before.body };
    const {
      status = 200,
      body = { done: call.action },
      waitMs = 0,
    } = answerFor(answers, calls, call);
    await sleep(waitMs);
    if (status >= 200 && status <= 299) done.set(call.key, { effect: effectOf(call), body });
    return { status, body };
  };
  const server = createServer(async (request, response) => {
    const text = await textOf(request);
    const call = callOf(request, text, calls.length + 1);
    calls.push(call);
    if (!(await sprung(call, "received"))) return;
    const reply = upstream === undefined ? await own(call) : await passOn(upstream, request, text);
    if (!(await sprung(call, "effect"))) return;
    said.push({ run: call.run, body: reply.body });
    response.writeHead(reply.status, { "content-type": "application/json" });
    response.end(JSON.stringify(reply.body), () => void sprung(call, "answered"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ofRun = <T extends { readonly run: string }>(all: readonly T[], run?: string) =>
    run === undefined ? all : all.filter((one) => one.run === run);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: (run) => ofRun(calls, run),
    said: (run) => ofRun(said, run),
    effects: (run) =>
      ofRun(
        [...done.values()].map(({ effect }) => effect),
        run,
      ),
    answer: (action, given) => void answers.set(action, given),
    at: (fits, moment, work) => void traps.push({ fits, moment, work }),
    stop: () => stopped(server),
  };
}

function answerFor(
  answers: ReadonlyMap<string, Answers>,
  calls: readonly GateCall[],
  call: GateCall,
): GateAnswer {
  const given = answers.get(call.action) ?? {};
  if (typeof given === "function") return given(call);
  if (!("at" in given)) return given;
  const made = calls.filter(({ action }) => action === call.action).length;
  return given[Math.min(made, given.length) - 1] ?? {};
}

function callOf({ url = "/", headers }: IncomingMessage, text: string, n: number): GateCall {
  const [, tenant = "", action = ""] = url.split("/").map(decodeURIComponent);
  const { run = "", step = "", input } = (text === "" ? {} : JSON.parse(text)) as Partial<GateCall>;
  const key = String(headers["idempotency-key"] ?? "");
  return { n, tenant, action, run, step, key, input, atMs: Date.now() };
}

function effectOf({ tenant, action, run, step, key, input }: GateCall): GateEffect {
  return { tenant, action, run, step, key, input };
}

async function passOn(
  upstream: string,
  { url = "/", headers }: IncomingMessage,
  text: string,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const kept = Object.entries(headers).filter(([name]) => !HOP.has(name));
  const reply = await fetch(upstream + url, {
    method: "POST",
    headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    body: text,
  });
  const body = await reply.text();
  return { status: reply.status, body: body === "" ? null : JSON.parse(body) };
}

const HOP = new Set(["host", "connection", "content-length", "transfer-encoding"]);

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function stopped(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function sleep(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
