/** The door to the fault seam: with neither `FAULT_PLAN` nor `BREAK` set nothing of it is loaded. */
import type { Defect } from "../domain/faults/defects.ts";

interface SeamVars {
  readonly ENVIRONMENT?: string;
  readonly FAULT_PLAN?: string;
  readonly BREAK?: string;
}

const seams = new WeakMap<object, Env>();

/** The environment itself, or behind its planned faults: always the same object for the same environment. */
export function throughSeam(env: Env): Env | Promise<Env> {
  const { ENVIRONMENT, FAULT_PLAN, BREAK } = env as SeamVars;
  if ((!FAULT_PLAN && !BREAK) || ENVIRONMENT === "production") return env;
  return seams.get(env) ?? wrap(env, FAULT_PLAN, BREAK);
}

async function wrap(env: Env, plan: string | undefined, broken: string | undefined): Promise<Env> {
  const { wrapEnv } = await import("./faults.ts");
  const known = seams.get(env);
  if (known) return known;
  const wrapped = wrapEnv(env, {
    ...(plan ? { plan } : {}),
    ...(broken ? { defect: broken as Defect } : {}),
  });
  seams.set(env, wrapped);
  return wrapped;
}
