/**
 * Both sagas over the API, their services saying all they know of a person in answers and refusals: nothing of that,
 * and no secret, is in the trail, the events, the log lines, the metrics, any row of the database, or the log of a run that
 * completed. People see what failed and run it again.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/runtime.ts";
import { MARKED, markersIn } from "../../support/workflows/person.ts";
import {
  CHANNEL_TOKEN,
  type SagaWorld,
  SIGNING_SECRET,
  startSagaWorld,
} from "../../support/workflows/saga-world.ts";
import { BOOKING, ONBOARDING } from "../../unit/domain/workflows/ready/sagas.ts";

const WITHIN_MS = 120_000;
/** Kept of what is looked through where a place is given a name: enough to see that it is the right one. */
const LEAST_CHARS = 200;
const ENDS = /^workflow\.run\.(?:completed|compensated|failed)$/;
let world: SagaWorld;
let subscription = "";
const runs: string[] = [];

const BOOKING_INPUT = { ...(BOOKING.input as object), person: MARKED.person };
const ONBOARDING_INPUT = { ...(ONBOARDING.input as object), owner: MARKED.person };

beforeAll(async () => {
  world = await startSagaWorld();
  world.simulator.talk(true);
  const bindings = [
    { kind: "topic", key: "workflow.#" },
    { kind: "topic", key: "task.#" },
  ];
  const made = await json("POST", "/subscriptions", {
    ...{ name: "all of workflows", bindings, target: { kind: "pull" }, prefetch: 200 },
  });
  subscription = String(made.id);
  runs.push(
    await start("booking-billing", BOOKING_INPUT, "booked"),
    await start("agent-onboarding", ONBOARDING_INPUT, "onboarded"),
    await refused("booking-billing", BOOKING_INPUT, "billing.charge"),
    await refused("agent-onboarding", ONBOARDING_INPUT, "knowledge.open"),
    await refused("booking-billing", BOOKING_INPUT, "notifications.send", "billing.refund"),
  );
  await Promise.all(runs.map(ended));
}, 240_000);
afterAll(() => world?.stop());

interface Told {
  readonly id?: string;
  readonly items?: readonly {
    readonly what?: string;
    readonly event?: { readonly event_type: string; readonly data: { readonly run?: string } };
  }[];
  readonly deliveries?: readonly unknown[];
}

