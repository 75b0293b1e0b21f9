/** The timeline of a run whose steps begin within one millisecond. */
import { expect, test, vi } from "vitest";
import { apiTenant, noting } from "./api-hub.ts";

vi.setConfig({ testTimeout: 60_000 });

test("a timeline is in the order of the flow, also of steps of one millisecond", async () => {
  const hub = await apiTenant();
  const set = (id: string, more = {}) => ({ id, type: "set", values: { x: 1 }, ...more });
  const steps = [set("z", { next: "m" }), set("m", { next: "a" }), set("a")];
  await hub.ask("POST", "/workflows", noting("swift", "1.0.0", { steps }));
  const { body } = await hub.ask("POST", "/workflows/swift/runs", { input: {} });
  const keys = await vi.waitFor(
    async () => {
      const { items } = (await hub.ask("GET", `/runs/${body.run}/timeline`)).body;
      expect(items).toHaveLength(3);
      return items.map(({ key }: { key: string }) => key);
    },
    { timeout: 40_000, interval: 100 },
  );
  expect(keys).toEqual(["z", "m", "a"]);
});
