/** Webhook delivery over the running hub, at receivers that check with the reference libraries. */
import { type CloudEvent, HTTP } from "cloudevents";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newWebhookSecret } from "../../../platform/webhook-signature.ts";
import { type Resolver, startResolver } from "../../../simulators/resolver.ts";
import { plain } from "../../support/channels/customer.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";
import { anEvent, type Endpoint, endpoint, gets, logs, publish } from "../../support/webhooks.ts";

/** Waits of a tenth of a second, so that a whole schedule fits into a test. */
const QUICK = (retries: number) => ({ kind: "listed", waits_s: Array(retries).fill(0.1) });
const ONE_A_MINUTE = { per_second: 1 / 60, burst: 1 };
let world: ChannelWorld;
let resolver: Resolver;
const opened: Endpoint[] = [];

async function open(id: string, over: Parameters<typeof endpoint>[3] = {}): Promise<Endpoint> {
  const one = await endpoint(world, "acme", id, over);
  opened.push(one);
  return one;
}

beforeAll(async () => {
  resolver = await startResolver();
  world = await startWorld({ bindings: { DOH_URL: resolver.endpoint } });
  await world.addTenant({ id: "acme" });
});
afterAll(async () => {
  await Promise.all(opened.map(({ receiver }) => receiver.stop()));
  await world?.stop();
  await resolver?.stop();
});

describe("what arrives", () => {
  test("is signed with both secrets of a rotation, and in the log with the answer", async () => {
    const secrets = [newWebhookSecret(), newWebhookSecret()];
    const one = await open("signed", { target: { secrets } });
    one.receiver.answer({ status: 201, body: { thanks: true } });
    await publish(world, "acme", [anEvent("signed", "evt-signed-1")]);
    const [call] = await gets(one, 1);
    for (const secret of secrets) {
      const verified = new Webhook(secret).verify(call?.raw ?? "", plain(call?.headers ?? {}));
      expect(verified).toMatchObject({ event_id: "evt-signed-1", data: { word: "olá" } });
      const svix = () =>
        new SvixWebhook(secret).verify(call?.raw ?? "", plain(call?.headers ?? {}));
      expect(svix).not.toThrow();
    }
    expect(call?.id).toBe("evt-signed-1");
    const [attempt] = await logs(one, 1);
    expect(attempt).toMatchObject({ outcome: "success", status: 201, attempt: 1, next_at: null });
    const { body } = await world.api("acme").get(`/deliveries/${attempt?.id}`);
    expect(body.response_body).toBe('{"thanks":true}');
    expect(body.request_headers).toMatchObject({ "webhook-id": "evt-signed-1" });
    expect(JSON.stringify(body)).not.toContain("webhook-signature");
    const byEvent = await world.api("acme").items("/events/evt-signed-1/deliveries");
    expect(byEvent).toEqual([attempt]);
  });

  test.each(["cloudevents", "cloudevents_binary"] as const)("as %s reads back", async (format) => {
    const one = await open(`as-${format}`, { target: { format } });
    await publish(world, "acme", [anEvent(one.id, `evt-${format}`, { partition_key: "p" })]);
    const [call] = await gets(one, 1);
    const read = HTTP.toEvent({ headers: plain(call?.headers ?? {}), body: call?.raw ?? "" });
    expect(read as CloudEvent<unknown>).toMatchObject({
      id: `evt-${format}`,
      type: one.id,
      source: "/shop",
      partitionkey: "p",
      data: { word: "olá" },
    });
  });

  test("after two failures comes once, with the same bytes, and before what is behind it", async () => {
    const one = await open("ordered", { retry: QUICK(5) });
    one.receiver.script([{ status: 500 }, { status: 503 }]);
    const events = ["a", "b", "c"].map((key) =>
      anEvent("ordered", `evt-ordered-${key}`, { partition_key: "p" }),
    );
    await publish(world, "acme", events);
    const calls = await gets(one, 5);
    expect(calls.map(({ id }) => id?.at(-1))).toEqual(["a", "a", "a", "b", "c"]);
    expect(calls.map(({ headers }) => headers["webhook-attempt"])).toEqual([
      "1",
      "2",
      "3",
      "1",
      "1",
    ]);
    expect(new Set(calls.slice(0, 3).map(({ raw }) => raw)).size).toBe(1);
    const attempts = (await logs(one, 5)).filter(({ event }) => event === "evt-ordered-a");
    expect(attempts.map(({ reason }) => reason)).toEqual(["http_500", "http_503", null]);
    expect(attempts[0]?.next_at).not.toBeNull();
  });
});

