/** What triggers of definitions stand for, through the versions in force; and events that start runs. */
import { describe, expect, test, vi } from "vitest";
import { readSchedules } from "../../../platform/repositories/schedules.ts";
import {
  findSubscription,
  SUBSCRIPTIONS_MAX,
} from "../../../platform/repositories/subscriptions.ts";
import { workflowScheduler } from "../../../platform/workflow-triggers.ts";
import { watchSchedulers } from "../../../workers/scheduled/schedules.ts";
import { noting } from "./api-hub.ts";
import { anEvent, env, triggering } from "./triggering.ts";

vi.setConfig({ testTimeout: 60_000 });

const nightly = (cron: string) => ({ type: "schedule", cron });
const onEvent = (event: string, more = {}) => ({ type: "event", event, ...more });
const definition = (version: string, triggers: readonly unknown[], more = {}) =>
  noting("w", version, { triggers, ...more });

describe("triggers follow the version in force", () => {
  const shown = async (tenant: string) => {
    const schedules = await readSchedules(env.DB, tenant);
    const hidden = await findSubscription(env.DB, tenant, "$wf:w");
    return [
      schedules.map(({ schedule: { id, timing } }) => [
        id,
        timing.kind === "cron" ? timing.cron : "",
      ]),
      hidden?.subscription.bindings.map((one) => (one.kind === "fanout" ? "#" : one.key)),
    ];
  };

  test("uploaded, promoted, rolled back and deleted", async () => {
    const { tenant, ask, upload } = await triggering();
    await upload(definition("1.0.0", [nightly("0 1 * * *"), onEvent("order.*")]));
    const first = [[["wf_w_1", "0 1 * * *"]], ["order.*"]];
    expect(await shown(tenant)).toEqual(first);
    await upload(definition("2.0.0", [nightly("0 2 * * *"), nightly("0 3 * * *")]));
    expect(await shown(tenant)).toEqual(first);
    await ask("POST", "/workflows/w/promote", { version: "2.0.0" });
    const second = [
      [
        ["wf_w_1", "0 2 * * *"],
        ["wf_w_2", "0 3 * * *"],
      ],
      undefined,
    ];
    expect(await shown(tenant)).toEqual(second);
    await ask("POST", "/workflows/w/rollback");
    expect(await shown(tenant)).toEqual(first);
    expect((await ask("DELETE", "/workflows/w")).status).toBe(204);
    expect(await shown(tenant)).toEqual([[], undefined]);
  });

  test("the pause of a person outlives a version; what the definition says cannot be changed beside it", async () => {
    const { ask, upload } = await triggering();
    await upload(definition("1.0.0", [nightly("0 1 * * *")]));
    expect((await ask("POST", "/schedules/wf_w_1/pause")).body).toMatchObject({
      paused: true,
      next: null,
      declared_by: "definition",
    });
    await upload(definition("2.0.0", [nightly("0 2 * * *")]));
    await ask("POST", "/workflows/w/promote", { version: "2.0.0" });
    const { body } = await ask("GET", "/schedules/wf_w_1");
    expect(body).toMatchObject({ paused: true, timing: { cron: "0 2 * * *" } });
    expect((await ask("PATCH", "/schedules/wf_w_1", { overlap: "allow" })).status).toBe(409);
    expect((await ask("DELETE", "/schedules/wf_w_1")).status).toBe(409);
    expect((await ask("POST", "/schedules/wf_w_1/resume")).body).toMatchObject({ paused: false });
  });

  test("also where nobody said so: the watch sees it", async () => {
    const { tenant, upload } = await triggering();
    await upload(definition("1.0.0", [nightly("0 1 * * *")]));
    await upload(definition("2.0.0", [onEvent("order.*")]));
    await env.DB.prepare(
      "UPDATE workflow_routes SET active = '2.0.0', revision = revision + 1 WHERE tenant_id = ?",
    )
      .bind(tenant)
      .run();
    await watchSchedulers(env, Date.now());
    expect(await shown(tenant)).toEqual([[], ["order.*"]]);
  });

  test("as often as it is said, at once and again", async () => {
    const { tenant, upload } = await triggering();
    await upload(definition("1.0.0", [nightly("0 1 * * *"), onEvent("order.*")]));
    const before = await readSchedules(env.DB, tenant);
    const version = (await findSubscription(env.DB, tenant, "$wf:w"))?.version;
    const scheduler = () => workflowScheduler(env, tenant);
    await Promise.all([1, 2, 3, 4].map(() => scheduler().sync(tenant, "w", Date.now())));
    expect(await readSchedules(env.DB, tenant)).toEqual(before);
    expect((await findSubscription(env.DB, tenant, "$wf:w"))?.version).toBe(version);
  });

  test("as soon as there is room for what it stands for", async () => {
    const { tenant, upload } = await triggering();
    const config = {
      bindings: [{ kind: "direct", key: "x" }],
      target: { kind: "pull" },
      name: "x",
    };
    await env.DB.prepare(
      `INSERT INTO subscriptions (tenant_id, id, config, version, state, created_at, updated_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       SELECT ?1, 'x' || i, json_insert(?3, '$.id', 'x' || i), 1, 'active', 0, 0 FROM n`,
    )
      .bind(tenant, SUBSCRIPTIONS_MAX, JSON.stringify(config))
      .run();
    await upload(definition("1.0.0", [onEvent("order.*")]));
    expect(await shown(tenant)).toEqual([[], undefined]);
    await watchSchedulers(env, Date.now());
    expect(await shown(tenant)).toEqual([[], undefined]);
    await env.DB.prepare("DELETE FROM subscriptions WHERE tenant_id = ? AND id = 'x1'")
      .bind(tenant)
      .run();
    await watchSchedulers(env, Date.now());
    expect(await shown(tenant)).toEqual([[], ["order.*"]]);
  });

  test("nobody sees or names the hidden subscription", async () => {
    const { ask, upload } = await triggering();
    await upload(definition("1.0.0", [onEvent("order.*")]));
    expect((await ask("GET", "/subscriptions")).body.items).toEqual([]);
    for (const method of ["GET", "DELETE"])
      expect((await ask(method, "/subscriptions/$wf:w")).status).toBe(404);
    const taken = {
      id: "$wf:x",
      name: "x",
      bindings: [{ kind: "fanout" }],
      target: { kind: "pull" },
    };
    expect((await ask("POST", "/subscriptions", taken)).status).toBe(400);
  });
});

