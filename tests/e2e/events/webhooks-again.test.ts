/** Events sent to a webhook again: one, everything that has not arrived, a test. Over the running hub. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChannelWorld, startWorld } from "../../support/channels/world.ts";
import { anEvent, type Endpoint, endpoint, gets, logs, publish } from "../../support/webhooks.ts";

/** Waits of a tenth of a second, so that a whole schedule fits into a test. */
const QUICK = (retries: number) => ({ kind: "listed", waits_s: Array(retries).fill(0.1) });
let world: ChannelWorld;
const opened: Endpoint[] = [];

async function open(id: string, over: Parameters<typeof endpoint>[3] = {}): Promise<Endpoint> {
  const one = await endpoint(world, "acme", id, over);
  opened.push(one);
  return one;
}

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({ id: "acme" });
});
afterAll(async () => {
  await Promise.all(opened.map(({ receiver }) => receiver.stop()));
  await world?.stop();
});

describe("sending again", () => {
  const post = (path: string, body: unknown = {}) => world.api("acme").post(path, body);

  test("makes the waiting attempt at once instead of sending twice; a delivered one goes anew", async () => {
    const one = await open("again", { retry: { kind: "listed", waits_s: [3600] } });
    one.receiver.script([{ status: 500 }]);
    await publish(world, "acme", [anEvent("again", "evt-again", { partition_key: "p" })]);
    const [failed] = await logs(one, 1);
    const hastened = await post(`/deliveries/${failed?.id}/resend`);
    expect([hastened.status, hastened.body.result]).toEqual([202, "hastened"]);
    await gets(one, 2);
    const done = await logs(one, 2);
    expect(done.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, "failure"],
      [2, "success"],
    ]);
    const resent = await post(`/deliveries/${done[1]?.id}/resend`);
    expect([resent.status, resent.body.result]).toEqual([202, "published"]);
    const calls = await gets(one, 3);
    expect(new Set(calls.map(({ id }) => id))).toEqual(new Set(["evt-again"]));
    expect((await logs(one, 3)).map(({ cause }) => cause)).toEqual([
      "schedule",
      "schedule",
      "resend",
    ]);
  });

  test("recovers everything that has not arrived since a moment, once, in its order", async () => {
    const one = await open("recovered", { retry: QUICK(0) });
    const since = new Date(Date.now() - 1000).toISOString();
    one.receiver.script([{ status: 500 }, { status: 200 }, { status: 500 }]);
    for (const n of ["1", "2", "3"]) {
      await publish(world, "acme", [
        anEvent("recovered", `evt-recovered-${n}`, { partition_key: "p" }),
      ]);
      await logs(one, Number(n));
    }
    const path = "/subscriptions/recovered/recover";
    const first = await post(path, { since });
    expect(first.body).toEqual({ matched: 2, resent: 2, skipped: 0 });
    const calls = await gets(one, 5);
    expect(calls.slice(3).map(({ id }) => id?.at(-1))).toEqual(["1", "3"]);
    await logs(one, 5);
    expect((await post(path, { since })).body).toEqual({ matched: 0, resent: 0, skipped: 0 });
    const far = await post(path, { since: "2020-01-01T00:00:00Z" });
    expect(far.status).toBe(422);
  });

  test("tests an endpoint through everything a real event passes", async () => {
    const one = await open("tested");
    expect((await post("/subscriptions/tested/test")).status).toBe(202);
    const given = await post("/subscriptions/tested/test", {
      event_type: "order.created",
      data: { order: 7 },
    });
    expect(given.status).toBe(202);
    const calls = await gets(one, 2);
    const types = calls.map(({ body }) => (body as { event_type: string }).event_type);
    expect(types.toSorted()).toEqual(["endpoint.test", "order.created"]);
    expect((await logs(one, 2)).map(({ cause }) => cause)).toEqual(["test", "test"]);
    const [attempt] = await one.attempts();
    const resent = await post(`/deliveries/${attempt?.id}/resend`);
    expect(resent.status).toBe(422);
  });

  test("of another tenant's attempt or of none is 404", async () => {
    await world.addTenant({ id: "globex" });
    const one = await open("mine");
    await publish(world, "acme", [anEvent("mine", "evt-mine")]);
    const [attempt] = await logs(one, 1);
    const globex = world.api("globex");
    expect((await globex.get(`/deliveries/${attempt?.id}`)).status).toBe(404);
    expect((await globex.post(`/deliveries/${attempt?.id}/resend`)).status).toBe(404);
    expect(await globex.items("/events/evt-mine/deliveries")).toEqual([]);
    expect((await globex.get("/subscriptions/mine/deliveries")).status).toBe(404);
    expect((await post(`/deliveries/att_${"0".repeat(22)}/resend`)).status).toBe(404);
  });
});
