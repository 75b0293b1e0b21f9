/**
 * The next N API calls of a simulator go wrong in a chosen way. Decides which call is hit; the server
 * in `simulator.ts` carries the fault out.
 */
import { asRecord, asText } from "./http.ts";

/**
 * - `timeout`: the call is never answered and nothing is done; `timeout-after`: done, never answered.
 * - `reset`: the socket is destroyed before anything is done; `reset-after`: done, then destroyed.
 * - `status`: answered with `status` (default 503) and, with `retryAfter` (seconds), a Retry-After header.
 * - `garbage`: 200 with bytes that are no JSON.
 */
export const FAULT_KINDS = [
  "timeout",
  "timeout-after",
  "reset",
  "reset-after",
  "status",
  "garbage",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** `next`: how many calls are hit. `path`: only calls whose path contains this. `tenant`: only this tenant's. */
export interface FaultPlan {
  readonly next: number;
  readonly kind: FaultKind;
  readonly status?: number;
  readonly retryAfter?: number;
  readonly path?: string;
  readonly tenant?: string;
}

/** The plans that wait; a call takes the first that fits. */
export interface FaultQueue {
  add(plan: FaultPlan): void;
  take(path: string, tenant: string | null): FaultPlan | undefined;
  clear(): void;
  pending(): number;
}

/** An empty queue of fault plans. */
export function createFaultQueue(): FaultQueue {
  let waiting: { plan: FaultPlan; left: number }[] = [];
  return {
    add: (plan) => waiting.push({ plan, left: plan.next }),
    take: (path, tenant) => {
      const hit = waiting.find(({ plan }) => fits(plan, path, tenant));
      if (hit === undefined) return undefined;
      hit.left -= 1;
      waiting = waiting.filter(({ left }) => left > 0);
      return hit.plan;
    },
    clear: () => {
      waiting = [];
    },
    pending: () => waiting.reduce((sum, { left }) => sum + left, 0),
  };
}

/** Reads a plan from a side door's body; a string says what is wrong with it. */
export function parseFaultPlan(body: unknown): FaultPlan | string {
  const value = asRecord(body);
  const kind = FAULT_KINDS.find((known) => known === value.kind);
  if (kind === undefined) return `kind: expected one of ${FAULT_KINDS.join(", ")}`;
  const next = value.next ?? 1;
  if (typeof next !== "number" || !Number.isInteger(next) || next < 1)
    return "next: expected 1 or more";
  const status = typeof value.status === "number" ? value.status : undefined;
  if (status !== undefined && (status < 200 || status > 599)) return "status: expected 200 to 599";
  const retryAfter = typeof value.retryAfter === "number" ? value.retryAfter : undefined;
  const path = asText(value.path);
  const tenant = asText(value.tenant);
  return {
    next,
    kind,
    ...(status !== undefined && { status }),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(path !== undefined && { path }),
    ...(tenant !== undefined && { tenant }),
  };
}

function fits(plan: FaultPlan, path: string, tenant: string | null): boolean {
  if (plan.path !== undefined && !path.includes(plan.path)) return false;
  return plan.tenant === undefined || plan.tenant === tenant;
}