describe("an event", () => {
  test("starts one run, however often it is handed over", async () => {
    const { publish, work, handed, runs, ended, upload } = await triggering();
    const input = { total: "{{ event.data.total }}" };
    await upload(definition("1.0.0", [onEvent("order.*", { input })]));
    const metadata = { correlation_id: "o-1" };
    const event = anEvent("order.paid", { data: { total: 7 }, metadata });
    await publish(event);
    await work("$wf:w");
    for (let n = 0; n < 2; n += 1)
      expect(await handed("$wf:w", event)).toEqual([{ seq: 7, is: "ack" }]);
    await publish(anEvent("shipment.sent"));
    await work("$wf:w");
    const [run, ...others] = await runs("w", 1);
    expect(others).toEqual([]);
    expect(run).toMatchObject({ trigger: "event", correlation_id: "o-1", version: "1.0.0" });
    expect((await ended(run?.id ?? "")).input).toEqual({ total: 7 });
  });

  test("starts nothing where the condition is false", async () => {
    const { handed, ask, upload } = await triggering();
    await upload(definition("1.0.0", [onEvent("order.*", { condition: "event.data.total > 10" })]));
    const event = anEvent("order.paid", { data: { total: 7 } });
    expect(await handed("$wf:w", event)).toEqual([{ seq: 7, is: "ack" }]);
    expect((await ask("GET", "/runs")).body.items).toEqual([]);
  });

  test.each([
    [
      "an input that does not fit",
      {},
      { input: { type: "object", required: ["total"] } },
      "invalid_input",
    ],
    [
      "a condition that cannot be evaluated",
      { condition: "event.data.none.more" },
      {},
      "expression.condition",
    ],
    ["a key that is none", { idempotencyKey: "[1]" }, {}, "not_a_key.idempotencyKey"],
  ])("with %s is a dead letter that says why", async (_, trigger, more, reason) => {
    const { ask, publish, work, upload } = await triggering();
    await upload(definition("1.0.0", [onEvent("order.*", trigger)], more));
    await publish(anEvent("order.paid"));
    await work("$wf:w");
    await vi.waitFor(
      async () => {
        // Rung by its queue, or by hand: written down once.
        await work("$dead");
        const { items } = (await ask("GET", "/dead-letters")).body;
        const letter = { reason: "rejected", subscription: "$wf:w", event_type: "order.paid" };
        expect(items).toMatchObject([{ ...letter, attempts: [{ reason }] }]);
      },
      { timeout: 20_000, interval: 100 },
    );
  });

  test("of a workflow that is paused is a dead letter; replayed behind the pause it starts its run", async () => {
    const { ask, handed, runs, upload } = await triggering();
    await upload(definition("1.0.0", [onEvent("order.*")]));
    await ask("POST", "/workflows/w/pause");
    const event = anEvent("order.paid");
    expect(await handed("$wf:w", event)).toEqual([{ seq: 7, is: "dead", reason: "paused" }]);
    await ask("POST", "/workflows/w/resume");
    const again = { ...event, metadata: { replay_id: "rpl_1" } };
    expect(await handed("$wf:w", again)).toEqual([{ seq: 7, is: "ack" }]);
    expect(await runs("w", 1)).toHaveLength(1);
  });

  test("is tried again where the run's object is away", async () => {
    const { handed, runs, upload } = await triggering();
    await upload(definition("1.0.0", [onEvent("order.*")]));
    const event = anEvent("order.paid");
    const away = vi.spyOn(env.WORKFLOW_RUN, "getByName").mockImplementation(() => {
      throw new Error("away");
    });
    expect(await handed("$wf:w", event)).toMatchObject([{ is: "retry", reason: "unavailable" }]);
    away.mockRestore();
    expect(await handed("$wf:w", event)).toEqual([{ seq: 7, is: "ack" }]);
    expect(await runs("w", 1)).toHaveLength(1);
  });
});

