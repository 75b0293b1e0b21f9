/**
 * Replays and dead letters over the running hub, with two shards: published, pulled, replayed while the runtime is
 * killed, paused, cancelled; and a dead letter that two operators put back at once.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Publisher, startPublisher } from "../../support/publisher.ts";
import { eventually } from "../../support/runtime.ts";

const EVENTS = 300;
const PARTITIONS = 5;
/** Kills of the runtime while the replay runs, and its rate: it takes some seconds. */
const KILLS = 3;
const RATE = 30;

interface Event {
  readonly event_id: string;
  readonly data: { readonly n: number };
  readonly metadata: { readonly partition_key: string; readonly replay_id?: string };
}

let hub: Publisher;
let sinceIso = "";
let published: readonly { readonly event_id: string; readonly partition_key: string }[] = [];

beforeAll(async () => {
  hub = await startPublisher(["order.made", "order.lost"], { EVENT_SHARDS: "2" });
  for (const id of ["live", "again", "idle"]) await subscribe(id, "order.made");
  await subscribe("losing", "order.lost");
  sinceIso = new Date().toISOString();
  published = Array.from({ length: EVENTS }, (_, n) => ({
    ...{ event_type: "order.made", event_id: `made-${n}`, data: { n } },
    partition_key: `p${n % PARTITIONS}`,
  }));
  for (let at = 0; at < EVENTS; at += 50) {
    const { status, text } = await hub.publish({ events: published.slice(at, at + 50) });
    if (status !== 202) throw new Error(text);
  }
});
afterAll(() => hub?.remove());

async function subscribe(id: string, key: string): Promise<void> {
  const made = await hub.send("POST", "/subscriptions", {
    ...{ id, name: id, bindings: [{ kind: "direct", key }], target: { kind: "pull" } },
    ...{ prefetch: 1000, in_flight_max: 1000, retry: { kind: "listed", waits_s: [] } },
  });
  if (made.status !== 201) throw new Error(made.text);
}

/** Takes what is there, over all shards, and settles it. */
async function take(id: string, is: "ack" | "dead" = "ack"): Promise<readonly Event[]> {
  const taken: Event[] = [];
  for (;;) {
    const { body } = await hub.send("POST", `/subscriptions/${id}/lease`, { max: 1000 });
    if (body.deliveries.length === 0) return taken;
    taken.push(...body.deliveries.map(({ event }: { event: Event }) => event));
    const results = body.deliveries.map(({ seq }: { seq: number }) => ({ seq, is }));
    await hub.send("POST", `/subscriptions/${id}/settle`, { token: body.token, results });
  }
}

const replay = async (body: object) => {
  const begun = await hub.send("POST", "/replays", { since: sinceIso, ...body });
  if (begun.status !== 202) throw new Error(begun.text);
  return begun.body.id as string;
};
const status = async (id: string) => (await hub.send("GET", `/replays/${id}`)).body;
const ended = (id: string) =>
  eventually(
    `the end of ${id}`,
    async () => {
      const now = await status(id);
      return now.state === "running" ? undefined : now;
    },
    40_000,
  );

const numbers = (events: readonly Event[], partition: string) =>
  events.filter(({ metadata }) => metadata.partition_key === partition).map(({ data }) => data.n);

test("killed in the middle, a replay gives each event once and in order, marked; nobody else hears of it", async () => {
  expect(await take("live")).toHaveLength(EVENTS);
  expect(await take("again")).toHaveLength(EVENTS);
  expect(await take("idle")).toHaveLength(EVENTS);
  const id = await replay({ subscription: "again", rate: RATE });
  const taken: Event[] = [];
  const seen: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const before = seen.at(-1) ?? 0;
    const now = await eventually(
      "more of it",
      async () => {
        const { state, replayed } = await status(id);
        return replayed > before || state === "done" ? replayed : undefined;
      },
      60_000,
    );
    // On a slow machine it may be done before every kill has had its turn; the first always meets it in the middle.
    if (kill > 0 && now === EVENTS) break;
    expect(now).toBeLessThan(EVENTS);
    seen.push(now);
    await hub.hub.kill();
    await hub.hub.restart();
    taken.push(...(await take("again")));
  }
  expect(await ended(id)).toMatchObject({ state: "done", replayed: EVENTS, done: EVENTS });
  taken.push(...(await take("again")));
  expect(taken.map(({ event_id }) => event_id).toSorted()).toEqual(
    published.map(({ event_id }) => event_id).toSorted(),
  );
  for (let n = 0; n < PARTITIONS; n++) {
    const own = numbers(taken, `p${n}`);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  }
  expect(new Set(taken.map(({ metadata }) => metadata.replay_id))).toEqual(new Set([id]));
  expect(await take("idle")).toEqual([]);
  expect(await hub.all("type=order.made")).toHaveLength(EVENTS);
}, 180_000);

