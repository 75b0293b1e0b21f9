/** A tenant whose workflows are uploaded by the API, whose events are published, and whose deliveries are worked on at once. */
import { env as bindings } from "cloudflare:workers";
import { vi } from "vitest";
import { isOver, type RunState } from "../../../domain/workflows/run/state.ts";
import { publishEvents } from "../../../platform/event-bus.ts";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import { handlerOf } from "../../../workers/consumers/events/targets.ts";
import { consumeEvents } from "../../../workers/consumers/events.ts";
import "./loaded.ts";
import { type ApiTenant, apiTenant } from "./api-hub.ts";

export const env = bindings as unknown as Env;

interface RunRow {
  readonly id: string;
  readonly version: string;
  readonly trigger: string;
  readonly correlation_id: string | null;
}

export interface Triggering extends ApiTenant {
  /** Uploads a version; expects that it is stored. */
  upload(definition: Record<string, unknown>): Promise<void>;
  publish(event: EventEnvelope): Promise<void>;
  /** Everything that waits for a subscription is handed over, here and now. */
  work(subscription: string): Promise<void>;
  /** Hands one event over by hand, as often as it is called. */
  handed(subscription: string, event: EventEnvelope): Promise<readonly unknown[]>;
  /** Runs of a workflow, in the order of their starts, once there are so many. */
  runs(workflow: string, many: number): Promise<readonly RunRow[]>;
  until(run: string, is: (state: RunState) => boolean): Promise<RunState>;
  ended(run: string): Promise<RunState>;
}

let events = 0;

export function anEvent(type: string, over: Partial<EventEnvelope> = {}): EventEnvelope {
  events += 1;
  return {
    event_id: `evt_${events}`,
    event_type: type,
    event_version: "1.0",
    timestamp: new Date().toISOString(),
    source: "/shop",
    metadata: {},
    data: { number: events },
    ...over,
  };
}

export async function triggering(): Promise<Triggering> {
  const { tenant, ask } = await apiTenant();
  const tokenOf = (subscription: string) => ({ v: 1, tenant, shard: "1.0", subscription }) as const;
  const until = (run: string, is: (state: RunState) => boolean) =>
    vi.waitFor(
      async () => {
        const state = await workflowRun(env, { tenant, run }).state();
        if (!(state && is(state))) throw new Error(`not yet: ${JSON.stringify(state?.steps)}`);
        return state;
      },
      { timeout: 25_000, interval: 20 },
    );
  return {
    ...{ tenant, ask, until },
    ended: (run) => until(run, isOver),
    upload: async (definition) => {
      const { status, text } = await ask("POST", "/workflows", definition);
      if (status !== 201) throw new Error(text);
    },
    publish: async (event) => {
      const bytes = JSON.stringify(event).length;
      const one = { key: `${event.source} ${event.event_id}`, event, bytes, logged: false };
      const [published] = await publishEvents({ env, shards: 1 }, tenant, [one]);
      if (published?.is !== "accepted") throw new Error(JSON.stringify(published));
    },
    work: async (subscription) => {
      const message = { body: tokenOf(subscription), ack: () => undefined, retry: () => undefined };
      await consumeEvents({ messages: [message] } as unknown as MessageBatch, env);
    },
    handed: async (subscription, event) => {
      const handler = await handlerOf(env, tokenOf(subscription));
      if (!handler) throw new Error("nobody to hand it to");
      const deliveries = [{ seq: 7, attempt: 1, priority: 0, event }];
      const leased = { is: "leased", token: "t", untilMs: 0, version: 1, more: false } as const;
      return handler.deliver({ ...leased, deliveries });
    },
    runs: (workflow, many) =>
      vi.waitFor(
        async () => {
          const { results } = await env.DB.prepare(
            "SELECT id, version, trigger, correlation_id FROM workflow_runs WHERE tenant_id = ? AND workflow_id = ? ORDER BY started_at, id",
          )
            .bind(tenant, workflow)
            .all<RunRow>();
          if (results.length < many) throw new Error(`${results.length} runs so far`);
          return results;
        },
        { timeout: 25_000, interval: 50 },
      ),
  };
}
