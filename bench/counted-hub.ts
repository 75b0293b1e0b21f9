/** What the counted hubs share: an environment and objects whose calls are counted when BENCH_COUNTED is set. */
import { countedEnv } from "./counting.ts";
import { countStorage } from "./counting-objects.ts";

export type BenchEnv = Env & { readonly BENCH_COUNTED?: string };

/**
 * The metrics object is one for all isolates, and nobody's own. Workflows are counted by their steps; the stub has a
 * method of any name, so that it would pass for anything else.
 */
const UNCOUNTED: ReadonlySet<PropertyKey> = new Set(["METRICS", "RUN_WORKFLOW"]);

const environments = new WeakMap<object, BenchEnv>();

/** The same counted environment for the same environment, since the hub keeps what an isolate knows under it. */
export function counted(env: BenchEnv): BenchEnv {
  if (!env.BENCH_COUNTED) return env;
  const known = environments.get(env);
  if (known) return known;
  const all = countedEnv(env, { depth: 0 });
  const made = new Proxy(env, {
    get: (target, name) => Reflect.get(UNCOUNTED.has(name) ? target : all, name),
  });
  environments.set(env, made);
  return made;
}

/** For an object's constructor: its storage is counted, and what it calls. */
export function countObject(ctx: DurableObjectState, env: BenchEnv): BenchEnv {
  if (env.BENCH_COUNTED) countStorage(ctx);
  return counted(env);
}
