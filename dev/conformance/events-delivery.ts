/** Case files about what follows a delivery that failed: waits, outcomes, deaths, time to live, priority. */
import {
  type DeathReason,
  type DeathRecord,
  recordDeath,
} from "../../domain/events/dead-letter.ts";
import {
  type AttemptOutcome,
  afterAttempt,
  attemptsOf,
  CONTROL_HEADER,
  judge,
  STANDARD_SCHEDULE,
  scheduledWaitMs,
  type TransportError,
  waitMs,
} from "../../domain/events/delivery.ts";
import { effectivePriority, effectiveTtlMs } from "../../domain/events/urgency.ts";
import { parseRetryAfter } from "../../domain/resilience/backoff.ts";
import type { RetrySchedule } from "../../schema/subscription.ts";
import type { Tally } from "./events-tally.ts";

/** The middle of the jitter: no jitter. */
const NO_JITTER = () => 0.5;
const NOW_MS = Date.UTC(2015, 9, 21, 7, 0, 0);
const HOUR_MS = 3_600_000;

export interface DeliveryFile {
  readonly schedules: {
    readonly standard_webhooks_example_s: readonly number[];
    readonly standard_webhooks_cumulative_s: readonly number[];
    readonly svix_default_retry_waits_s: readonly number[];
    readonly svix_jitter_fraction: number;
    readonly outpost_default: { readonly max_retries: number };
    readonly req_t284: { readonly attempts: number };
  };
  readonly retry_after_header: readonly {
    readonly value: string;
    readonly seconds?: number;
    readonly instant?: string;
  }[];
  readonly retry_after_clamp: {
    readonly cases: readonly {
      readonly scheduled: number;
      readonly retry_after: number | null;
      readonly status?: number;
      readonly wait: number;
    }[];
  };
  readonly status: readonly {
    readonly status: number | TransportError;
    readonly outcome: "success" | "failure" | "gone";
    readonly action: string;
  }[];
  readonly abort_header: { readonly name: string; readonly value: string };
}

export function runDeliveryPolicy(file: DeliveryFile, to: Tally): void {
  runSchedules(file.schedules, to);
  for (const { value, seconds, instant } of file.retry_after_header) {
    const atMs = instant === undefined ? undefined : Date.parse(instant) - NOW_MS;
    const expected = seconds === undefined ? atMs : seconds * 1000;
    to.check(`retry-after ${value}`, () => parseRetryAfter(value, NOW_MS), expected);
  }
  for (const { scheduled, retry_after, status, wait } of file.retry_after_clamp.cases) {
    const outcome = answered(status ?? 503, retry_after === null ? null : String(retry_after));
    const name = `${scheduled} s, retry-after ${retry_after}, status ${status ?? 503}`;
    to.check(name, () => waitAfter(outcome, scheduled), wait * 1000);
  }
  for (const one of file.status) runStatus(one, to);
  const { name, value } = file.abort_header;
  to.check("abort header name", () => CONTROL_HEADER, name);
  const aborted = { is: "answered", status: 500, retryAfter: null, control: value } as const;
  to.check("abort header", () => stepAfter(aborted), { is: "dead", reason: "aborted" });
}

function runSchedules(schedules: DeliveryFile["schedules"], to: Tally): void {
  const example: RetrySchedule = {
    kind: "listed",
    waits_s: schedules.standard_webhooks_example_s.slice(1),
  };
  let sumS = 0;
  for (const [at, cumulative] of schedules.standard_webhooks_cumulative_s.entries()) {
    sumS += at === 0 ? 0 : (scheduledWaitMs(example, at) ?? Number.NaN) / 1000;
    const reached = sumS;
    to.check(`example schedule, attempt ${at + 1}`, () => reached, cumulative);
  }
  for (const [at, waitS] of schedules.svix_default_retry_waits_s.entries())
    to.check(
      `default wait ${at + 1}`,
      () => scheduledWaitMs(STANDARD_SCHEDULE, at + 1),
      waitS * 1000,
    );
  const share = schedules.svix_jitter_fraction;
  const spread = (random: number) => waitMs({ scheduledMs: 1000, throttles: false }, () => random);
  to.check("jitter down", () => spread(0), 1000 * (1 - share));
  to.check("jitter up", () => Math.round(spread(1)), 1000 * (1 + share));
  const retries = schedules.outpost_default.max_retries;
  const doubling = { kind: "exponential", base_s: 30, cap_s: 86_400, retries } as const;
  for (let n = 0; n < retries; n++)
    to.check(`doubling wait ${n}`, () => scheduledWaitMs(doubling, n + 1), 30_000 * 2 ** n);
  to.check("doubling ends", () => scheduledWaitMs(doubling, retries + 1), undefined);
  const enough = () => attemptsOf(STANDARD_SCHEDULE) >= schedules.req_t284.attempts;
  to.check("attempts", enough, true);
}

function runStatus({ status, outcome, action }: DeliveryFile["status"][number], to: Tally): void {
  const facts: AttemptOutcome =
    typeof status === "number" ? answered(status, null) : { is: "unanswered", error: status };
  const verdict = judge(facts);
  to.check(`status ${status}`, () => verdict.outcome, outcome);
  if (outcome === "gone") {
    to.check(`step ${status}`, () => stepAfter(facts), { is: "dead", reason: "gone" });
    return;
  }
  if (outcome === "success") {
    to.check(`step ${status}`, () => stepAfter(facts), { is: "delivered" });
    return;
  }
  const throttles = action.includes("throttle");
  to.check(`step ${status}`, () => stepAfter(facts).is, "retry");
  to.check(`throttles ${status}`, () => "throttles" in verdict && verdict.throttles, throttles);
  if (typeof status === "number" && action.includes("obey"))
    to.check(`obeys ${status}`, () => waitAfter(answered(status, "450"), 300), 450_000);
}

