import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openConnections } from "../../../workers/consumers/connections.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("connections are given in turn, each back once, and nobody waits longer than it wants to", async () => {
  const connections = openConnections(2);
  const [first, second] = await Promise.all([connections.enter(0), connections.enter(0)]);
  const order: string[] = [];
  const impatient = connections.enter(100).then((leave) => order.push(`impatient ${!!leave}`));
  const third = connections.enter(1000).then((leave) => {
    order.push("third");
    return leave;
  });
  const fourth = connections.enter(1000).then(() => order.push("fourth"));
  await vi.advanceTimersByTimeAsync(100);
  await impatient;
  first?.();
  first?.();
  const leave = await third;
  await vi.advanceTimersByTimeAsync(0);
  expect(order).toEqual(["impatient false", "third"]);
  leave?.();
  await fourth;
  second?.();
  expect(await connections.enter(0)).toBeDefined();
  expect(order).toEqual(["impatient false", "third", "fourth"]);
});
