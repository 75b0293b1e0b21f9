/**
 * Large values of runs, in R2 under `runs/<tenant>/<run>/<sha256>.json`, beside the run's archive and as long as that.
 * Named by their content and written once: an attempt that comes again after a crash writes nothing twice.
 */
import type { LargeValue } from "../domain/workflows/expression/large.ts";
import type { Json } from "../domain/workflows/run/state.ts";
import { type RunName, workflowRun } from "./workflow-runs.ts";

type Large = LargeValue["$large"];
type Store = Pick<Env, "STORE">;

/** Durable when it resolves: the reference may be stored from then on. Rejects as R2 does. */
export async function putRunValue(
  env: Pick<Env, "STORE" | "WORKFLOW_RUN">,
  name: RunName,
  json: string,
): Promise<LargeValue> {
  const bytes = new TextEncoder().encode(json);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const large: Large = {
    run: name.run,
    sha256: new Uint8Array(digest).toHex(),
    chars: json.length,
  };
  const key = keyOf(name.tenant, large);
  await env.STORE.put(key, bytes, {
    onlyIf: { etagDoesNotMatch: "*" },
    sha256: digest,
    httpMetadata: { contentType: "application/json" },
  });
  // Whose run was erased meanwhile has nobody left who would delete it.
  if (!(await workflowRun(env, name).definition())) await env.STORE.delete(key);
  return { $large: large };
}

/** Undefined where it is not there, or not what was written. Rejects as R2 does. */
export async function readRunValue(
  env: Store,
  tenant: string,
  large: Large,
): Promise<Json | undefined> {
  const stored = await openRunValue(env, tenant, large);
  if (!stored) return undefined;
  const bytes = await stored.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  return digest === large.sha256
    ? (JSON.parse(new TextDecoder().decode(bytes)) as Json)
    : undefined;
}

/** For whoever passes it on as it is. Rejects as R2 does. */
export async function openRunValue(
  { STORE }: Store,
  tenant: string,
  of: Pick<Large, "run" | "sha256">,
): Promise<R2ObjectBody | undefined> {
  return (await STORE.get(keyOf(tenant, of))) ?? undefined;
}

function keyOf(tenant: string, { run, sha256 }: Pick<Large, "run" | "sha256">): string {
  return `runs/${tenant}/${run}/${sha256}.json`;
}