describe("a subscription to a workflow", () => {
  const subscription = (target: Record<string, unknown>) => ({
    ...{ id: "sub", name: "sub", bindings: [{ kind: "topic", key: "order.*" }] },
    target: { kind: "workflow", workflow: "w", ...target },
  });

  test("starts one run per event, with its data as input and in the version it names", async () => {
    const { ask, publish, work, handed, runs, ended, upload } = await triggering();
    await upload(definition("1.0.0", []));
    await upload(definition("2.0.0", []));
    expect((await ask("POST", "/subscriptions", subscription({ version: "2.0.0" }))).status).toBe(
      201,
    );
    const event = anEvent("order.paid");
    await publish(event);
    await work("sub");
    expect(await handed("sub", event)).toEqual([{ seq: 7, is: "ack" }]);
    const [run, ...others] = await runs("w", 1);
    expect([run?.version, run?.trigger, others]).toEqual(["2.0.0", "event", []]);
    expect((await ended(run?.id ?? "")).input).toEqual(event.data);
  });

  test("is not started by what its own runs tell, but by what others' tell", async () => {
    const { ask, handed, runs, upload } = await triggering();
    await upload(definition("1.0.0", []));
    const everything = { ...subscription({}), bindings: [{ kind: "fanout" }] };
    expect((await ask("POST", "/subscriptions", everything)).status).toBe(201);
    const told = (type: string, workflow: string) =>
      handed("sub", anEvent(type, { data: { run: "run_1", workflow, version: "1.0.0" } }));
    for (const type of ["workflow.run.started", "workflow.step.completed", "task.opened"])
      expect(await told(type, "w")).toEqual([{ seq: 7, is: "ack" }]);
    expect(await told("workflow.run.failed", "another")).toEqual([{ seq: 7, is: "ack" }]);
    expect(await runs("w", 1)).toHaveLength(1);
  });

  test("that is not there by now is a dead letter", async () => {
    const { ask, handed, upload } = await triggering();
    await upload(definition("1.0.0", []));
    expect((await ask("POST", "/subscriptions", subscription({}))).status).toBe(201);
    expect((await ask("DELETE", "/workflows/w")).status).toBe(204);
    expect(await handed("sub", anEvent("order.paid"))).toEqual([
      { seq: 7, is: "dead", reason: "unknown_workflow" },
    ]);
  });
});
