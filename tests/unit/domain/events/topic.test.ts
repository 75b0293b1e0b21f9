import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkBindingKey, topicIndex } from "../../../../domain/events/topic.ts";
import type { Binding } from "../../../../schema/subscription.ts";
import { cpuMs } from "../../../support/cpu-clock.ts";

const word = fc.constantFrom("a", "b", "c", "");
const patternWord = fc.constantFrom("a", "b", "c", "*", "#", "");
const key = fc.array(word, { maxLength: 6 }).map((words) => words.join("."));
const pattern = fc
  .array(patternWord, { maxLength: 6 })
  .map((words) => words.join("."))
  .filter((text) => checkBindingKey(text).ok);

describe("topic bindings", () => {
  test("the index answers as comparing word by word does", () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 20 }), key, (patterns, routingKey) => {
        const index = topicIndex(patterns.map((text) => bound({ kind: "topic", key: text }, text)));
        const expected = new Set(patterns.filter((text) => slow(split(text), split(routingKey))));
        expect(new Set(index.match(routingKey))).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("a target bound several times is found once", () => {
    const index = topicIndex([
      bound({ kind: "topic", key: "#" }, 1),
      bound({ kind: "topic", key: "a.*" }, 1),
      bound({ kind: "direct", key: "a.b" }, 1),
      bound({ kind: "fanout" }, 1),
    ]);
    expect(index.match("a.b")).toEqual([1]);
  });

  test("direct compares whole keys and knows no wildcards; fanout takes everything", () => {
    const index = topicIndex([
      bound({ kind: "direct", key: "a.*" }, "direct"),
      bound({ kind: "fanout" }, "fanout"),
    ]);
    expect(index.match("a.b")).toEqual(["fanout"]);
    expect(new Set(index.match("a.*"))).toEqual(new Set(["fanout", "direct"]));
    expect(index.match("")).toEqual(["fanout"]);
  });

  test("10,000 bindings: a key touches few of them", () => {
    const patterns = Array.from({ length: 10_000 }, (_, n) => pick(n));
    const index = topicIndex(patterns.map((text, n) => bound({ kind: "topic", key: text }, n)));
    const routingKey = "t77.order.3.created";
    const expected = patterns.flatMap((text, n) => (slow(split(text), split(routingKey)) ? n : []));
    expect([...index.match(routingKey)].sort((a, b) => a - b)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);
    const rounds = 500;
    const startedMs = cpuMs();
    for (let n = 0; n < rounds; n++) index.match(`t${n}.order.${n % 7}.created`);
    // Far above what it takes (some µs a key), far below what comparing 10,000 patterns takes.
    expect((cpuMs() - startedMs) / rounds).toBeLessThan(1);
  });

  test.each([
    ["a".repeat(256), "too_long"],
    ["#.a.#.b.#", "too_many_hashes"],
  ])("refuses %s", (text, reason) => {
    expect(checkBindingKey(text)).toEqual({ ok: false, failure: { reason } });
  });
});

function bound<T>(binding: Binding, target: T) {
  return { binding, target };
}

function pick(n: number): string {
  const tenant = `t${n % 1000}`;
  const kinds = [
    `${tenant}.order.*.created`,
    `${tenant}.#`,
    `#.${tenant}.*`,
    `${tenant}.user.${n}`,
  ];
  return kinds[n % 4] ?? "";
}

function split(text: string): readonly string[] {
  return text === "" ? [] : text.split(".");
}

function slow(words: readonly string[], rest: readonly string[]): boolean {
  const [head, ...tail] = words;
  if (head === undefined) return rest.length === 0;
  if (head === "#") return slow(tail, rest) || (rest.length > 0 && slow(words, rest.slice(1)));
  return rest.length > 0 && (head === "*" || head === rest[0]) && slow(tail, rest.slice(1));
}
