/**
 * Which of 10,000 bindings want an event: how many places of the compiled index are looked at for one event, counted,
 * and how many events a second it answers for beside asking every binding in turn. Runs in this process.
 */
import { type BoundTarget, topicIndex } from "../domain/events/topic.ts";
import type { Binding } from "../schema/subscription.ts";
import { median } from "./load.ts";

export interface MatchingCost {
  readonly bindings: number;
  /** Places of the index looked at per event, mean. */
  readonly looked: number;
  /** Bindings that want it, mean. */
  readonly matched: number;
  readonly perSecond: number;
  /** The same answers by asking each binding. */
  readonly onePerSecond: number;
}

const SIZES = [100, 1000, 10_000] as const;
const EVENTS = 2000;
/** Asking every binding is slow: fewer events will do. */
const SLOW_EVENTS = 20;
const ROUNDS = 3;

/** Counted and timed for each number of bindings. Throws where the two ways differ. */
export function measureMatching(): readonly MatchingCost[] {
  return SIZES.map((size) => {
    const bindings = bindingsOf(size);
    const index = topicIndex(bindings);
    const alone = bindings.map((one) => topicIndex([one]));
    const keys = keysOf(size);
    const slowly = (key: string) => alone.flatMap((one) => one.match(key));
    for (const key of keys.slice(0, SLOW_EVENTS))
      if (new Set(slowly(key)).size !== index.match(key).length) throw new Error(`differs: ${key}`);
    const { looked, matched } = count(index.match, keys);
    return {
      ...{ bindings: size, looked, matched },
      perSecond: rate(index.match, keys),
      onePerSecond: rate(slowly, keys.slice(0, SLOW_EVENTS)),
    };
  });
}

type Match = (key: string) => readonly number[];

/** Every place of the index is a map of words: each look into one is counted. */
function count(match: Match, keys: readonly string[]) {
  const { get } = Map.prototype;
  let looked = 0;
  let matched = 0;
  Map.prototype.get = function counted(key) {
    looked += 1;
    return get.call(this, key);
  };
  try {
    for (const key of keys) matched += match(key).length;
  } finally {
    Map.prototype.get = get;
  }
  return { looked: looked / keys.length, matched: matched / keys.length };
}

function rate(match: Match, keys: readonly string[]): number {
  const rates = Array.from({ length: ROUNDS }, () => {
    const begunMs = performance.now();
    for (const key of keys) match(key);
    return (keys.length * 1000) / (performance.now() - begunMs);
  });
  return median(rates);
}

/**
 * Of a hundred bindings 80 name a type, 10 leave its second word open, 9 its end; one wants everything of a kind,
 * whatever it is about. Types are spread over as many nouns as there are tenths of bindings.
 */
function bindingsOf(size: number): readonly BoundTarget<number>[] {
  return Array.from({ length: size }, (_, n) => ({ target: n, binding: bindingOf(n) }));
}

function bindingOf(n: number): Binding {
  const [noun, verb] = [`noun-${Math.floor(n / 10)}`, `verb-${n % 7}`];
  const turn = n % 100;
  if (turn < 80) return { kind: "topic", key: `shop.${noun}.${verb}` };
  if (turn < 90) return { kind: "topic", key: `shop.*.${verb}.${noun}` };
  if (turn < 99) return { kind: "topic", key: `shop.${noun}.#` };
  return { kind: "topic", key: `#.urgent.${noun}` };
}

function keysOf(size: number): readonly string[] {
  return Array.from({ length: EVENTS }, (_, n) => {
    const noun = `noun-${(n * 7919) % Math.ceil(size / 10)}`;
    return `shop.${noun}.verb-${n % 7}${n % 3 === 0 ? `.${noun}` : ""}`;
  });
}
