/**
 * The fault seam: bindings that fail as planned (`FAULT_PLAN`) or break a guarantee on purpose (`BREAK`).
 * Only loaded where one of the two is set, which production refuses. "Between any two steps" of a worker
 * is before or after one of these calls, so no product code knows of faults.
 */
import { type Defect, type Planted, plantDefect } from "../domain/faults/defects.ts";
import {
  createDealer,
  type Fault,
  type FaultDealer,
  type FaultSite,
  type FaultTarget,
  parseFaultPlan,
  seededRandom,
} from "../domain/faults/plan.ts";
import { logLine } from "./log.ts";

/** `plan`: JSON, or `store:<key>` for JSON in the store that may change while the hub runs. */
export interface SeamOptions {
  readonly plan?: string;
  readonly defect?: Defect;
}

/** How long a plan from the store is trusted, in ms. */
const PLAN_TTL_MS = 25;
const STORED = "store:";

/** The environment with its bindings behind the seam. The caller keeps it: one per isolate and environment. */
export function wrapEnv(env: Env, options: SeamOptions): Env {
  const seam = seamOf(env, options);
  const members = Object.entries(env).map(([name, binding]) => [
    name,
    wrapBinding(seam, name, binding),
  ]);
  return Object.fromEntries(members) as Env;
}

interface Seam {
  readonly env: Env;
  readonly dealer: () => Promise<FaultDealer>;
  readonly planted: Planted | undefined;
}

/** Shared by every environment of this isolate: `times` counts all of its calls. */
const dealers = new Map<string, FaultDealer>();
const defects = new Map<Defect, Planted>();

function seamOf(env: Env, { plan, defect }: SeamOptions): Seam {
  if (defect && !defects.has(defect)) defects.set(defect, plantDefect(defect, seededRandom(1)));
  return {
    env,
    dealer: planReader(env, plan ?? "[]"),
    planted: defect && defects.get(defect),
  };
}

function planReader(env: Env, plan: string): () => Promise<FaultDealer> {
  if (!plan.startsWith(STORED)) return () => Promise.resolve(dealerOf(plan));
  // Only values are shared: a promise of one request may never settle for another (Workers' I/O rule).
  let readAtMs = 0;
  let text = "[]";
  return async () => {
    const askedAtMs = Date.now();
    if (askedAtMs - readAtMs >= PLAN_TTL_MS) {
      const found = await env.STORE.get(plan.slice(STORED.length));
      const answer = (await found?.text()) ?? "[]";
      // As old as its question: a slow answer may tell of the plan before this one, and come behind a newer one.
      if (askedAtMs >= readAtMs) [text, readAtMs] = [answer, askedAtMs];
    }
    return dealerOf(text);
  };
}

function dealerOf(text: string): FaultDealer {
  const known = dealers.get(text);
  if (known) return known;
  const made = createDealer(parseFaultPlan(text));
  dealers.set(text, made);
  return made;
}

function wrapBinding(seam: Seam, name: string, binding: unknown): unknown {
  if (typeof binding !== "object" || binding === null) return binding;
  if (name === "DB" || name.startsWith("DB_")) return wrapDatabase(seam, binding as D1Database);
  if (name === "STORE") return wrapCalls(seam, "STORE", "", binding);
  if (name.startsWith("INBOUND_")) return wrapQueue(seam, "INBOUND", binding as Queue);
  if (name === "TURNS") return wrapQueue(seam, "TURNS", binding as Queue);
  if (name === "EVENTS") return wrapQueue(seam, "EVENTS", binding as Queue);
  if (name === "RUN_WORKFLOW") return wrapCalls(seam, "RUN_WORKFLOW", "", binding);
  if (OBJECTS.has(name))
    return wrapNamespace(seam, name as FaultTarget, binding as DurableObjectNamespace);
  return binding;
}

/** Namespaces whose objects' calls can fail. */
const OBJECTS: ReadonlySet<string> = new Set<FaultTarget>([
  "CONVERSATION",
  "DOWNSTREAM",
  "IDEMPOTENCY",
  "EVENT_SHARD",
  "WORKFLOW_RUN",
  "WORKFLOW_SCHEDULER",
  "AUDIT",
]);

/** Statements are only marked; what fails is their execution. */
function wrapDatabase(seam: Seam, db: D1Database): D1Database {
  return new Proxy(db, {
    get(target, name) {
      if (name === "prepare") return (sql: string) => wrapStatement(seam, db.prepare(sql), sql);
      if (name !== "batch") return boundMember(target, name);
      return (statements: readonly D1PreparedStatement[]) => {
        const inner = statements.map((one) => originals.get(one) ?? { statement: one, text: "" });
        const text = inner.map((one) => one.text).join("\n");
        return attempt(seam, { target: "DB", op: "batch", text }, () =>
          db.batch(inner.map((one) => one.statement)),
        );
      };
    },
  });
}

