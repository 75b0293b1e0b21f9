/** Dead letters and replays over the API on the test bindings, with a tenant of their own and a subscription to pull from. */
import {
  createExecutionContext,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { vi } from "vitest";
import type { Job } from "../../../domain/events/replay/job.ts";
import type { Settlement } from "../../../domain/events/shard/settle.ts";
import { eventShard, type ShardEvent } from "../../../platform/event-shards.ts";
import { replayOf } from "../../../platform/replays.ts";
import { insertEvents } from "../../../platform/repositories/events.ts";
import type { ReplayView } from "../../../schema/api/replays.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import { createApi } from "../../../workers/api.ts";
import { buryDeads } from "../../../workers/consumers/events/dead.ts";
import { registerDeadLetters } from "../../../workers/routes/dead-letters.ts";
import { registerReplays } from "../../../workers/routes/replays.ts";
import { ADMIN_KEY, type Answer, env } from "../api/hub-api.ts";
import { eventsApi } from "./events-api.ts";

const SHARD = "1.0";
/** Not what the hub itself publishes, of dead letters above all. */
const ORDERS = [
  { kind: "topic", key: "order.#" },
  { kind: "direct", key: "order-x" },
];

export type ReplayHub = Awaited<ReturnType<typeof replayHub>>;

export async function replayHub() {
  const base = await eventsApi();
  const { tenant } = base;
  const api = createApi(base.deps, [registerDeadLetters, registerReplays]);
  const of = { tenant, shard: SHARD };
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const headers = new Headers({ authorization: `Bearer ${ADMIN_KEY}`, "x-tenant": tenant });
    if (body !== undefined) headers.set("content-type", "application/json");
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const request = new Request(`https://hub.test${path}`, {
      method,
      headers,
      ...sent,
    });
    const context = createExecutionContext();
    const response = await api.fetch(request, env, context);
    const text = await response.text();
    await waitOnExecutionContext(context);
    const parsed = text.startsWith("{") ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body: parsed };
  };
  const shard = () => eventShard(env, of);
  return {
    tenant,
    ask,
    shard,
    db: env.DB,
    /** One to pull from; one attempt unless told otherwise. */
    subscribe: async (id: string, over: Record<string, unknown> = {}): Promise<string> => {
      const body = {
        ...{ id, name: id, bindings: ORDERS, target: { kind: "pull" } },
        ...{ retry: { kind: "listed", waits_s: [] }, prefetch: 1000, in_flight_max: 1000 },
        ...over,
      };
      const made = await base.subscribe(body);
      return made.body.id as string;
    },
    unsubscribe: (id: string) => base.ask("DELETE", `/subscriptions/${id}`),
    publish: async (...events: readonly ShardEvent[]) => {
      const done = await base.publish(...events);
      if (done.some(({ is }) => is !== "accepted")) throw new Error(JSON.stringify(done));
    },
    /** Leases everything and settles it; answers the events. */
    take: async (subscription: string, is: "ack" | "dead" = "ack", reason = "http_500") => {
      const taken: EventEnvelope[] = [];
      for (;;) {
        const reply = await shard().lease({ subscription, consumer: "one", max: 1000 });
        if (reply.is === "idle") return taken;
        taken.push(...reply.deliveries.map(({ event }) => event));
        const results = reply.deliveries.map(({ seq }): Settlement => {
          return is === "ack" ? { seq, is } : { seq, is, reason };
        });
        await shard().settle(reply.token, results);
      }
    },
    /** What is dead in the shard is written down. */
    bury: () => buryDeads(env, { v: 1, ...of, subscription: "$dead" }),
    letters: async (query = "") => {
      const { status, body, text } = await ask("GET", `/dead-letters?limit=200${query}`);
      if (status !== 200) throw new Error(text);
      return body.items as readonly Record<string, unknown>[];
    },
    /** Rows of the log, as if they had been published then. */
    log: (rows: readonly { readonly seq: number; readonly event: EventEnvelope }[], in_ = SHARD) =>
      env.DB.batch([
        ...insertEvents(
          env.DB,
          rows.map((row) => ({ tenant, shard: in_, ...row })),
        ),
      ]),
    /** Begins a replay; throws unless it does. */
    replay: async (body: Record<string, unknown>, path = "/replays"): Promise<ReplayView> => {
      const begun = await ask("POST", path, body);
      if (begun.status !== 202) throw new Error(`${begun.status} ${begun.text}`);
      return begun.body as ReplayView;
    },
    ended: (id: string) =>
      vi.waitFor(
        async () => {
          const { body } = await ask("GET", `/replays/${id}`);
          if (body.state === "running") throw new Error(`still running: ${JSON.stringify(body)}`);
          return body as ReplayView;
        },
        { timeout: 20_000, interval: 50 },
      ),
    job: (id: string): Promise<Job | undefined> => replayOf(env, tenant, id).status(),
    object: (id: string) => env.REPLAY.getByName(`${tenant}:${id}`),
    /** Spies on what lives in the job's own isolate. */
    inside: (id: string, look: (inner: { readonly env: Env }) => void) =>
      runInDurableObject(env.REPLAY.getByName(`${tenant}:${id}`) as never, (object: unknown) =>
        look(object as { readonly env: Env }),
      ),
  };
}

let made = 0;

export function envelope(over: Partial<EventEnvelope> = {}): EventEnvelope {
  made += 1;
  return {
    event_id: `evt_replay_${made}`,
    event_type: "order.created",
    event_version: "1.0",
    timestamp: new Date().toISOString(),
    source: "/shop",
    data: { n: made },
    metadata: {},
    ...over,
  };
}

export function shardEvent(event: EventEnvelope, over: Partial<ShardEvent> = {}): ShardEvent {
  return { key: `e:${event.event_id}`, event, bytes: 200, logged: true, ...over };
}

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const iso = (ms: number) => new Date(ms).toISOString();
export const idsOf = (events: readonly EventEnvelope[]) => events.map(({ event_id }) => event_id);

/** Ids in the order in which they came, per partition. */
export function byPartition(events: readonly EventEnvelope[]): Record<string, readonly string[]> {
  const groups = Map.groupBy(events, ({ metadata }) => metadata.partition_key ?? "");
  return Object.fromEntries([...groups].map(([key, group]) => [key, idsOf(group)]));
}

/** `count` events over some partitions, one every `everyMs`. */
export function rows(count: number, fromMs: number, everyMs = 10) {
  return Array.from({ length: count }, (_, n) => ({
    seq: fromMs + n * everyMs,
    event: envelope({ metadata: { partition_key: `p${n % 3}` } }),
  }));
}

const span = (fromMs: number, toMs: number) => ({ since: iso(fromMs), until: iso(toMs) });
export const over = (fromMs: number, toMs: number, more: object = {}) => ({
  ...{ subscription: "sub", rate: 5000 },
  ...span(fromMs, toMs),
  ...more,
});
