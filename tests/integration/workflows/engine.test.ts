/** Runs in workerd, from their start to their end, with their Workflows instances. */
import { describe, expect, test } from "vitest";
import { running, stepsOf } from "./running.ts";

const action = (id: string, more: Record<string, unknown> = {}) => ({
  ...{ id, type: "action", action: id },
  ...more,
});

describe("a run", () => {
  test("goes through its steps in order", async () => {
    const hub = await running({ a: {}, b: {}, c: {} });
    await hub.deploy({
      id: "line",
      steps: [action("a", { next: "b" }), action("b", { next: "c" }), action("c")],
    });
    const state = await hub.ended(await hub.start("line"));
    expect(state.status).toBe("completed");
    expect(hub.called()).toEqual(["a", "b", "c"]);
    expect(stepsOf(state)).toEqual({ a: "succeeded", b: "succeeded", c: "succeeded" });
  });
});
