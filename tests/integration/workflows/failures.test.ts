/** Runs in workerd whose steps fail: tried again, mended, too late, too large. */
import { describe, expect, test, vi } from "vitest";
import { action, RUN_TEST_MS, running } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS });

describe("a step that fails", () => {
  const refused = { status: 422, body: { error: { code: "no_room", message: "full" } } };

  test("is tried again as its rule says, under one key", async () => {
    const hub = await running({ a: [{ status: 503 }, { status: 503 }, {}] });
    const retry = { attempts: 3, backoff: 30, strategy: "constant", jitter: "none" };
    await hub.deploy({ id: "again", steps: [action("a", { retry })] });
    const state = await hub.ended(await hub.start("again"));
    expect(state.status).toBe("completed");
    expect(state.steps.a).toMatchObject({ attempt: 3, status: "succeeded" });
    expect(hub.calls.map(({ key }) => key)).toEqual(Array(3).fill(`${state.run}/a/0`));
  });

  test("is not tried again where the service says that it makes no sense", async () => {
    const hub = await running({ a: refused });
    await hub.deploy({ id: "no", steps: [action("a", { retry: { attempts: 5, backoff: 10 } })] });
    const state = await hub.ended(await hub.start("no"));
    expect(state).toMatchObject({
      status: "failed",
      ending: { is: "failed", error: { reason: "no_room", message: "full" } },
    });
    expect(hub.called()).toEqual(["a"]);
  });

  test("goes on at onError, which sees the error", async () => {
    const hub = await running({ a: refused, mend: {}, b: {} });
    await hub.deploy({
      id: "mended",
      steps: [
        action("a", { onError: "mend" }),
        action("mend", { with: { code: "{{ error.code }}" }, next: "b" }),
        action("b"),
      ],
    });
    const state = await hub.ended(await hub.start("mended"));
    expect(state.status).toBe("completed");
    expect(hub.calls[1]).toMatchObject({ action: "mend", input: { code: "no_room" } });
    expect(hub.called()).toEqual(["a", "mend", "b"]);
  });

  test("by its time is tried again, and the late answer counts for nothing", async () => {
    const hub = await running({ a: [{ waitMs: 3000, body: { late: true } }, { body: { n: 2 } }] });
    const retry = { attempts: 2, backoff: 10, jitter: "none" };
    await hub.deploy({ id: "slow", steps: [action("a", { timeout: 400, retry })] });
    const state = await hub.ended(await hub.start("slow"));
    expect(state.steps.a).toMatchObject({ status: "succeeded", output: { n: 2 }, attempt: 2 });
  });

  test("by the run's time ends the run", async () => {
    const hub = await running({ a: {} });
    await hub.deploy({
      id: "short",
      timeout: 300,
      steps: [action("a", { next: "nap" }), { id: "nap", type: "wait", for: "1h" }],
    });
    const state = await hub.ended(await hub.start("short"));
    expect(state).toMatchObject({ status: "failed", ending: { error: { reason: "timeout" } } });
  });

  test("with an expression that makes no sense fails with a clear error, never the engine", async () => {
    const hub = await running({ a: {} });
    await hub.deploy({
      id: "wrong",
      steps: [action("a", { with: { n: "{{ input.list[7] }}" } })],
    });
    const state = await hub.ended(await hub.start("wrong", { input: { list: [] } }));
    expect(state.status).toBe("failed");
    expect(state.steps.a?.error?.reason).toBe("expression");
    expect(hub.called()).toEqual([]);
  });

  test("with too large an answer says so; a large one is kept whole", async () => {
    const hub = await running({
      large: { body: { text: "x".repeat(250_000) } },
      // JSON of exactly 1 MiB is read, and one byte more is not.
      most: { body: "x".repeat(1_048_574) },
      huge: { body: "x".repeat(1_048_575) },
    });
    await hub.deploy({
      id: "sizes",
      steps: [
        action("large", { next: "most" }),
        action("most", { next: "huge" }),
        action("huge", { onError: "done" }),
        {
          id: "done",
          type: "set",
          values: { length: "{{ size(steps.large.output.text) }}" },
          next: "end",
        },
        { id: "end", type: "set", values: { over: true } },
      ],
    });
    const state = await hub.ended(await hub.start("sizes"));
    expect(state.steps.large?.output).toMatchObject({ text: "x".repeat(250_000) });
    expect(state.steps.most?.output).toMatchObject({ $large: { chars: 1_048_576 } });
    expect(state.steps.huge?.error?.reason).toBe("answer_too_large");
  });
});
