/**
 * Messages that start runs, from a person's phone and back: by a route that leads into a workflow, and by a message
 * trigger beside a silent route. One message is one run and one answer, and the turn has none of its own.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  openWhatsapp,
  sentText,
  textsSent,
  whatsappConnection,
} from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";

const TENANT = "acme";
const PERSON = "5511900000301";
/** Of runs, turns and sends, on a machine with other work. */
const WITHIN_MS = 60_000;
let world: ChannelWorld;

const answering = (id: string, more: Record<string, unknown>) => ({
  ...{ id, name: id, version: "1.0.0", ...more },
  steps: [
    {
      ...{ id: "answer", type: "action", action: "message.send" },
      with: {
        connection: "{{ input.connection }}",
        conversation: "{{ input.conversation }}",
        text: "{{ input.content.text }}, you say?",
      },
    },
  ],
});

beforeAll(async () => {
  world = await startWorld();
  const into = (workflow: string) => ({ kind: "workflow", workflow });
  await world.addTenant({
    id: TENANT,
    connections: [
      whatsappConnection("routed", { route: into("routed") }),
      whatsappConnection("triggered", { route: { kind: "silence" } }),
      whatsappConnection("refused", { route: into("picky") }),
    ],
  });
  for (const line of ["routed", "triggered", "refused"]) openWhatsapp(world, line);
  const triggers = [{ type: "message", connection: "triggered", match: "^hello" }];
  const never = { type: "object", required: ["nothing_has_it"] };
  for (const definition of [
    answering("routed", {}),
    answering("triggered", { triggers }),
    answering("picky", { input: never }),
  ])
    expect((await world.api(TENANT).post("/workflows", definition)).status).toBe(201);
}, 120_000);
afterAll(() => world?.stop());

interface Run {
  readonly trigger: string;
  readonly correlation_id: string | null;
  readonly status: string;
}

const runsOf = async (workflow: string) =>
  world.api(TENANT).items<Run>(`/runs?workflow=${workflow}`);

const say = (line: string, text: string) =>
  world.evolution.emit({ wait: true, instance: `${line}-instance`, from: PERSON, text });

test("a route leads into a workflow", { timeout: 120_000 }, async () => {
  await say("routed", "hello");
  await sentText(world, "routed", "hello, you say?");
  await say("routed", "good bye");
  await sentText(world, "routed", "good bye, you say?");
  await moment();
  expect(textsSent(world, "routed")).toEqual(["hello, you say?", "good bye, you say?"]);
  const runs = await until(
    "two runs that have ended",
    async () => {
      const found = await runsOf("routed");
      return found.filter(({ status }) => status === "completed").length === 2 ? found : undefined;
    },
    WITHIN_MS,
  );
  const { items } = (await world.api(TENANT).get("/conversations")).body as {
    items: { id: string }[];
  };
  const [correlation, ...others] = new Set(runs.map(({ correlation_id }) => correlation_id));
  expect(others).toEqual([]);
  expect(items.map(({ id }) => id)).toContain(correlation);
  expect(new Set(runs.map(({ trigger }) => trigger))).toEqual(new Set(["message"]));
});

test("a message trigger hears what it is meant to hear", { timeout: 120_000 }, async () => {
  await say("triggered", "something else");
  await say("triggered", "Hello there");
  await sentText(world, "triggered", "Hello there, you say?");
  await moment();
  expect(textsSent(world, "triggered")).toEqual(["Hello there, you say?"]);
  expect(await runsOf("triggered")).toHaveLength(1);
});

test("a message that the workflow refuses is a dead letter that says why", {
  timeout: 120_000,
}, async () => {
  await say("refused", "hello");
  const letter = await until(
    "the dead letter",
    async () => {
      const letters = await world
        .api(TENANT)
        .items<{ reason: string; connection: string; stage: string }>("/dead-letters");
      return letters.find(({ connection }) => connection === "refused");
    },
    WITHIN_MS,
  );
  expect(letter).toMatchObject({ reason: "invalid_input", stage: "turn" });
  expect(await runsOf("picky")).toEqual([]);
});
