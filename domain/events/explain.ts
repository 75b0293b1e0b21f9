/** Why a subscription gets an event or does not: which binding wants it, which clause of its filter does not hold. */
import type { EventEnvelope } from "../../schema/event.ts";
import type { Subscription } from "../../schema/subscription.ts";
import { compileFilter, type Filter, matchFilter } from "./filter.ts";
import { filterInputOf } from "./subscribing.ts";
import { topicIndex } from "./topic.ts";
import { effectiveTtlMs } from "./urgency.ts";

/** Pointers are JSON pointers into the subscription. */
export interface Explanation {
  /** Of the first binding that wants the event; undefined where none does. */
  readonly binding?: string;
  /** Of the first clause that does not hold; undefined where all do. */
  readonly filter?: string;
  /** Last instant at which it may be delivered (ms). */
  readonly expiresMs?: number;
}

/** `ttlMs`: what the publisher says. Bindings and filter are judged each for itself. */
export function explain(
  subscription: Subscription,
  event: EventEnvelope,
  ttlMs: number | undefined,
  nowMs: number,
): Explanation {
  const index = topicIndex(subscription.bindings.map((binding, target) => ({ binding, target })));
  const matching = index.match(event.event_type);
  const filter = failingFilter(subscription.filter, event);
  const expiresMs = expiryOf(subscription.ttl_ms, event, ttlMs, nowMs);
  return {
    ...(matching.length > 0 ? { binding: `/bindings/${Math.min(...matching)}` } : {}),
    ...(filter === undefined ? {} : { filter }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
  };
}

function failingFilter(json: unknown, event: EventEnvelope): string | undefined {
  if (json === undefined) return undefined;
  const filter = compileFilter(json);
  if (!filter.ok) return `/filter${filter.failure.pointer}`;
  return failingClause(filter.value, json, filterInputOf(event), "/filter");
}

/** The first clause that does not hold, as deep as it can be told: an array's elements answer together. */
function failingClause(
  filter: Filter,
  json: unknown,
  input: unknown,
  pointer: string,
): string | undefined {
  if (matchFilter(filter, input)) return undefined;
  if (filter.is === "contains") {
    const at = filter.items.findIndex((item) => !holdsOne(item, input));
    return at < 0 ? pointer : `${pointer}/${at}`;
  }
  if (filter.is === "value") return pointer;
  return failingMember(filter, json, input, pointer) ?? pointer;
}

function failingMember(
  filter: Extract<Filter, { is: "object" }>,
  json: unknown,
  input: unknown,
  pointer: string,
): string | undefined {
  const clauses = Object.entries(json as Readonly<Record<string, unknown>>);
  // Compiled in this order: operators and fields, each in the order of the text.
  const operators = clauses.filter(([name]) => name.startsWith("$"));
  const test = filter.tests.findIndex((holds) => !holds(input));
  if (test >= 0) return `${pointer}/${escaped(operators[test]?.[0] ?? "")}`;
  if (Array.isArray(input)) return undefined;
  const texts = new Map(clauses);
  for (const [name, inner] of filter.fields) {
    const at = `${pointer}/${escaped(name)}`;
    const failing = failingClause(inner, texts.get(name), memberOf(input, name), at);
    if (failing !== undefined) return failing;
  }
  return undefined;
}

function holdsOne(item: Filter, input: unknown): boolean {
  return Array.isArray(input) && input.some((element) => matchFilter(item, element));
}

function memberOf(input: unknown, name: string): unknown {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return undefined;
  return Object.hasOwn(input, name) ? (input as Record<string, unknown>)[name] : undefined;
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** As the shard has it: the event's own instant, its time to live or the subscription's, whichever comes first. */
function expiryOf(
  subscriptionTtlMs: number | undefined,
  event: EventEnvelope,
  ttlMs: number | undefined,
  nowMs: number,
): number | undefined {
  const ttl = effectiveTtlMs(subscriptionTtlMs, ttlMs);
  const lives = ttl.ok ? ttl.value : 0;
  const named = event.metadata.expires_at;
  const expiresMs = Math.min(
    lives === undefined ? Infinity : nowMs + lives,
    named === undefined ? Infinity : Date.parse(named),
  );
  return Number.isFinite(expiresMs) ? expiresMs : undefined;
}
