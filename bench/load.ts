/** A closed-loop load: a fixed number of connections, each with one request at a time, for a fixed time. */
import { Agent, request } from "node:http";
import type { SignedWebhook } from "../dev/webhooks.ts";

export interface LoadResult {
  /** Answered 2xx. */
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  readonly durationMs: number;
  /** Ends earlier, after so many. Default: no such end. */
  readonly webhooks?: number;
  /** The next webhook to send; called once per request. */
  readonly next: () => SignedWebhook;
}

/** Runs the load and resolves when the last answer is in. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const startedMs = performance.now();
  const untilMs = startedMs + options.durationMs;
  const tookMs: number[] = [];
  let refused = 0;
  let left = options.webhooks ?? Number.POSITIVE_INFINITY;
  const worker = async (): Promise<void> => {
    while (performance.now() < untilMs && left > 0) {
      left -= 1;
      const begunMs = performance.now();
      const status = await post(agent, options.url, options.next());
      tookMs.push(performance.now() - begunMs);
      refused += status >= 200 && status < 300 ? 0 : 1;
    }
  };
  await Promise.all(Array.from({ length: options.connections }, worker));
  agent.destroy();
  const seconds = (performance.now() - startedMs) / 1000;
  const accepted = tookMs.length - refused;
  tookMs.sort((a, b) => a - b);
  return {
    accepted,
    refused,
    seconds,
    perSecond: accepted / seconds,
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
  };
}

/** The value below which a part of sorted numbers lies. 0 for none. */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  return quantileOf(numbers, 0.5);
}

/** The value below which a part of some numbers lies. 0 for none. */
export function quantileOf(numbers: readonly number[], part: number): number {
  return quantile(
    [...numbers].sort((a, b) => a - b),
    part,
  );
}

function post(agent: Agent, url: string, webhook: SignedWebhook): Promise<number> {
  return new Promise((resolve) => {
    const outgoing = request(
      url + webhook.path,
      {
        method: "POST",
        agent,
        headers: { ...webhook.headers, "content-length": Buffer.byteLength(webhook.body) },
      },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", () => resolve(0));
      },
    );
    outgoing.on("error", () => resolve(0));
    outgoing.end(webhook.body);
  });
}
