/** What a consumer counts arrives in the metrics object: with its batch, or behind it where that was let go. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Delta } from "../../../domain/observability/tally.ts";
import { count, takeDelta } from "../../../platform/metrics.ts";
import { consume } from "../../../workers/consumers/consume.ts";
import { consumeEvents } from "../../../workers/consumers/events.ts";

vi.mock(import("../../../workers/consumers/events.ts"), () => ({ consumeEvents: vi.fn() }));

const BATCH = { queue: "events", messages: [] } as unknown as MessageBatch;
const SERIES = "event_deliveries_total|acme|sub|ack";
/** A batch is let go after a quarter of a second outside production. */
const LONG_MS = 10_000;

beforeEach(() => {
  vi.useFakeTimers();
  takeDelta();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An isolate of its own, and what its metrics object was given. */
function anIsolate() {
  const given: Delta[] = [];
  const behind: Promise<unknown>[] = [];
  const add = async (delta: Delta) => void given.push(delta);
  const env = {
    ...{
      ENVIRONMENT: "test",
      ID_SECRET: "id-secret-of-tests",
      MEDIA_SECRET: "media-secret-of-tests",
    },
    KEK: "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    METRICS: { getByName: () => ({ add }) },
  } as unknown as Env;
  const context = { waitUntil: (work: Promise<unknown>) => void behind.push(work) };
  return {
    given: () => given.map(({ counters }) => counters[SERIES]),
    consume: () => consume(BATCH, env, context as unknown as ExecutionContext),
    behind: () => Promise.all(behind),
  };
}

function delivered(): void {
  count("event_deliveries_total", { tenant: "acme", subscription: "sub", outcome: "ack" });
}

test("of a batch that ends in time, with the batch", async () => {
  vi.mocked(consumeEvents).mockImplementation(async () => delivered());
  const isolate = anIsolate();
  await isolate.consume();
  expect(isolate.given()).toEqual([1]);
  await isolate.behind();
  expect(isolate.given()).toEqual([1]);
});

test("of work that goes on behind its batch, when it ends", async () => {
  vi.advanceTimersByTime(LONG_MS);
  vi.mocked(consumeEvents).mockImplementation(async () => {
    await new Promise((resolve) => setTimeout(resolve, LONG_MS));
    delivered();
  });
  const isolate = anIsolate();
  const consumed = isolate.consume();
  await vi.advanceTimersByTimeAsync(LONG_MS / 2);
  await consumed;
  expect(isolate.given()).toEqual([]);
  await vi.advanceTimersByTimeAsync(LONG_MS / 2);
  await isolate.behind();
  expect(isolate.given()).toEqual([1]);
});
