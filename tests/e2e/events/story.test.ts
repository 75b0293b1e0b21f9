/**
 * The story of an event: a person writes on WhatsApp, the message becomes `message.received` at a subscribed webhook
 * that fails twice, recovers, and has it once and in order; then all of it again, by replay from a point in time.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startReceiver, type WebhookReceiver } from "../../../simulators/receiver.ts";
import { openWhatsapp, sentText, whatsappConnection } from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";

const PERSON = "5511900000201";
const SECRET = `whsec_${btoa("a secret of thirty two bytes !!!")}`;
const TEXTS = ["first", "second", "third"];
let world: ChannelWorld;
let receiver: WebhookReceiver;

beforeAll(async () => {
  world = await startWorld();
  receiver = await startReceiver({ accounts: [{ path: "/", secret: SECRET }] });
  await world.addTenant({ id: "acme", connections: [whatsappConnection("line")] });
  openWhatsapp(world, "line");
});
afterAll(async () => {
  await receiver?.stop();
  await world?.stop();
});

interface Arrived {
  readonly event_id: string;
  readonly event_type: string;
  readonly data: { readonly message: { readonly content: { readonly text: string } } };
  readonly metadata: { readonly partition_key: string; readonly replay_id?: string };
}

/** What the receiver took (2xx), in order. */
function taken(): readonly Arrived[] {
  return receiver
    .received()
    .filter(
      ({ answered, body }) =>
        answered < 300 && (body as Arrived).event_type !== "endpoint.verification",
    )
    .map(({ body }) => body as Arrived);
}

test("a message is an event at a webhook that fails twice: once, in order, and again by replay", async () => {
  const since = new Date(Date.now() - 1000).toISOString();
  const made = await world.operator.post("/subscriptions?tenant=acme", {
    id: "inbox",
    name: "what customers write",
    bindings: [{ kind: "topic", key: "message.received" }],
    target: { kind: "webhook", url: `${receiver.url}/inbox`, secrets: [SECRET] },
    retry: { kind: "listed", waits_s: [0.2, 0.2, 0.2, 0.2] },
  });
  expect([made.status, made.body.state]).toEqual([201, "active"]);

  receiver.script([{ status: 500 }, { status: 503 }]);
  for (const text of TEXTS) {
    await world.evolution.emit({ wait: true, instance: "line-instance", from: PERSON, text });
    await sentText(world, "line", `echo: ${text}`);
  }
  await until("three events", () => (taken().length >= 3 ? true : undefined), 20_000);
  await moment(1000);
  expect(taken().map(({ data }) => data.message.content.text)).toEqual(TEXTS);
  expect(receiver.received().every(({ verified }) => verified)).toBe(true);
  const tries = receiver
    .received()
    .filter(({ body }) => (body as Arrived).event_id === taken()[0]?.event_id);
  expect(tries.map(({ answered }) => answered)).toEqual([500, 503, 200]);
  expect(new Set(tries.map(({ raw }) => raw)).size).toBe(1);
  const [history] = [await world.api("acme").history("&connection=line")];
  const ids = new Set(history.map(({ conversation }) => conversation));
  expect(taken().map(({ metadata }) => metadata.partition_key)).toEqual([...ids, ...ids, ...ids]);

  const before = taken().length;
  const replay = await world.api("acme").post("/replays", { since, subscription: "inbox" });
  expect(replay.status).toBe(202);
  await until("three more", () => (taken().length >= before + 3 ? true : undefined), 20_000);
  await moment(1000);
  const again = taken().slice(before);
  expect(again.map(({ event_id }) => event_id)).toEqual(
    taken()
      .slice(0, 3)
      .map(({ event_id }) => event_id),
  );
  expect(again.every(({ metadata }) => metadata.replay_id === replay.body.id)).toBe(true);
  const done = await world.api("acme").get(`/replays/${replay.body.id}`);
  expect(done.body).toMatchObject({ state: "done", replayed: 3 });
});
