/** A running Evolution simulator with one instance, and a listener as its hub. */
import {
  type EvolutionOptions,
  type EvolutionSimulator,
  startEvolution,
} from "../../../simulators/evolution/simulator.ts";
import { type Listener, listen } from "./listener.ts";

export interface EvolutionBench {
  readonly hub: Listener;
  readonly evolution: EvolutionSimulator;
  call(path: string, body?: unknown, key?: string, method?: string): Promise<Response>;
  /** `data` of the nth webhook. */
  data(index?: number): Record<string, unknown>;
  key(index?: number): Record<string, unknown>;
  stop(): Promise<void>;
}

export async function evolutionBench(
  options: Partial<EvolutionOptions> = {},
): Promise<EvolutionBench> {
  const hub = await listen();
  const evolution = await startEvolution({
    timeScale: 0.001,
    random: () => 0.5,
    accounts: [
      {
        instance: "acme-support",
        tenant: "acme",
        apiKey: "k",
        webhook: { url: `${hub.url}/hook`, headers: { "x-webhook-secret": "s", jwt_key: "j" } },
      },
    ],
    ...options,
  });
  const data = (index = 0) => hub.heard[index]?.body.data as Record<string, unknown>;
  return {
    hub,
    evolution,
    call: (path, body, key = "k", method = body === undefined ? "GET" : "POST") =>
      fetch(`${evolution.url}${path}`, {
        method,
        headers: { apikey: key, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    data,
    key: (index = 0) => data(index).key as Record<string, unknown>,
    stop: async () => {
      await evolution.stop();
      await hub.stop();
    },
  };
}
