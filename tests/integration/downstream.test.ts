import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { DOWNSTREAM_LIMITS_DEFAULT, type Outcome } from "../../domain/resilience/admission.ts";

const NAMESPACE = (env as unknown as Env).DOWNSTREAM;
const LIMITS = { ...DOWNSTREAM_LIMITS_DEFAULT, ratePerSecond: 1000, burst: 1000 };
const START_MS = 1_790_000_000_000;

function stubOf(name: string) {
  return NAMESPACE.getByName(name);
}

function ask(name: string, nowMs: number, wants: number, outcomes: readonly Outcome[] = []) {
  return stubOf(name).admit({ v: 1, nowMs, wants, outcomes, limits: LIMITS });
}

async function open(name: string, nowMs: number): Promise<void> {
  const { granted } = await ask(name, nowMs, 5);
  const outcomes = granted.map(({ slotId }) => ({ slotId, verdict: "failure" as const }));
  expect((await ask(name, nowMs, 0, outcomes)).state).toBe("open");
}

function stored(name: string) {
  return runInDurableObject(stubOf(name), (_, state) => [...state.storage.kv.list()]);
}

describe("a downstream", () => {
  test("asked at once by many lends ten slots in all", async () => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => ask("acme:many", START_MS, 3)),
    );
    const slots = replies.flatMap(({ granted }) => granted.map(({ slotId }) => slotId));
    expect(slots).toHaveLength(10);
    expect(new Set(slots).size).toBe(10);
  });

  test("writes nothing while all is well", async () => {
    const { granted } = await ask("acme:well", START_MS, 4);
    await ask(
      "acme:well",
      START_MS,
      2,
      granted.map(({ slotId }) => ({ slotId, verdict: "success" })),
    );
    expect(await stored("acme:well")).toEqual([]);
  });

  test("that is open stays open when its object is evicted, until its time", async () => {
    await open("acme:evicted", START_MS);
    await evictDurableObject(stubOf("acme:evicted"));
    const reply = await ask("acme:evicted", START_MS + 59_999, 1);
    expect(reply).toEqual({ granted: [], state: "open", refused: "breaker_open", retryAfterMs: 1 });
  });

  test("half-open lets exactly three probes through, also when evicted in between", async () => {
    await open("acme:probes", START_MS);
    const first = await ask("acme:probes", START_MS + 60_000, 2);
    expect(first).toMatchObject({ state: "half_open" });
    expect(first.granted).toHaveLength(2);
    await evictDurableObject(stubOf("acme:probes"));
    const second = await ask("acme:probes", START_MS + 60_001, 5);
    expect(second.granted).toHaveLength(1);
    expect((await ask("acme:probes", START_MS + 60_002, 5)).granted).toHaveLength(0);
    const outcomes = [...first.granted, ...second.granted].map(({ slotId }) => ({
      slotId,
      verdict: "success" as const,
    }));
    expect((await ask("acme:probes", START_MS + 60_003, 0, outcomes)).state).toBe("closed");
    expect(await stored("acme:probes")).toEqual([]);
  });

  test("a slot lent before an eviction is never lent again under the same id", async () => {
    const before = await ask("acme:ids", START_MS, 3);
    await evictDurableObject(stubOf("acme:ids"));
    const after = await ask("acme:ids", START_MS, 3);
    const ids = [...before.granted, ...after.granted].map(({ slotId }) => slotId);
    expect(new Set(ids).size).toBe(6);
  });

  test("keeps a long pause over an eviction, and writes no short one", async () => {
    await ask("acme:pause", START_MS, 0, [{ slotId: "x", verdict: "neutral", pauseMs: 500 }]);
    expect(await stored("acme:pause")).toEqual([]);
    await ask("acme:pause", START_MS, 0, [{ slotId: "y", verdict: "neutral", pauseMs: 90_000 }]);
    await evictDurableObject(stubOf("acme:pause"));
    const reply = await ask("acme:pause", START_MS + 1000, 1);
    expect(reply).toMatchObject({ granted: [], refused: "paused", retryAfterMs: 89_000 });
  });

  test("another tenant's trouble with the same host is not ours", async () => {
    await open("acme:url:example.com", START_MS);
    const reply = await ask("globex:url:example.com", START_MS, 1);
    expect(reply.granted).toHaveLength(1);
  });
});
