/**
 * Delivers a webhook as a platform does: tries, waits, tries again, never in order with others and never
 * awaited by whoever caused it. The platform gives the schedule and says which answers end the matter.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** A signed request, ready to be sent. */
export interface WebhookRequest {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How one attempt ended: a status, or the kind of failure. */
export interface Attempt {
  readonly n: number;
  readonly at: number;
  readonly attempt: number;
  readonly url: string;
  readonly label: string;
  readonly status?: number;
  readonly error?: "timeout" | "connection_failed";
  readonly answer?: string;
  readonly answerHeaders?: Readonly<Record<string, string>>;
}

/** The waits and verdicts of one platform. */
export interface DeliverySchedule {
  /** Wait before try `n + 1` after `n` tries, in ms, unscaled; undefined: give up. */
  waitMs(triesSoFar: number, last: Attempt): number | undefined;
  readonly timeoutMs: number;
  /** The request of a later try, where the platform adds headers. */
  again?(request: WebhookRequest, triesSoFar: number, last: Attempt): WebhookRequest;
}

/** Sends and remembers attempts. `timeScale` multiplies every wait (not the timeout). */
export interface Courier {
  /** Resolves with the last attempt; callers normally do not wait. */
  deliver(request: WebhookRequest, label: string, schedule: DeliverySchedule): Promise<Attempt>;
  attempts(since?: number): readonly Attempt[];
  /** Waits a scaled time; false when the courier was stopped meanwhile. */
  pause(ms: number): Promise<boolean>;
  /** Deliveries that have not ended yet. */
  pending(): number;
  reset(): void;
  stop(): void;
}

const ATTEMPTS_MAX = 100_000;
const ANSWER_CHARS_MAX = 10_000;

/** A courier with an empty memory. */
export function createCourier(timeScale = 1): Courier {
  let attempts: Attempt[] = [];
  let count = 0;
  let pending = 0;
  const abort = new AbortController();
  const pause = (ms: number): Promise<boolean> =>
    sleep(ms * timeScale, undefined, { signal: abort.signal }).then(
      () => true,
      () => false,
    );
  const note = (attempt: Omit<Attempt, "n">): Attempt => {
    count += 1;
    const noted = { n: count, ...attempt };
    attempts.push(noted);
    if (attempts.length >= ATTEMPTS_MAX * 2) attempts = attempts.slice(-ATTEMPTS_MAX);
    return noted;
  };
  const run = async (
    first: WebhookRequest,
    label: string,
    schedule: DeliverySchedule,
  ): Promise<Attempt> => {
    let request = first;
    for (let tries = 1; ; tries += 1) {
      const last = note(await attemptOnce(request, label, tries, schedule.timeoutMs, abort.signal));
      if (last.status !== undefined && last.status >= 200 && last.status < 300) return last;
      const waitMs = schedule.waitMs(tries, last);
      if (waitMs === undefined || !(await pause(waitMs))) return last;
      request = schedule.again?.(first, tries, last) ?? first;
    }
  };
  return {
    deliver: async (request, label, schedule) => {
      pending += 1;
      try {
        return await run(request, label, schedule);
      } finally {
        pending -= 1;
      }
    },
    attempts: (since = 0) => attempts.filter(({ n }) => n > since),
    pause,
    pending: () => pending,
    reset: () => {
      attempts = [];
    },
    stop: () => abort.abort(),
  };
}

async function attemptOnce(
  request: WebhookRequest,
  label: string,
  attempt: number,
  timeoutMs: number,
  stopped: AbortSignal,
): Promise<Omit<Attempt, "n">> {
  const base = { at: Date.now(), attempt, url: request.url, label };
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { ...request.headers },
      body: request.body,
      redirect: "manual",
      signal: AbortSignal.any([stopped, timeout]),
    });
    const answer = (await response.text()).slice(0, ANSWER_CHARS_MAX);
    const answerHeaders = Object.fromEntries(response.headers.entries());
    return { ...base, status: response.status, answer, answerHeaders };
  } catch {
    return { ...base, error: timeout.aborted ? "timeout" : "connection_failed" };
  }
}
