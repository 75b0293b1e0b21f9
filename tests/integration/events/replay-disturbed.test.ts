/** Replays of events through evictions, lost answers, orders and full subscriptions: each event once and in order. */
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { EventEnvelope } from "../../../schema/event.ts";
import {
  byPartition,
  DAY_MS,
  HOUR_MS,
  over,
  type ReplayHub,
  replayHub,
  rows,
} from "./replay-api.ts";

vi.setConfig({ testTimeout: 60_000 });

/** A step that was under way when an order came is done by then. */
const STEP_DONE_MS = 1500;
let hub: ReplayHub;
/** A full hour of yesterday. */
let startMs = 0;
beforeEach(async () => {
  hub = await replayHub();
  await hub.subscribe("sub");
  startMs = Math.floor((Date.now() - DAY_MS) / HOUR_MS) * HOUR_MS;
});

describe("a replay that is disturbed", () => {
  test("goes on where it was when its object is evicted, again and again: each once and in order", async () => {
    const all = rows(400, startMs);
    await hub.log(all);
    // Long enough to be killed five times on a busy machine.
    const { id } = await hub.replay(over(startMs, startMs + HOUR_MS, { rate: 40 }));
    for (let kill = 0; kill < 5; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect((await hub.job(id))?.state).toBe("running");
      await evictDurableObject(hub.object(id) as never);
    }
    const ended = await hub.ended(id);
    expect(ended).toMatchObject({ state: "done", done: 400, replayed: 400 });
    expect(byPartition(await hub.take("sub"))).toEqual(byPartition(all.map(({ event }) => event)));
  });

  test("hands nothing over twice when the step was cut off behind the hand-over", async () => {
    const all = rows(120, startMs);
    await hub.log(all);
    const { id } = await hub.replay(over(startMs, startMs + HOUR_MS, { rate: 100 }));
    let losses = 0;
    await hub.inside(id, ({ env: inner }) => {
      const real = inner.EVENT_SHARD;
      vi.spyOn(real, "getByName").mockImplementation(((name: string) => {
        const stub = real.get(real.idFromName(name));
        return new Proxy(stub, {
          get(target, member) {
            const value = Reflect.get(target, member) as unknown;
            if (member !== "publish" || losses >= 6) return value;
            return async (...args: unknown[]) => {
              losses += 1;
              await (value as (...all: unknown[]) => Promise<unknown>)(...args);
              throw new Error("the answer was lost");
            };
          },
        });
      }) as never);
    });
    const ended = await hub.ended(id);
    vi.restoreAllMocks();
    expect(losses).toBe(6);
    expect(ended).toMatchObject({ state: "done", replayed: 120 });
    expect(byPartition(await hub.take("sub"))).toEqual(byPartition(all.map(({ event }) => event)));
  });

  test("ends where its subscription is deleted", async () => {
    await hub.log(rows(200, startMs));
    const { id } = await hub.replay(over(startMs, startMs + HOUR_MS, { rate: 20 }));
    await hub.unsubscribe("sub");
    expect(await hub.ended(id)).toMatchObject({ state: "failed", reason: "subscription_gone" });
  });
});

describe("orders", () => {
  test("pause takes effect within a step, resume goes on, cancel ends; the row follows", async () => {
    await hub.log(rows(300, startMs));
    const { id } = await hub.replay(over(startMs, startMs + HOUR_MS, { rate: 20 }));
    const order = async (name: string) => hub.ask("POST", `/replays/${id}/${name}`);
    const paused = await order("pause");
    expect(paused.body.state).toBe("paused");
    await new Promise((resolve) => setTimeout(resolve, STEP_DONE_MS));
    const before = (await hub.job(id))?.progress.sent ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 2200));
    expect((await hub.job(id))?.progress.sent).toBe(before);
    expect(before).toBeLessThanOrEqual(paused.body.replayed + 40);
    expect((await order("pause")).status).toBe(200);
    expect((await order("resume")).body.state).toBe("running");
    await vi.waitFor(
      async () => expect((await hub.job(id))?.progress.sent).toBeGreaterThan(before),
      20_000,
    );
    expect((await order("cancel")).body.state).toBe("cancelled");
    await new Promise((resolve) => setTimeout(resolve, STEP_DONE_MS));
    const sent = (await hub.take("sub")).length;
    expect(sent).toBeLessThan(300);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(await hub.take("sub")).toEqual([]);
    expect((await order("resume")).status).toBe(409);
    expect((await order("cancel")).status).toBe(200);
    const { items } = (await hub.ask("GET", "/replays?state=cancelled")).body;
    expect(items).toMatchObject([{ id, kind: "events", state: "cancelled" }]);
    expect((await hub.ask("GET", "/replays?state=running")).body.items).toEqual([]);
  });

  test("to a replay there is not are 404", async () => {
    const id = `rpl_${"0".repeat(22)}`;
    expect((await hub.ask("GET", `/replays/${id}`)).status).toBe(404);
    expect((await hub.ask("POST", `/replays/${id}/pause`)).status).toBe(404);
    expect((await hub.ask("GET", "/replays/rpl_1")).status).toBe(404);
  });

  test("no tenant may have more than ten that have not ended", async () => {
    for (let n = 0; n < 10; n++) {
      const { id } = await hub.replay(over(startMs, startMs + HOUR_MS));
      await hub.ask("POST", `/replays/${id}/pause`);
    }
    expect((await hub.ask("POST", "/replays", over(startMs, startMs + 1))).status).toBe(409);
  });
});

test("a subscription with little room is filled to half of it, never over", async () => {
  await hub.subscribe("small", { depth_max: 20 });
  const all = rows(50, startMs);
  await hub.log(all);
  const { id } = await hub.replay(over(startMs, startMs + HOUR_MS, { subscription: "small" }));
  await vi.waitFor(async () => expect((await hub.job(id))?.reason).toBe("backlog"), 20_000);
  const depth = async () => {
    const gauges = await hub.shard().gauges();
    const own = gauges.find(({ subscription }) => subscription === "small");
    return Object.values(own?.depth ?? {})
      .flat()
      .reduce((sum, n) => sum + n, 0);
  };
  expect(await depth()).toBe(10);
  const taken: EventEnvelope[] = [];
  await vi.waitFor(
    async () => {
      taken.push(...(await hub.take("small")));
      if (taken.length < 50) throw new Error("not all yet");
    },
    { timeout: 15_000, interval: 200 },
  );
  expect(byPartition(taken)).toEqual(byPartition(all.map(({ event }) => event)));
  await hub.bury();
  expect(await hub.letters()).toEqual([]);
  expect(await hub.ended(id)).toMatchObject({ state: "done", replayed: 50 });
});