test("a dry run counts and does nothing", async () => {
  const body = { since: sinceIso, subscription: "idle", partition: "p1", dry_run: true };
  const { status: code, body: found } = await hub.send("POST", "/replays", body);
  expect(code).toBe(200);
  expect(found).toMatchObject({ dry_run: true, matched: EVENTS / PARTITIONS, complete: true });
  expect(found.looked).toBeGreaterThanOrEqual(EVENTS);
  expect(await take("idle")).toEqual([]);
});

test("paused it rests through a kill, resumed it goes on, cancelled it stops", async () => {
  const id = await replay({ subscription: "live", target: "idle", rate: 20 });
  await eventually("a beginning", async () => (await status(id)).replayed > 0 || undefined);
  expect((await hub.send("POST", `/replays/${id}/pause`)).body.state).toBe("paused");
  await hub.hub.kill();
  await hub.hub.restart();
  const { replayed: before } = await status(id);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(await status(id)).toMatchObject({ state: "paused", replayed: before });
  expect((await hub.send("POST", `/replays/${id}/resume`)).body.state).toBe("running");
  await eventually("more", async () => (await status(id)).replayed > before || undefined);
  const cancelled = await hub.send("POST", `/replays/${id}/cancel`);
  expect(cancelled.body.state).toBe("cancelled");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const got = await take("idle");
  expect(got.length).toBeGreaterThan(0);
  expect(got.length).toBeLessThan(EVENTS);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(await take("idle")).toEqual([]);
  expect((await hub.send("POST", `/replays/${id}/resume`)).status).toBe(409);
  const { body } = await hub.send("GET", "/replays?state=cancelled");
  expect(body.items.map((item: { id: string }) => item.id)).toEqual([id]);
});

describe("a dead letter", () => {
  const letters = (query = "") =>
    eventually("letters", async () => {
      const { body } = await hub.send("GET", `/dead-letters?subscription=losing&limit=200${query}`);
      return body.items.length > 0 ? body.items : undefined;
    });

  test("is written by the hub itself; of two operators at once one puts it back", async () => {
    const event = { event_type: "order.lost", event_id: "lost-1", data: { n: 1 } };
    expect((await hub.publish(event)).status).toBe(202);
    expect(await take("losing", "dead")).toHaveLength(1);
    const [letter] = await letters();
    expect(letter).toMatchObject({ stage: "event", state: "dead", event: "lost-1" });
    const path = `/dead-letters/${letter.id}/replay`;
    const answers = await Promise.all([hub.send("POST", path), hub.send("POST", path)]);
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([202, 409]);
    const again = await take("losing");
    expect(again).toMatchObject([{ event_id: "lost-1", metadata: { replay_id: letter.id } }]);
  });

  test("one of many is put back by a job that is killed meanwhile, each once", async () => {
    const events = Array.from({ length: 60 }, (_, n) => ({
      ...{ event_type: "order.lost", event_id: `job-${n}`, data: { n } },
      partition_key: `p${n % PARTITIONS}`,
    }));
    expect((await hub.publish({ events })).status).toBe(202);
    for (let dead = 0; dead < 60; ) dead += (await take("losing", "dead")).length;
    await eventually(
      "all letters",
      async () => (await letters("&state=dead")).length === 60 || undefined,
      15_000,
    );
    const body = { filter: { subscription: "losing", stage: "event" }, rate: 20 };
    const begun = await hub.send("POST", "/dead-letters/replays", body);
    expect(begun.status).toBe(202);
    await eventually(
      "a beginning",
      async () => (await status(begun.body.id)).done >= 20 || undefined,
    );
    await hub.hub.kill();
    await hub.hub.restart();
    const done = await ended(begun.body.id);
    expect(done).toMatchObject({ state: "done", kind: "dead_letters" });
    const back = await take("losing");
    expect(back.map(({ event_id }) => event_id).toSorted()).toEqual(
      events.map(({ event_id }) => event_id).toSorted(),
    );
  }, 150_000);
});
