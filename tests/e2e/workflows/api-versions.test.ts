/**
 * A workflow's life over the API of a whole hub: versions side by side, a restart in the middle of runs, a gradual
 * change of version, and what the report says of it all.
 */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Hub, startHub } from "../../../dev/runtime.ts";
import { temporaryState } from "../../../dev/state.ts";
import { eventually } from "../../support/runtime.ts";

const TENANT = "acme";
/** On a machine with other work, ms. */
const PATIENCE_MS = 60_000;

const stateDir = temporaryState();
let hub: Hub;

beforeAll(async () => {
  hub = await startHub({ stateDir });
  await must("POST", "/tenants", { id: TENANT });
}, PATIENCE_MS);

afterAll(async () => {
  await hub?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

const yaml = (version: string, word: string) => `id: greeting
name: Greeting
version: ${version}
input: { type: object, required: [name] }
steps:
  - { id: wait, type: event, signal: go, next: greet }
  - { id: greet, type: action, action: transform, with: { text: "${word} {{ input.name }}" } }
output: "{{ steps.greet.output.text }}"
`;

interface Told {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any shape, which the tests check
  readonly body: any;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  type = "application/json",
): Promise<Told> {
  const url = new URL(`${hub.url}${path}`);
  if (!path.startsWith("/tenants")) url.searchParams.set("tenant", TENANT);
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${hub.adminKey}`, "content-type": type },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return { status: response.status, text, body: isJson ? JSON.parse(text) : undefined };
}

async function must(...asked: Parameters<typeof ask>): Promise<Told["body"]> {
  const { status, text, body } = await ask(...asked);
  if (status >= 300) throw new Error(`${asked[0]} ${asked[1]}: ${status} ${text}`);
  return body;
}

const upload = (version: string, word: string) =>
  must("POST", "/workflows", yaml(version, word), "application/yaml");
const start = async (name: string, more: object = {}): Promise<string> =>
  (await must("POST", "/workflows/greeting/runs", { input: { name }, ...more })).run;
const inStatus = (run: string, status: string) =>
  eventually(
    `${run} ${status}`,
    async () => {
      const { body } = await ask("GET", `/runs/${run}`);
      return body.status === status ? body : undefined;
    },
    PATIENCE_MS,
  );

describe("versions side by side", () => {
  test("a run under way keeps its version through a promotion and a restart", async () => {
    await upload("1.0.0", "Hello");
    const old = await start("Ann");
    await inStatus(old, "waiting");
    await upload("2.0.0", "Good day,");
    await must("POST", "/workflows/greeting/promote", { version: "2.0.0" });
    const fresh = await start("Ben");
    await inStatus(fresh, "waiting");
    await hub.stop();
    hub = await startHub({ stateDir });
    for (const run of [old, fresh])
      await must("POST", `/runs/${run}/signals`, { name: "go", id: "1" });
    expect(await inStatus(old, "completed")).toMatchObject({
      version: "1.0.0",
      output: "Hello Ann",
    });
    expect(await inStatus(fresh, "completed")).toMatchObject({
      version: "2.0.0",
      output: "Good day, Ben",
    });
    const before = await must("GET", `/runs/${old}/state?entry=1`);
    expect([before.status, before.steps.map(({ key }: { key: string }) => key)]).toEqual([
      "waiting",
      ["wait"],
    ]);
  }, 180_000);

  test("a part of new runs gets the next one, each customer always the same; rolling back is at once", async () => {
    await upload("3.0.0", "Dear");
    const rollout = { version: "3.0.0", percent: 40, keys: ["first-friend"] };
    await must("PUT", "/workflows/greeting/rollout", rollout);
    const versionOf = async (customer: string) => {
      const more = { input: { name: customer }, correlation_id: customer };
      return (await must("POST", "/workflows/greeting/runs", more)).version;
    };
    expect(await versionOf("first-friend")).toBe("3.0.0");
    const customers = Array.from({ length: 20 }, (_, index) => `customer-${index}`);
    const first = [];
    for (const customer of customers) first.push(await versionOf(customer));
    expect(new Set(first)).toEqual(new Set(["2.0.0", "3.0.0"]));
    const wider = { ...rollout, percent: 70 };
    await must("PUT", "/workflows/greeting/rollout", wider);
    for (const [index, customer] of customers.entries())
      if (first[index] === "3.0.0") expect(await versionOf(customer)).toBe("3.0.0");
    await must("POST", "/workflows/greeting/promote", { version: "3.0.0" });
    await must("POST", "/workflows/greeting/rollback");
    expect(await versionOf("customer-0")).toBe("2.0.0");
  }, 180_000);

  test("searches and the report tell them apart", async () => {
    const report = await eventually(
      "the report",
      async () => {
        const told = await must("GET", "/workflows/greeting/report?version=1.0.0");
        return told.by_status.completed === 1 ? told : undefined;
      },
      PATIENCE_MS,
    );
    expect(report).toMatchObject({ succeeded: 1, success_rate: 1, slowest_step: "greet" });
    const found = await must("GET", "/runs?version=1.0.0&status=completed");
    expect(found.items).toHaveLength(1);
    const waiting = await must("GET", "/runs?workflow=greeting&status=waiting&limit=200");
    const versions = new Set(waiting.items.map(({ version }: { version: string }) => version));
    expect(versions).toEqual(new Set(["2.0.0", "3.0.0"]));
    const { text } = await ask("GET", "/workflows/greeting/report?format=csv");
    expect(text.split("\r\n")[0]).toContain("p95_ms");
  }, 180_000);
});
