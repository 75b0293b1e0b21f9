/** Schedules on the real clock: fired by the runtime's own alarm, over a kill of the runtime, each slot once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, apiOf } from "../../support/channels/api.ts";
import { eventually, startTestHub, type TestHub } from "../../support/runtime.ts";

const TENANT = "clock";
/** From the slot on; alarms, a restart and the start of a run, on a machine with other work. */
const WITHIN_MS = 90_000;
/** From the order on: a slot that has passed before it was asked for is refused. */
const AHEAD_MS = 8000;
let world: TestHub;

const api = (): Api => apiOf(world.hub.url, world.hub.adminKey);

beforeAll(async () => {
  world = await startTestHub();
  expect((await api().post("/tenants", { id: TENANT })).status).toBe(201);
  const note = {
    id: "note",
    type: "action",
    action: "transform",
    with: { at: "{{ input.slot }}" },
  };
  const definition = { id: "noting", name: "Noting", version: "1.0.0", steps: [note] };
  expect((await api().post(`/workflows?tenant=${TENANT}`, definition)).status).toBe(201);
}, 120_000);
afterAll(() => world?.remove());

async function schedule(id: string, atMs: number): Promise<string> {
  const at = new Date(atMs).toISOString();
  const body = { id, workflow: "noting", timing: { kind: "at", at } };
  const made = await api().post(`/schedules?tenant=${TENANT}`, body);
  expect([made.status, made.body.next]).toEqual([201, at]);
  return at;
}

interface Slot {
  readonly slot: string;
  readonly outcome: string;
  readonly run: string;
}

const slotsOf = async (id: string) =>
  (await api().get(`/schedules/${id}/slots?tenant=${TENANT}`)).body.items as readonly Slot[];

/** The id of its run. */
async function firedOnce(id: string, at: string): Promise<string> {
  const slots = await eventually(
    `${id} to fire`,
    async () => {
      const found = await slotsOf(id).catch(() => []);
      return found.length > 0 ? found : undefined;
    },
    WITHIN_MS,
  );
  expect(slots).toMatchObject([{ slot: at, outcome: "fired" }]);
  const run = await eventually(
    "its run to end",
    async () => {
      const { body } = await api().get(`/runs/${slots[0]?.run}?tenant=${TENANT}`);
      return body.status === "completed" ? body : undefined;
    },
    WITHIN_MS,
  );
  expect(run).toMatchObject({ trigger: "schedule", input: { slot: at } });
  const { body } = await api().get(`/schedules/${id}?tenant=${TENANT}`);
  expect(body.next).toBeNull();
  return slots[0]?.run ?? "";
}

test("the alarm comes by itself", { timeout: 180_000 }, async () => {
  await firedOnce("alarm", await schedule("alarm", Date.now() + AHEAD_MS));
});

test("a slot that passed while the runtime was down fires once it is up", {
  timeout: 240_000,
}, async () => {
  const atMs = Date.now() + AHEAD_MS;
  const at = await schedule("downtime", atMs);
  await world.hub.kill();
  await eventually(
    "the slot to pass",
    async () => (Date.now() > atMs + 1000 ? true : undefined),
    30_000,
  );
  await world.hub.restart();
  // Nobody asks for it: its own alarm has to come.
  await firedOnce("downtime", at);
  const { body } = await api().get(`/runs?tenant=${TENANT}&workflow=noting&limit=50`);
  expect((body.items as unknown[]).length).toBe(2);
});

test("slots that fire while the runtime is killed fire once, and none is lost", {
  timeout: 300_000,
}, async () => {
  const many = 24;
  const atMs = Date.now() + 20_000;
  const ids = Array.from({ length: many }, (_, n) => `killed-${n}`);
  const ats = await Promise.all(ids.map((id) => schedule(id, atMs)));
  expect(Date.now()).toBeLessThan(atMs);
  // Right after the alarm: some are decided, some started, some written down.
  await eventually(
    "the slot to come",
    async () => (Date.now() > atMs + 60 ? true : undefined),
    60_000,
  );
  await world.hub.kill();
  await world.hub.restart();
  const runs = await Promise.all(ids.map((id, n) => firedOnce(id, ats[n] ?? "")));
  expect(new Set(runs).size).toBe(many);
  const { body } = await api().get(`/runs?tenant=${TENANT}&workflow=noting&limit=200`);
  const started = (body.items as { run: string }[]).map(({ run }) => run);
  expect(new Set(started).size).toBe(many + 2);
});