describe("what does not arrive", () => {
  test("a redirect is not followed, and is a failure", async () => {
    const one = await open("redirected", { retry: QUICK(0) });
    one.receiver.answer({ status: 302, headers: { location: `${one.receiver.url}/elsewhere` } });
    await publish(world, "acme", [anEvent("redirected", "evt-redirected")]);
    const [attempt] = await logs(one, 1);
    expect(attempt).toMatchObject({ outcome: "failure", reason: "http_302", next_at: null });
    await moment();
    expect(one.got().map(({ path }) => path)).toEqual(["/redirected"]);
  });

  test("a name that leads to a private address by now gets nothing, and is not tried again", async () => {
    const one = await open("inside");
    const db = await world.hub.mf.getD1Database("DB");
    await db
      .prepare("UPDATE subscriptions SET config = replace(config, ?, ?) WHERE id = 'inside'")
      .bind(one.receiver.url, "https://private.example")
      .run();
    await publish(world, "acme", [anEvent("inside", "evt-inside")]);
    const [attempt] = await logs(one, 1);
    expect(attempt).toMatchObject({
      outcome: "rejected",
      reason: "refused_private_address",
      status: null,
      next_at: null,
    });
    expect(one.got()).toEqual([]);
  });

  test("of a long answer only the first 16 KiB are kept", async () => {
    const one = await open("talkative");
    one.receiver.answer({ status: 200, body: `${"é".repeat(10_000)}\0` });
    await publish(world, "acme", [anEvent("talkative", "evt-talkative")]);
    const [attempt] = await logs(one, 1);
    const { body } = await world.api("acme").get(`/deliveries/${attempt?.id}`);
    expect(Buffer.byteLength(String(body.response_body))).toBe(16_384);
  });

  test("what expires while it waits for its endpoint's pace is never delivered", async () => {
    const one = await open("late", { target: { rate: { per_second: 0.6, burst: 1 } } });
    const events = ["1", "2"].map((n) => anEvent("late", `evt-late-${n}`));
    await publish(world, "acme", events, { ttlMs: 1000 });
    const attempts = await logs(one, 2);
    expect(attempts.map(({ outcome }) => outcome).toSorted()).toEqual(["skipped", "success"]);
    await moment(1500);
    expect(one.got()).toHaveLength(1);
  });

  test("five events at one a minute: one is sent, four wait, none has failed", async () => {
    const one = await open("slow", { target: { rate: ONE_A_MINUTE } });
    const events = ["1", "2", "3", "4", "5"].map((n) => anEvent("slow", `evt-slow-${n}`));
    await publish(world, "acme", events);
    await gets(one, 1);
    await moment(4000);
    expect(one.got()).toHaveLength(1);
    expect(await one.attempts()).toHaveLength(1);
    const stats = (await world.api("acme").get("/subscriptions/slow/stats")).body;
    expect(stats).toMatchObject({
      total: 4,
      totals: { published: 5, acked: 1, retried: 0, dead: 0, expired: 0 },
    });
  });

  test("429 with Retry-After leaves the whole endpoint alone for that long", async () => {
    const one = await open("busy");
    one.receiver.script([{ status: 429, retryAfter: 90 }]);
    const beforeMs = Date.now();
    await publish(world, "acme", [anEvent("busy", "evt-busy-1")]);
    const [attempt] = await logs(one, 1);
    const waitMs = Date.parse(attempt?.next_at ?? "") - beforeMs;
    expect(waitMs).toBeGreaterThanOrEqual(90_000);
    expect(waitMs).toBeLessThan(125_000);
    await publish(world, "acme", [anEvent("busy", "evt-busy-2")]);
    await moment(1000);
    expect(one.got().map(({ id }) => id)).toEqual(["evt-busy-1"]);
  });
});

describe("an endpoint", () => {
  test("that says it is gone is switched off; its owner is told elsewhere; what comes then waits", async () => {
    const watch = await open("watch", { bindings: [{ kind: "topic", key: "endpoint.#" }] });
    const one = await open("gone");
    one.receiver.answer({ status: 410 });
    await publish(world, "acme", [anEvent("gone", "evt-gone-1")]);
    await until("disabled", async () =>
      (await one.stored()).state === "disabled" ? true : undefined,
    );
    expect(await one.stored()).toMatchObject({ state: "disabled", state_reason: "gone" });
    const [told] = await gets(watch, 1);
    expect(told?.body).toMatchObject({
      event_type: "endpoint.disabled",
      data: { subscription: "gone", reason: "gone" },
    });
    await publish(world, "acme", [anEvent("gone", "evt-gone-2")]);
    await moment();
    expect(one.got()).toHaveLength(1);
    const again = await world.api("acme").post("/subscriptions/gone/test", {});
    expect(again.status).toBe(409);
  });

  test("that takes every event is told once that others fail, and never that it does itself", async () => {
    const one = await open("echoing", { bindings: [{ kind: "fanout" }], retry: QUICK(3) });
    const heard = () =>
      one.got().map(({ body }) => body as { event_type: string; data: { subscription?: string } });
    // Everything is also the events of its own creation, and what other tests have left: were they to come while it
    // fails, their failures would open its breaker, and the last attempt would be a minute away.
    const isVerified = () =>
      heard().some(({ event_type }) => event_type === "subscription.updated");
    await until("the events of its own creation", () => (isVerified() ? true : undefined));
    for (let known = -1; known !== heard().length; await moment(500)) known = heard().length;
    one.receiver.answer({ status: 500 });
    await publish(world, "acme", [anEvent("nobody", "evt-echoing")]);
    const tried = () => heard().filter((event) => event.event_type === "nobody").length;
    await until("the last attempt", () => (tried() >= 4 ? true : undefined));
    const db = await world.hub.mf.getD1Database("DB");
    const warnings = await until("the warning in the log", async () => {
      const { results } = await db
        .prepare(
          "SELECT type, body FROM events WHERE type LIKE 'endpoint.%' AND body LIKE '%echoing%'",
        )
        .all<{ type: string }>();
      return results.length > 0 ? results : undefined;
    });
    await moment(1000);
    expect(warnings.map(({ type }) => type)).toEqual(["endpoint.failing"]);
    expect(tried()).toBe(4);
    const ofItself = heard().filter(({ data }) => data.subscription === "echoing");
    expect(ofItself.filter(({ event_type: type }) => type.startsWith("endpoint."))).toEqual([]);
    expect(await one.stored()).toMatchObject({ state: "active", state_reason: null });
    await world.api("acme").delete("/subscriptions/echoing");
  });

  test("that does not answer its challenge gets nothing", async () => {
    const one = await open("silent", { receiver: { answersChallenges: false } });
    expect(await one.stored()).toMatchObject({ state: "unverified" });
    await publish(world, "acme", [anEvent("silent", "evt-silent")]);
    await moment();
    expect(one.got()).toEqual([]);
  });
});
