/** What becomes of messages sent over Evolution: states, refusals, doubts, dead letters and their replay. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MessageItem } from "../../support/channels/api.ts";
import {
  openWhatsapp,
  sends,
  sentText,
  whatsappConnection,
} from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, moment, startWorld, until } from "../../support/channels/world.ts";

interface DeadLetter {
  readonly id: string;
  readonly stage: string;
  readonly reason: string;
  readonly message: string;
  readonly state: string;
}

let world: ChannelWorld;
const acme = () => world.api("acme");

beforeAll(async () => {
  // Slow enough that states follow the platform's answer, as they do in life.
  world = await startWorld({ evolution: { timeScale: 0.1 } });
  await world.addTenant({
    id: "acme",
    connections: ["main", "states"].map((id) => whatsappConnection(id)),
  });
  for (const id of ["main", "states"]) openWhatsapp(world, id);
});
afterAll(() => world?.stop());

describe("states", () => {
  test("a reply goes from sent over delivered to read, and the timeline shows every hop", async () => {
    await act("states", { from: "5511911111101", text: "how far?" });
    await sentText(world, "states", "echo: how far?");
    const reply = await outbound((item) => item.content.text === "echo: how far?", "read");
    const asked = await until(
      "the question",
      async () => (await acme().history("&connection=states&direction=inbound"))[0],
    );
    const timeline = await acme().get(`/messages/${asked.id}/timeline`);
    const hops = (timeline.body.hops as { hop: string; message: string }[]).map(({ hop }) => hop);
    const expected = ["received", "persisted", "routed", "committed", "sent", "delivered", "read"];
    expect(expected.filter((hop) => !hops.includes(hop))).toEqual([]);
    expect(timeline.body.replies).toEqual([
      expect.objectContaining({ id: reply.id, status: "read" }),
    ]);
  });

  test("a late SERVER_ACK or DELIVERY_ACK does not take a read message back", async () => {
    const reply = await outbound((item) => item.content.text === "echo: how far?", "read");
    for (const status of ["DELIVERY_ACK", "SERVER_ACK", "PENDING"]) {
      await act("states", {
        event: "messages.update",
        data: {
          keyId: reply.platform_id,
          remoteJid: "5511911111101@s.whatsapp.net",
          fromMe: true,
          status,
        },
      });
    }
    expect((await acme().get(`/messages/${reply.id}`)).body.status).toBe("read");
  });
});

describe("refusals", () => {
  test("a number that is not on WhatsApp fails for good, after one try", async () => {
    await world.side(world.urls.evolution, "absent", { numbers: ["5511911111199"] });
    const sent = await send("main", { to: "+55 11 91111-1199", text: "anybody there?" });
    const item = await ended(sent.id, "failed");
    expect(item.content.text).toBe("anybody there?");
    const dead = await deadLetter(sent.id);
    expect(dead).toMatchObject({ stage: "send", state: "dead" });
    await moment();
    expect(sends(world, "main").filter(({ body }) => about(body, "anybody there?"))).toHaveLength(
      1,
    );
  });

  test("a server nobody licensed is a dead letter, not an outage, and a replay sends it", async () => {
    await world.side(world.urls.evolution, "license", { licensed: false });
    const refused = [];
    for (let n = 0; n < 6; n++)
      refused.push(await send("main", { to: `551191112000${n}`, text: `unlicensed ${n}` }));
    for (const { id } of refused) await ended(id, "failed");
    await world.side(world.urls.evolution, "license", { licensed: true });
    // The breaker would open after five failures of the downstream.
    const fine = await send("main", { to: "5511911130001", text: "licensed again" });
    await ended(fine.id, ["sent", "delivered", "read"], 3_000);

    const first = refused[0];
    const dead = await deadLetter(first?.id ?? "");
    expect(dead.reason).toMatch(/licen/i);
    const replay = await acme().post(`/dead-letters/${dead.id}/replay`);
    expect(replay.status).toBeLessThan(300);
    await sentText(world, "main", "unlicensed 0");
    await ended(first?.id ?? "", ["sent", "delivered", "read"]);
  });
});

describe("doubts", () => {
  test("a server that fails once is asked again, and the message goes out once", async () => {
    world.evolution.fault({ next: 1, kind: "status", status: 503, path: "/message/" });
    const { id } = await send("main", { to: "5511911140001", text: "second try" });
    await ended(id, ["sent", "delivered", "read"]);
    expect(received("second try")).toBe(1);
  });

  test("an answer lost after the send is found at the platform, not sent again", async () => {
    world.evolution.fault({ next: 1, kind: "reset-after", path: "/message/" });
    const { id } = await send("main", { to: "5511911140002", text: "lost answer" });
    await ended(id, "read", 15_000);
    expect(received("lost answer")).toBe(1);
    // Its states came before the answer: they waited, and count with their own times.
    const { body } = await acme().get(`/messages/${id}/timeline`);
    expect((body.hops as { hop: string }[]).map(({ hop }) => hop)).toContain("read");
  });
});

describe("the send API", () => {
  test("the same Idempotency-Key twice is one message; with another body it is refused", async () => {
    const body = { connection: "main", to: "5511911150001", text: "only once" };
    const key = { "idempotency-key": "order-42" };
    const [one, two] = await Promise.all([
      acme().post("/messages/send", body, key),
      acme().post("/messages/send", body, key),
    ]);
    expect([one.status, two.status]).toEqual([202, 202]);
    expect(one.body.id).toBe(two.body.id);
    const other = await acme().post("/messages/send", { ...body, text: "changed" }, key);
    expect(other.status).toBe(422);
    await ended(String(one.body.id), ["sent", "delivered", "read"]);
    await moment();
    expect(received("only once")).toBe(1);
  });
});

/** How often the platform was told to send the text, faults not counted. */
function received(text: string): number {
  return sends(world, "main").filter(
    (call) => about(call.body, text) && call.fault !== "status" && call.fault !== "reset",
  ).length;
}

function about(body: unknown, text: string): boolean {
  return JSON.stringify(body).includes(text);
}

async function act(id: string, what: Record<string, unknown>): Promise<void> {
  await world.evolution.emit({ instance: `${id}-instance`, wait: true, ...what });
}

async function send(connection: string, body: Record<string, unknown>): Promise<{ id: string }> {
  const answer = await acme().post("/messages/send", { connection, ...body });
  expect(answer.status).toBe(202);
  return { id: String(answer.body.id) };
}

function outbound(wanted: (item: MessageItem) => boolean, status: string): Promise<MessageItem> {
  return until(`outbound ${status}`, async () =>
    (await acme().history("&direction=outbound")).find(
      (item) => wanted(item) && item.status === status,
    ),
  );
}

function ended(
  id: string,
  status: string | readonly string[],
  timeoutMs = 8_000,
): Promise<MessageItem> {
  return until(
    `${id} ${String(status)}`,
    async () => {
      const { body, status: found } = await acme().get(`/messages/${id}`);
      const item = body as unknown as MessageItem;
      return found === 200 && [status].flat().includes(item.status) ? item : undefined;
    },
    timeoutMs,
  );
}

function deadLetter(message: string): Promise<DeadLetter> {
  return until("dead letter", async () =>
    (await acme().items<DeadLetter>("/dead-letters")).find((one) => one.message === message),
  );
}
