/** Durations of definitions in ms, and the waits between attempts (the head of `schema/workflow-value.ts`). */
import type { StepOf } from "../../../schema/workflow-step.ts";
import { DURATION_MS_MAX, type Duration, type RetryRule } from "../../../schema/workflow-value.ts";
import type { ReportedError } from "./events.ts";
import { ATTEMPT_TIMEOUT_MS_DEFAULT, CHILD_TIMEOUT_MS_DEFAULT } from "./limits.ts";
import type { Json } from "./state.ts";

const BACKOFF_MS_DEFAULT = 1000;
const MAX_DELAY_MS_DEFAULT = 300_000;
/** Doublings beyond this are above every cap. */
const DOUBLINGS_MAX = 40;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SHORT = /^(\d{1,11}(?:\.\d{1,9})?)(ms|s|m|h|d)$/;
const ISO =
  /^P(?:(\d{1,3})W|(?=[\dT])(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,7})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?)$/;
const ISO_UNITS_MS = [7 * UNIT_MS.d, UNIT_MS.d, UNIT_MS.h, UNIT_MS.m, UNIT_MS.s] as const;

/** Also what expressions give: fractions (`1.5s`). Undefined for anything else, and above a year; rounded up to whole ms. */
export function durationMs(value: Json): number | undefined {
  const ms =
    typeof value === "number" ? value : typeof value === "string" ? textMs(value) : undefined;
  if (ms === undefined || !(ms >= 0 && ms <= DURATION_MS_MAX)) return undefined;
  return Math.ceil(ms);
}

function textMs(text: string): number | undefined {
  const short = SHORT.exec(text);
  if (short) return Number(short[1]) * UNIT_MS[short[2] as keyof typeof UNIT_MS];
  const iso = ISO.exec(text);
  return iso
    ? ISO_UNITS_MS.reduce((sum, unit, at) => sum + unit * Number(iso[at + 1] ?? 0), 0)
    : undefined;
}

/** A duration of a checked definition; one that cannot be read counts as none. */
export function checkedMs(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : durationMs(duration);
}

/** Of one attempt, in ms. */
export function attemptTimeoutMs(step: StepOf<"action">): number {
  return checkedMs(step.timeout) ?? ATTEMPT_TIMEOUT_MS_DEFAULT;
}

export function childTimeoutMs(step: StepOf<"workflow">): number {
  return checkedMs(step.timeout) ?? CHILD_TIMEOUT_MS_DEFAULT;
}

/** `made`: attempts made, the first included. Without a rule there is one attempt. */
export function mayRetry(rule: RetryRule | undefined, made: number, error: ReportedError): boolean {
  if (!rule || made >= rule.attempts || rule.nonRetryable?.includes(error.reason)) return false;
  // Who names a code knows better than the action whether it passes.
  return rule.retryOn ? rule.retryOn.includes(error.reason) : error.retryable !== false;
}

/**
 * The wait before the next attempt, in ms, whole. A downstream's wish counts where it is longer, and never above
 * `maxDelay`. `random` yields a number in [0, 1).
 */
export function retryDelayMs(
  rule: RetryRule,
  made: number,
  error: ReportedError,
  random: () => number,
): number {
  const baseMs = checkedMs(rule.backoff) ?? BACKOFF_MS_DEFAULT;
  const capMs = checkedMs(rule.maxDelay) ?? MAX_DELAY_MS_DEFAULT;
  const delayMs = Math.min(baseMs * factorOf(rule.strategy, made), capMs);
  const spread = { full: 1, half: 0.5, none: 0 }[rule.jitter ?? "full"];
  const jittered = delayMs + delayMs * spread * random();
  return Math.ceil(Math.min(Math.max(jittered, error.retryAfterMs ?? 0), capMs));
}

function factorOf(strategy: RetryRule["strategy"], made: number): number {
  if (strategy === "constant") return 1;
  if (strategy === "linear") return made;
  return 2 ** Math.min(made - 1, DOUBLINGS_MAX);
}
