/**
 * The hub's way to the acknowledgement alone: the same door and the same durable write, while queue consumers,
 * log lines and the metrics object do nothing. Benchmarks only.
 */
import hub from "../workers/hub.ts";

// What is not declared below is the hub's own.
export * from "../workers/hub.ts";

const worker: ExportedHandler<Env> = hub;
const environments = new WeakMap<object, Env>();

console.log = () => undefined;

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default {
  async fetch(request, env, context): Promise<Response> {
    const answer = await worker.fetch?.(request, withoutMetrics(env), context);
    return answer ?? new Response(null, { status: 500 });
  },
  queue(batch): void {
    batch.ackAll();
  },
} satisfies ExportedHandler<Env>;

/** The same environment for the same environment: the hub keeps what an isolate knows under it. */
function withoutMetrics(env: Env): Env {
  const known = environments.get(env);
  if (known) {
    return known;
  }
  const nothing = { getByName: () => ({ add: () => Promise.resolve() }) };
  const made = new Proxy(env, {
    get: (target, name) => (name === "METRICS" ? nothing : Reflect.get(target, name)),
  });
  environments.set(env, made);
  return made;
}