const originals = new WeakMap<
  object,
  { readonly statement: D1PreparedStatement; readonly text: string }
>();

function wrapStatement(
  seam: Seam,
  statement: D1PreparedStatement,
  text: string,
): D1PreparedStatement {
  const wrapped = new Proxy(statement, {
    get(target, name) {
      if (name === "bind") {
        return (...values: unknown[]) =>
          wrapStatement(seam, statement.bind(...values), `${text} ${JSON.stringify(values)}`);
      }
      const member = boundMember(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) =>
        attempt(seam, { target: "DB", op: String(name), text }, () => member(...args));
    },
  });
  originals.set(wrapped, { statement, text });
  return wrapped;
}

type QueueTarget = "INBOUND" | "TURNS" | "EVENTS";

function wrapQueue(seam: Seam, target: QueueTarget, queue: Queue): Queue {
  return new Proxy(queue, {
    get(inner, name) {
      if (name === "sendBatch") return sendBatchOf(seam, target, queue);
      if (name !== "send") return boundMember(inner, name);
      return async (body: unknown) => {
        const site = { target, op: "send", text: JSON.stringify(body) } as const;
        const fault = await dealt(seam, site);
        if (fault?.error === "drop") return;
        if (fault?.error === "duplicate") return ringEverywhere(seam, queue, target, body);
        await carryOut(fault, () => queue.send(body));
      };
    },
  });
}

/** All of a batch is dropped, or sent twice, or fails. */
function sendBatchOf(seam: Seam, target: QueueTarget, queue: Queue) {
  return async (batch: Iterable<MessageSendRequest>) => {
    const messages = [...batch];
    const text = JSON.stringify(messages.map(({ body }) => body));
    const fault = await dealt(seam, { target, op: "sendBatch", text });
    if (fault?.error === "drop") return;
    if (fault?.error === "duplicate") await queue.sendBatch(messages);
    await carryOut(fault?.error === "duplicate" ? undefined : fault, () =>
      queue.sendBatch(messages),
    );
  };
}

/** Queues that consume at the same time all get the token: as concurrent as duplicates can be. */
async function ringEverywhere(
  { env }: Seam,
  queue: Queue,
  target: QueueTarget,
  body: unknown,
): Promise<void> {
  const inbound = [env.INBOUND_0, env.INBOUND_1, env.INBOUND_2, env.INBOUND_3];
  const all = target === "INBOUND" ? inbound : [queue, queue];
  await Promise.all(all.map((one) => one.send(body)));
}

function wrapNamespace(
  seam: Seam,
  target: FaultTarget,
  namespace: DurableObjectNamespace,
): DurableObjectNamespace {
  return new Proxy(namespace, {
    get(inner, name) {
      if (name !== "getByName") return boundMember(inner, name);
      return (object: string) => wrapCalls(seam, target, object, namespace.getByName(object));
    },
  });
}

/** Every method called on it is one place to fail. */
function wrapCalls<T extends object>(seam: Seam, target: FaultTarget, name: string, on: T): T {
  return new Proxy(on, {
    get(inner, method) {
      if (method === "then" || typeof method === "symbol") return Reflect.get(inner, method);
      const call = (...args: readonly unknown[]) =>
        (inner as Record<string, (...args: readonly unknown[]) => Promise<unknown>>)[method]?.(
          ...args,
        ) ?? Promise.resolve();
      const planted =
        target === "CONVERSATION" ? (seam.planted?.(name, method, call) ?? call) : call;
      return (...args: readonly unknown[]) => {
        const text = `${name} ${target === "STORE" ? String(args[0]) : JSON.stringify(args)}`;
        return attempt(seam, { target, op: method, text }, () => planted(...args));
      };
    },
  });
}

async function attempt<T>(seam: Seam, site: FaultSite, work: () => Promise<T>): Promise<T> {
  return carryOut(await dealt(seam, site), work);
}

async function dealt(seam: Seam, site: FaultSite): Promise<Fault | undefined> {
  const fault = (await seam.dealer()).deal(site);
  if (fault) logLine("fault.injected", { stage: site.target, code: `${site.op}_${fault.when}` });
  return fault;
}

async function carryOut<T>(fault: Fault | undefined, work: () => Promise<T>): Promise<T> {
  if (fault?.when === "before") throw errorOf(fault);
  const done = await work();
  if (fault) throw errorOf(fault);
  return done;
}

/** As workerd marks them (Cloudflare docs: Durable Objects, error handling). */
function errorOf({ error }: Fault): Error {
  switch (error) {
    case "throw":
      return new Error("planned fault");
    case "overloaded":
      return Object.assign(new Error("Durable Object is overloaded."), { overloaded: true });
    case "reset":
      return Object.assign(new Error("Network connection lost."), { retryable: true });
    default:
      return new Error(error);
  }
}

function boundMember(target: object, name: PropertyKey): unknown {
  const member: unknown = Reflect.get(target, name);
  return typeof member === "function" ? member.bind(target) : member;
}
