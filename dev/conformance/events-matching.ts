/** Case files about who wants an event: routing keys and payload filters. */
import { compileFilter, matchFilter } from "../../domain/events/filter.ts";
import { checkBindingKey, topicIndex } from "../../domain/events/topic.ts";
import type { Tally } from "./events-tally.ts";

interface Bound {
  readonly pattern: string;
  readonly queue: string;
}

interface Expected {
  readonly key: string;
  readonly queues: readonly string[];
}

interface Scene {
  readonly bindings: readonly Bound[];
  readonly expect: readonly Expected[];
}

export interface RabbitFile {
  readonly routing_suite: Scene & {
    readonly after_removing_bindings_at_1_based_index: readonly number[];
    readonly expect_after_removal: readonly Expected[];
    readonly after_exchange_deleted: readonly Expected[];
  };
  readonly wildcards: Scene;
  readonly hash_in_the_middle: Scene;
  readonly empty_routing_key: Scene;
  readonly binding_key_validation: {
    readonly accept: readonly string[];
    readonly reject: readonly string[];
  };
}

export function runRabbitTopics(file: RabbitFile, to: Tally): void {
  const { routing_suite: suite } = file;
  const removed = new Set(suite.after_removing_bindings_at_1_based_index);
  const kept = suite.bindings.filter((_, at) => !removed.has(at + 1));
  runScene("routing", suite, to);
  runScene("after removal", { bindings: kept, expect: suite.expect_after_removal }, to);
  runScene("after deletion", { bindings: [], expect: suite.after_exchange_deleted }, to);
  runScene("wildcards", file.wildcards, to);
  runScene("hash in the middle", file.hash_in_the_middle, to);
  runScene("empty key", file.empty_routing_key, to);
  const { accept, reject } = file.binding_key_validation;
  for (const key of accept) to.check(`accept ${key}`, () => checkBindingKey(key).ok, true);
  for (const key of reject) to.check(`reject ${key}`, () => checkBindingKey(key).ok, false);
}

export interface TopicFile {
  readonly keys: readonly string[];
  readonly patterns: readonly (readonly [string, readonly string[]])[];
  readonly extra: readonly (readonly [string, string, boolean])[];
}

/** Every pattern with every key, and then all patterns in one index. */
export function runTopicMatching(file: TopicFile, to: Tally): void {
  const all = topicIndex(
    file.patterns.map(([key]) => ({ binding: { kind: "topic" as const, key }, target: key })),
  );
  for (const [pattern, matching] of file.patterns) {
    for (const key of file.keys) {
      const expected = matching.includes(key);
      to.check(`${pattern} alone, key ${key}`, () => matchesAlone(pattern, key), expected);
      to.check(`${pattern} of all, key ${key}`, () => all.match(key).includes(pattern), expected);
    }
  }
  for (const [pattern, key, expected] of file.extra)
    to.check(`${pattern}, key ${key}`, () => matchesAlone(pattern, key), expected);
}

export interface FilterFile {
  readonly cases: readonly {
    readonly input: unknown;
    readonly filter: unknown;
    readonly match: boolean;
    readonly optional?: string;
  }[];
}

/** Each required case as it is, and turned round by `$not`. */
export function runFilter(file: FilterFile, to: Tally): void {
  for (const { input, filter, match, optional } of file.cases) {
    if (optional !== undefined) {
      to.leaveOut();
      continue;
    }
    const name = `${JSON.stringify(filter)} on ${JSON.stringify(input)}`;
    to.check(name, () => filtered(filter, input), match);
    to.check(`not ${name}`, () => filtered({ $not: filter }, input), !match);
  }
}

function runScene(name: string, scene: Scene, to: Tally): void {
  const index = topicIndex(
    scene.bindings.map(({ pattern, queue }) => ({
      binding: { kind: "topic" as const, key: pattern },
      target: queue,
    })),
  );
  for (const { key, queues } of scene.expect)
    to.check(`${name}, key ${key}`, () => [...index.match(key)].sort(), [...queues].sort());
}

function matchesAlone(key: string, routingKey: string): boolean {
  const index = topicIndex([{ binding: { kind: "topic", key }, target: true }]);
  return index.match(routingKey).length === 1;
}

function filtered(filter: unknown, input: unknown): boolean | string {
  const compiled = compileFilter(filter);
  return compiled.ok ? matchFilter(compiled.value, input) : compiled.failure.reason;
}
