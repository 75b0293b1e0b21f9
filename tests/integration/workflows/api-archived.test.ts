/** A run that its object has forgotten is read out of the archive, and takes no orders. */
import { env as bindings } from "cloudflare:workers";
import { beforeAll, expect, test, vi } from "vitest";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import { type ApiTenant, apiTenant, noting } from "./api-hub.ts";

const env = bindings as unknown as Env;
const PATIENCE = { timeout: 20_000, interval: 50 };
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let hub: ApiTenant;
let run: string;

beforeAll(async () => {
  hub = await apiTenant();
  await hub.ask("POST", "/workflows", noting("kept"));
  run = (await hub.ask("POST", "/workflows/kept/runs", { input: { word: "kept" } })).body.run;
  await vi.waitFor(async () => {
    const { body } = await hub.ask("GET", "/runs?status=completed");
    expect(body.items).toHaveLength(1);
    expect(await env.STORE.head(`runs/${hub.tenant}/${run}.json`)).not.toBeNull();
  }, PATIENCE);
});

test("reads the same before and after", async () => {
  const paths = ["", "/steps", "/state", "/state?entry=1", "/state?step=note", "/timeline"];
  const ask = () =>
    Promise.all(
      [...paths, "/audit", "/graph"].map((path) => hub.ask("GET", `/runs/${run}${path}`)),
    );
  const before = await ask();
  await workflowRun(env, { tenant: hub.tenant, run })
    .destroy()
    .catch(() => undefined);
  expect(await workflowRun(env, { tenant: hub.tenant, run }).state()).toBeUndefined();
  const after = await ask();
  expect(after.map(({ status }) => status)).toEqual(before.map(() => 200));
  expect(after.map(({ text }) => text)).toEqual(before.map(({ text }) => text));
});

test.each([
  ["pause", undefined],
  ["cancel", {}],
  ["signals", { name: "word" }],
  ["retry", { step: "note" }],
  ["retry-compensation", undefined],
])("%s is 409, and says why", async (what, body) => {
  const answer = await hub.ask("POST", `/runs/${run}/${what}`, body);
  expect([answer.status, answer.body.reason, answer.body.run_status]).toEqual([
    ...[409, "run_finished", "completed"],
  ]);
});

test("is not another tenant's, in the archive either", async () => {
  const stranger = await apiTenant();
  expect((await stranger.ask("GET", `/runs/${run}`)).status).toBe(404);
  expect((await stranger.ask("POST", `/runs/${run}/pause`)).status).toBe(404);
});
