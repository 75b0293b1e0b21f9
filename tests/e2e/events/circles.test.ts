/**
 * Circles of events in a running hub: workflows that start one another, one that starts itself, and two conversations
 * that tell each other everything. Each ends, is counted, and is a dead letter that says why; a chain is not touched.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventEnvelope } from "../../../schema/event.ts";
import { EVENT_DEPTH_MAX } from "../../../schema/event-depth.ts";
import { openWhatsapp, textsSent, whatsappConnection } from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";

const TENANT = "acme";
/** Of a chain of runs, on a machine with other work. */
const WITHIN_MS = 150_000;
const TEST_MS = 200_000;
const TYPES = ["ping", "pong", "self", "link-0", "link-1", "link-2", "link-3", "link-4", "link-5"];
let world: ChannelWorld;

/** Started by one event, tells another. */
const passing = (id: string, hears: string, tells: string) => ({
  ...{ id, name: id, version: "1.0.0", triggers: [{ type: "event", event: hears }] },
  steps: [
    { id: "tell", type: "action", action: "event.publish", with: { event_type: tells, data: {} } },
  ],
});

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({
    id: TENANT,
    config: { limits: { requestsPerMinute: 100_000 } },
    connections: [whatsappConnection("left"), whatsappConnection("right")],
  });
  for (const line of ["left", "right"]) openWhatsapp(world, line);
  for (const name of TYPES) {
    const type = { name, description: name, compatibility: "none", version: "1.0", schema: true };
    expect((await world.api(TENANT).post("/event-types", type)).status).toBe(201);
  }
}, 120_000);
afterAll(() => world?.stop());

async function upload(definition: Record<string, unknown>): Promise<void> {
  expect((await world.api(TENANT).post("/workflows", definition)).status).toBe(201);
}

async function begin(event_type: string): Promise<void> {
  expect((await world.api(TENANT).post("/events", { event_type, data: {} })).status).toBe(202);
}

interface Letter {
  readonly id: string;
  readonly event_type: string;
  readonly reason: string;
}

const lettersOf = async (types: readonly string[]) =>
  (await world.api(TENANT).items<Letter>("/dead-letters")).filter((one) =>
    types.includes(one.event_type),
  );

const theLetter = (types: readonly string[]) =>
  until("the dead letter", async () => (await lettersOf(types))[0], WITHIN_MS);

const endedRuns = async (...workflows: readonly string[]) => {
  const lists = await Promise.all(
    workflows.map((one) =>
      world.api(TENANT).items<{ readonly status: string }>(`/runs?workflow=${one}`),
    ),
  );
  return lists.flat();
};

async function counted(at: string): Promise<number> {
  const answer = await fetch(`${world.hub.url}/metrics`, {
    headers: { authorization: `Bearer ${world.hub.adminKey}` },
  });
  const lines = (await answer.text()).split("\n");
  return lines
    .filter((line) => line.startsWith("event_chains_ended_total") && line.includes(`at="${at}"`))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test("a chain of five workflows goes through", { timeout: TEST_MS }, async () => {
  for (let n = 0; n < 5; n += 1) await upload(passing(`link-${n}`, `link-${n}`, `link-${n + 1}`));
  await begin("link-0");
  await until(
    "five runs",
    async () => {
      const runs = await endedRuns(...[0, 1, 2, 3, 4].map((n) => `link-${n}`));
      return runs.filter(({ status }) => status === "completed").length === 5 ? true : undefined;
    },
    WITHIN_MS,
  );
  const last = await until(
    "the last event in the log",
    async () => {
      const found = await world.api(TENANT).items<{ event: EventEnvelope }>("/events?type=link-5");
      return found[0]?.event;
    },
    WITHIN_MS,
  );
  expect(last.metadata.depth).toBe(5);
  expect(await lettersOf(TYPES.filter((name) => name.startsWith("link")))).toEqual([]);
});

test.each([
  ["two workflows that start one another", ["ping", "pong"]],
  ["a workflow that publishes what it listens to", ["self"]],
])("%s come to an end", { timeout: TEST_MS }, async (_, types) => {
  const before = await counted("workflow");
  for (const [at, type] of types.entries())
    await upload(passing(type, type, types[(at + 1) % types.length] as string));
  await begin(types[0] as string);
  const letter = await theLetter(types);
  await moment(2000);
  expect(await endedRuns(...types)).toHaveLength(EVENT_DEPTH_MAX);
  expect(await lettersOf(types)).toHaveLength(1);
  expect(letter.reason).toBe("rejected");
  const { body } = await world.api(TENANT).get(`/dead-letters/${letter.id}`);
  expect(body.payload).toMatchObject({
    detail: "chain_too_long",
    event: { metadata: { depth: EVENT_DEPTH_MAX } },
  });
  await until(
    "the count",
    async () => ((await counted("workflow")) === before + 1 ? true : undefined),
    WITHIN_MS,
  );
});

test("two conversations that tell each other everything come to an end", {
  timeout: TEST_MS,
}, async () => {
  const people = { left: "5511900000501", right: "5511900000502" };
  for (const [to, from] of [
    ["left", "right"],
    ["right", "left"],
  ] as const) {
    const key = `${people[to]}@s.whatsapp.net`;
    const made = await world.operator.post(`/subscriptions?tenant=${TENANT}`, {
      ...{ id: `to-${to}`, name: `to ${to}` },
      bindings: [{ kind: "direct", key: "message.sent" }],
      filter: { data: { message: { connection: from } } },
      target: { kind: "conversation", connection: to, conversation_key: key, text: "again" },
    });
    expect([made.status, made.body.state]).toEqual([201, "active"]);
  }
  await world.evolution.emit({
    ...{ wait: true, instance: "left-instance", from: people.left, text: "begin" },
  });
  const letter = await theLetter(["message.sent"]);
  await moment(2000);
  const sent = [...textsSent(world, "left"), ...textsSent(world, "right")];
  expect(sent).toHaveLength(EVENT_DEPTH_MAX + 1);
  const { body } = await world.api(TENANT).get(`/dead-letters/${letter.id}`);
  expect(body.payload).toMatchObject({ detail: "chain_too_long" });
  expect(await lettersOf(["message.sent"])).toHaveLength(1);
});