async function json(method: string, path: string, body?: unknown): Promise<Told> {
  const named = path + (path.includes("?") ? "&" : "?");
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await world.api(`${named}tenant=${world.tenant}`, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

async function start(workflow: string, input: unknown, key: string): Promise<string> {
  const init = { method: "POST", body: JSON.stringify({ tenant: world.tenant, input }) };
  const headers = { "idempotency-key": key };
  const answer = await world.api(`/workflows/${workflow}/runs`, { ...init, headers });
  return ((await answer.json()) as { run: string }).run;
}

/** A run in which these calls are refused. */
async function refused(workflow: string, input: unknown, ...actions: string[]): Promise<string> {
  const planned = await world.planned(workflow, input);
  for (const action of actions)
    world.simulator.refuse({ action, code: "not_possible", run: planned.run, next: 1 });
  await planned.begin();
  return planned.run;
}

/** In the tables, and told. */
async function ended(run: string): Promise<string> {
  return eventually(
    `the end of ${run}`,
    async () => {
      const { items } = await json("GET", `/runs/${run}/audit?limit=200`);
      const last = items?.at(-1)?.what ?? "";
      return last.startsWith("saga_") ? last : undefined;
    },
    WITHIN_MS,
  );
}

/** Nothing of the person, and no secret. */
function expectNothing(text: string): void {
  expect(text.length).toBeGreaterThan(LEAST_CHARS);
  expect(markersIn(text)).toEqual([]);
  expect(text).not.toContain(CHANNEL_TOKEN);
  expect(text).not.toContain(SIGNING_SECRET.slice("whsec_".length));
}

describe("nothing of the person and no secret is", () => {
  test("absent from where it belongs: the services said it, and got the token", () => {
    const said = world.gate.said(runs[0]);
    expect(markersIn(JSON.stringify(said))).toHaveLength(Object.keys(MARKED).length - 1);
    const connected = world.gate.calls(runs[1]).find(({ action }) => action === "channels.connect");
    expect(connected?.input).toMatchObject({ token: CHANNEL_TOKEN, channel: "whatsapp" });
  });

  test("in the trails and the timelines", async () => {
    for (const run of runs) {
      expectNothing(JSON.stringify(await json("GET", `/runs/${run}/audit?limit=200`)));
      expectNothing(JSON.stringify(await json("GET", `/runs/${run}/timeline`)));
    }
  });

  test("in the events, neither in the log of them nor as they are delivered", async () => {
    const ends = async () => {
      const { items = [] } = await json("GET", "/events?limit=200");
      const over = items
        .filter(({ event }) => ENDS.test(event?.event_type ?? ""))
        .map(({ event }) => event?.data.run);
      return new Set(over).size === runs.length ? JSON.stringify(items) : undefined;
    };
    expectNothing(await eventually("all ends in the log of events", ends, WITHIN_MS));
    const lease = await json("POST", `/subscriptions/${subscription}/lease`, { max: 100 });
    expect(lease.deliveries).not.toEqual([]);
    expectNothing(JSON.stringify(lease));
  });

  test("in the lines of the log", () => {
    const lines = world.logs.filter((line) => line.includes("action.ended"));
    expect(lines.length).toBeGreaterThan(20);
    expectNothing(world.logs.join("\n"));
  });

  test("in the metrics", async () => {
    const text = await (await world.api("/metrics")).text();
    expect(text).toContain("http_requests_total");
    expectNothing(text);
  });

  test("in any row of the database", async () => {
    const db = await world.hub.mf.getD1Database("DB");
    const tables = await db
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
      )
      .all<{ name: string }>();
    const rows = new Map<string, string>();
    for (const { name } of tables.results) {
      const { results } = await db.prepare(`SELECT * FROM "${name}"`).all();
      rows.set(name, JSON.stringify(results));
    }
    for (const name of ["workflow_runs", "workflow_steps", "workflow_audit", "tenant_secrets"])
      expect((rows.get(name) ?? "").length).toBeGreaterThan(LEAST_CHARS);
    for (const run of runs) expect(rows.get("workflow_runs")).toContain(run);
    expectNothing([...rows.values()].join("\n"));
  });

  test("in the log of a run that completed, nor in its archive", async () => {
    for (const run of runs.slice(0, 2)) {
      const log = JSON.stringify(await world.ask("log", { run }));
      expect(log).toContain("step_succeeded");
      expectNothing(log);
    }
    const store = await world.hub.mf.getR2Bucket("STORE");
    for (const run of runs.slice(0, 2)) {
      const kept = await eventually(
        `the archive of ${run}`,
        async () => (await store.get(`runs/${world.tenant}/${run}.json`)) ?? undefined,
        WITHIN_MS,
      );
      const text = await kept.text();
      expect(text).toContain("step_succeeded");
      expectNothing(text);
    }
  });

  test("in what is shown of a run that completed", async () => {
    for (const path of ["", "/steps", "/state"])
      for (const run of runs.slice(0, 2))
        expectNothing(JSON.stringify(await json("GET", `/runs/${run}${path}`)));
  });

  test("in the answer to an input that names somebody, nor anywhere after it", async () => {
    const body = JSON.stringify({
      tenant: world.tenant,
      input: { ...BOOKING_INPUT, person: MARKED.name },
    });
    const answer = await world.api("/workflows/booking-billing/runs", { method: "POST", body });
    expect(answer.status).toBe(422);
    expect(markersIn(await answer.text())).toEqual([]);
    expect(markersIn(world.logs.join("\n"))).toEqual([]);
  });
});

describe("people", () => {
  test("find the run whose refund failed, mend the cause, and run it again", async () => {
    const [run = ""] = runs.slice(-1);
    const { items } = await json("GET", "/runs/failed-compensations");
    expect(items).toMatchObject([
      {
        run,
        status: "compensation_failed",
        failed: [{ key: "bill", undo: "refund", reason: "refused.not_possible" }],
      },
    ]);
    expect(world.standingOf(run)).toEqual(["invoice"]);
    await json("POST", `/runs/${run}/retry-compensation`);
    await world.until(run, ({ status }) => status === "compensated", WITHIN_MS);
    expect(world.standingOf(run)).toEqual([]);
    await eventually(
      "an empty list",
      async () => {
        const { items: left } = await json("GET", "/runs/failed-compensations");
        return left?.length === 0 || undefined;
      },
      WITHIN_MS,
    );
  });
});
