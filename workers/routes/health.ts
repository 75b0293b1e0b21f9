/**
 * Is the hub well: every dependency asked at once, each within its own time. Degraded (200) means
 * messages are still taken in; down (503) means they are not.
 */
import * as z from "zod";
import { lastAuditLossMs } from "../../platform/audit-buffer.ts";
import { isAuditLate } from "../../platform/audit-late.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";

const CHECK_TIMEOUT_MS = 2000;
/** A dependency that takes longer is degraded, though it answers. */
const SLOW_MS = 1000;

/** How long a lost audit entry shows, ms. */
const AUDIT_LOSS_SHOWN_MS = 3_600_000;

const Status = z.enum(["healthy", "degraded", "down"]);
type Status = z.infer<typeof Status>;

const Health = z
  .strictObject({
    status: Status,
    checks: z.record(z.string(), z.strictObject({ status: Status, latencyMs: z.int() })),
  })
  .meta({ id: "Health" });

/** Without these no message can be accepted: connections are in D1, the inbox is the conversation's object. */
const VITAL = new Set(["d1", "conversation"]);

export function registerHealth(api: Api, { env, now }: ApiDeps): void {
  api.route({
    id: "getHealth",
    method: "get",
    path: "/health",
    tag: "operations",
    summary: "Health of the hub and of everything it stands on",
    access: "public",
    responses: {
      200: { description: "Healthy or degraded: messages are taken in", schema: Health },
      503: { description: "Down", schema: Health },
    },
    handle: async () => {
      const health = await checkAll(checksOf(env, now()), now);
      return json(health.status === "down" ? 503 : 200, health);
    },
  });
}

type Check = () => Promise<unknown>;

function checksOf(env: Env, nowMs: number): Readonly<Record<string, Check>> {
  return {
    d1: () => env.DB.prepare("SELECT 1").first(),
    r2: () => env.STORE.head("health"),
    conversation: () => ping(env.CONVERSATION),
    downstream: () => ping(env.DOWNSTREAM),
    idempotency: () => ping(env.IDEMPOTENCY),
    discord_gateway: () => ping(env.DISCORD_GATEWAY),
    event_shard: () => ping(env.EVENT_SHARD),
    replay: () => ping(env.REPLAY),
    metrics: () => ping(env.METRICS),
    audit: () => checkAudit(env, nowMs),
    queues: () => checkQueues(env),
  };
}

async function checkAll(
  checks: Readonly<Record<string, Check>>,
  now: () => number,
): Promise<z.infer<typeof Health>> {
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await run(check, now)] as const),
  );
  return { status: overall(entries), checks: Object.fromEntries(entries) };
}

function overall(entries: readonly (readonly [string, { readonly status: Status }])[]): Status {
  if (entries.some(([name, { status }]) => VITAL.has(name) && status === "down")) return "down";
  return entries.every(([, { status }]) => status === "healthy") ? "healthy" : "degraded";
}

async function run(
  check: Check,
  now: () => number,
): Promise<{ status: Status; latencyMs: number }> {
  const startMs = now();
  const answered = await Promise.race([
    check().then(
      () => true,
      () => false,
    ),
    scheduler.wait(CHECK_TIMEOUT_MS).then(() => false),
  ]);
  const latencyMs = Math.max(0, Math.round(now() - startMs));
  if (!answered) return { status: "down", latencyMs };
  return { status: latencyMs > SLOW_MS ? "degraded" : "healthy", latencyMs };
}

/** Calls `ping` on an object that is there for this only. An object without that method has answered too. */
async function ping<T extends Rpc.DurableObjectBranded | undefined>(
  namespace: DurableObjectNamespace<T>,
): Promise<void> {
  const stub = namespace.get(namespace.idFromName("health")) as unknown as {
    ping(): Promise<unknown>;
  };
  try {
    await stub.ping();
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("does not implement"))) throw error;
  }
}

/** The trails can be written, nothing waits beside them, and this isolate has lost nothing of late. */
async function checkAudit(env: Env, nowMs: number): Promise<void> {
  await ping(env.AUDIT);
  if (nowMs - lastAuditLossMs() < AUDIT_LOSS_SHOWN_MS) throw new Error("audit entries were lost");
  if (await isAuditLate(env, nowMs)) throw new Error("audit entries wait");
}

/** A queue cannot be asked without sending to it: only that its binding is there. */
function checkQueues(env: Env): Promise<void> {
  const queues = [
    env.INBOUND_0,
    env.INBOUND_1,
    env.INBOUND_2,
    env.INBOUND_3,
    env.TURNS,
    env.EVENTS,
  ];
  const bound = queues.every((queue) => typeof queue?.send === "function");
  return bound ? Promise.resolve() : Promise.reject(new Error("a queue is not bound"));
}