function answered(status: number, retryAfter: string | null): AttemptOutcome {
  return { is: "answered", status, retryAfter, control: null };
}

function waitAfter(outcome: AttemptOutcome, scheduledS: number): number | undefined {
  const schedule: RetrySchedule = { kind: "listed", waits_s: [scheduledS] };
  const step = afterAttempt({ attempt: 1, outcome, schedule, nowMs: NOW_MS }, NO_JITTER);
  return step.is === "retry" ? step.afterMs : undefined;
}

function stepAfter(outcome: AttemptOutcome) {
  const schedule = STANDARD_SCHEDULE;
  return afterAttempt({ attempt: 1, outcome, schedule, nowMs: NOW_MS }, NO_JITTER);
}

interface Step {
  readonly queue: string;
  readonly reason: DeathReason;
  readonly exchange?: string;
  readonly routing_keys?: readonly string[];
  readonly expiration?: string;
  readonly target?: string;
}

type Entry = Readonly<Record<string, unknown>>;

export interface DeadLetterFile {
  readonly scenarios: readonly {
    readonly name: string;
    readonly steps: readonly Step[];
    readonly expect: {
      readonly deaths?: readonly Entry[];
      readonly first?: Entry;
      readonly last?: Entry;
      readonly order?: readonly (readonly [string, number])[];
      readonly message_expiration?: null;
      readonly dropped_on_step?: number | null;
    };
  }[];
  readonly ttl: readonly {
    readonly queue_ttl_ms?: number | null;
    readonly message_ttl_ms?: number | null;
    readonly effective_ms?: number | null;
    readonly error?: boolean;
    readonly requeued?: boolean;
  }[];
  readonly priority: readonly {
    readonly max?: number;
    readonly message?: number | null;
    readonly effective?: number;
    readonly error?: boolean;
    readonly enqueue?: readonly (readonly [string, number])[];
  }[];
}

/** Requeueing and dispatch order are the shard's: its own tests prove them, so these rows are left out here. */
export function runDeadLetter(file: DeadLetterFile, to: Tally): void {
  for (const scenario of file.scenarios) runScenario(scenario, to);
  for (const row of file.ttl) {
    if (row.requeued) {
      to.leaveOut();
      continue;
    }
    const ttl = () =>
      effectiveTtlMs(row.queue_ttl_ms ?? undefined, row.message_ttl_ms ?? undefined);
    const name = `ttl ${row.queue_ttl_ms} and ${row.message_ttl_ms}`;
    to.check(name, () => outcomeOf(ttl()), row.error ? "refused" : (row.effective_ms ?? undefined));
  }
  for (const { max, message, effective, error, enqueue } of file.priority) {
    if (enqueue) {
      to.leaveOut();
      continue;
    }
    const level = () => outcomeOf(effectivePriority(message ?? undefined, max));
    to.check(`priority ${message}`, level, error ? "refused" : effective);
  }
}

function runScenario(scenario: DeadLetterFile["scenarios"][number], to: Tally): void {
  const { name, expect } = scenario;
  const { record, droppedOn } = played(scenario.steps);
  const deaths = record?.deaths ?? [];
  for (const [at, entry] of (expect.deaths ?? []).entries())
    to.check(`${name}: death ${at}`, () => pick(wire(deaths[at]), entry), entry);
  if (expect.deaths) to.check(`${name}: entries`, () => deaths.length, expect.deaths.length);
  if (expect.first)
    to.check(`${name}: first`, () => pick(record?.first, expect.first), expect.first);
  if (expect.last) to.check(`${name}: last`, () => pick(record?.last, expect.last), expect.last);
  if (expect.order)
    to.check(`${name}: order`, () => deaths.map((one) => [one.queue, one.count]), expect.order);
  if (expect.dropped_on_step !== undefined)
    to.check(`${name}: dropped`, () => droppedOn ?? null, expect.dropped_on_step);
  if (expect.message_expiration === null) {
    const kept = scenario.steps[0]?.expiration;
    to.check(`${name}: kept as record only`, () => deaths[0]?.originalExpiration, kept);
  }
}

function played(steps: readonly Step[]) {
  let record: DeathRecord | undefined;
  for (const [at, { routing_keys, exchange, ...step }] of steps.entries()) {
    const facts = { ...step, exchange: exchange ?? "", routingKeys: routing_keys ?? [] };
    const next = recordDeath(record, { ...facts, nowMs: HOUR_MS * at });
    record = next.record;
    if (next.dropped) return { record, droppedOn: at + 1 };
  }
  return { record, droppedOn: undefined };
}

/** An entry as the file writes it. */
function wire(death: DeathRecord["deaths"][number] | undefined): Entry {
  return {
    ...death,
    "routing-keys": death?.routingKeys,
    "original-expiration": death?.originalExpiration,
  };
}

function pick(actual: object | undefined, expected: Entry | undefined): Entry {
  const entries = new Map(Object.entries(actual ?? {}));
  return Object.fromEntries(Object.keys(expected ?? {}).map((name) => [name, entries.get(name)]));
}

function outcomeOf(result: { ok: true; value: number | undefined } | { ok: false }): unknown {
  return result.ok ? result.value : "refused";
}
