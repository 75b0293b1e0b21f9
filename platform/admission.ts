/**
 * Asks a downstream's object for a slot, and takes the outcomes of earlier calls along, so that a send
 * costs one round trip. Outcomes not yet reported wait in this isolate; slots are leases, so one that is
 * never reported comes back by itself.
 */
import type {
  AdmitReply,
  AdmitRequest,
  DownstreamLimits,
  Outcome,
} from "../domain/resilience/admission.ts";
import { count } from "./metrics.ts";

export type Admission =
  | { readonly ok: true; readonly slotId: string }
  | ({ readonly ok: false } & Refusal);

export interface Admissions {
  readonly slotIds: readonly string[];
  readonly refused?: Refusal;
}

interface Refusal {
  readonly reason: NonNullable<AdmitReply["refused"]>;
  readonly retryAfterMs: number;
}

/** Where the object can't be asked, or does not say why. */
const BUSY: Refusal = { reason: "busy", retryAfterMs: 500 };

interface DownstreamRpc {
  admit(request: AdmitRequest): Promise<AdmitReply>;
}

interface Waiting {
  readonly limits: DownstreamLimits;
  readonly outcomes: Outcome[];
}

/** Outcomes kept per downstream before they are reported on their own. */
const WAITING_MAX = 3;
/** Breakers whose last state is remembered. */
const BREAKERS_MAX = 10_000;
const waiting = new Map<string, Waiting>();

/** `name` is `tenant:connection`, `tenant:url:host` or `tenant:subscription:id`. Where the object can't be reached the call is refused as busy. */
export async function admitCall(
  env: Env,
  name: string,
  limits: DownstreamLimits,
): Promise<Admission> {
  const { slotIds, refused } = await admitCalls(env, name, limits, 1);
  const [slotId] = slotIds;
  return slotId === undefined ? { ok: false, ...(refused ?? BUSY) } : { ok: true, slotId };
}

/** As many of `wants` slots as there are, in one question; `refused` says why not all. */
export async function admitCalls(
  env: Env,
  name: string,
  limits: DownstreamLimits,
  wants: number,
): Promise<Admissions> {
  const outcomes = takeWaiting(name);
  try {
    const reply = await ask(env, name, { v: 1, wants, outcomes, limits });
    noteBreaker(name, reply.state);
    const slotIds = reply.granted.map(({ slotId }) => slotId);
    if (slotIds.length >= wants) return { slotIds };
    const { refused: reason = BUSY.reason, retryAfterMs = BUSY.retryAfterMs } = reply;
    return { slotIds, refused: { reason, retryAfterMs } };
  } catch {
    keep(name, limits, outcomes);
    count("admission_failures_total", {});
    return { slotIds: [], refused: BUSY };
  }
}

/** Notes how an admitted call ended; it travels with the next one. */
export function noteOutcome(name: string, limits: DownstreamLimits, outcome: Outcome): void {
  keep(name, limits, [outcome]);
}

/** Reports what can't wait for a next call: failures, and more than a few slots held. */
export async function flushOutcomes(env: Env): Promise<void> {
  const due = [...waiting].filter(
    ([, one]) =>
      one.outcomes.length >= WAITING_MAX ||
      one.outcomes.some((outcome) => outcome.verdict === "failure"),
  );
  await Promise.all(
    due.map(async ([name, { limits }]) => {
      const outcomes = takeWaiting(name);
      try {
        await ask(env, name, { v: 1, wants: 0, outcomes, limits });
      } catch {
        keep(name, limits, outcomes);
      }
    }),
  );
}

const breakers = new Map<string, AdmitReply["state"]>();

/** Counts a breaker's change where this isolate sees it. */
function noteBreaker(name: string, state: AdmitReply["state"]): void {
  const before = breakers.get(name) ?? "closed";
  if (before === state) return;
  if (breakers.size >= BREAKERS_MAX) breakers.clear();
  breakers.set(name, state);
  count("breaker_transitions_total", { tenant: name.split(":")[0] ?? "", to: state });
}

function ask(env: Env, name: string, request: AdmitRequest): Promise<AdmitReply> {
  return (env.DOWNSTREAM.getByName(name) as unknown as DownstreamRpc).admit(request);
}

function takeWaiting(name: string): Outcome[] {
  const outcomes = waiting.get(name)?.outcomes ?? [];
  waiting.delete(name);
  return outcomes;
}

function keep(name: string, limits: DownstreamLimits, outcomes: readonly Outcome[]): void {
  const known = waiting.get(name)?.outcomes ?? [];
  waiting.set(name, { limits, outcomes: [...known, ...outcomes].slice(-100) });
}
