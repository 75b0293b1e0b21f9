/** `POST /messages/unified` proven by a signature instead of an API key, made with the reference library. */
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWhatsapp, sentText, whatsappConnection } from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, startWorld } from "../../support/channels/world.ts";

const OLD = `whsec_${Buffer.from("the old secret of the intake....").toString("base64")}`;
const NEW = `whsec_${Buffer.from("the new secret of the intake....").toString("base64")}`;
let world: ChannelWorld;

beforeAll(async () => {
  world = await startWorld({});
  const proofs = { apiKey: "token-of-signed", webhookSecret: "secret-of-signed" };
  const credentials = { ...proofs, intakeSecret: `${NEW} ${OLD}` };
  await world.addTenant({
    id: "acme",
    connections: [whatsappConnection("signed", { credentials }), whatsappConnection("plain")],
  });
  for (const id of ["signed", "plain"]) openWhatsapp(world, id);
});
afterAll(() => world?.stop());

function message(id: string, connection = "signed") {
  const content = { text: `signed ${id}`, media: [], metadata: {} };
  const sender = { id: "5511955550001", aliases: [] };
  return {
    id,
    source: "whatsapp",
    tenant: "acme",
    connection,
    content,
    sender,
    timestamp: "2026-11-21T10:00:00Z",
  };
}

async function post(
  body: unknown,
  secret: string,
  over: { readonly at?: Date; readonly sent?: string } = {},
) {
  const text = JSON.stringify(body);
  const at = over.at ?? new Date();
  const headers = {
    "content-type": "application/json",
    "webhook-id": "msg_intake",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("msg_intake", at, text),
  };
  return fetch(`${world.hub.url}/messages/unified`, {
    method: "POST",
    headers,
    body: over.sent ?? text,
  });
}

test("a signed message is taken in and answered; the secret being replaced is good too", async () => {
  expect((await post(message("one"), NEW)).status).toBe(202);
  await sentText(world, "signed", "echo: signed one");
  expect((await post(message("two"), OLD)).status).toBe(202);
  await sentText(world, "signed", "echo: signed two");
});

test("the same message signed again has no second effect", async () => {
  expect(await (await post(message("one"), NEW)).json()).toMatchObject({ duplicate: true });
});

test("another secret, a stale stamp, another body, a connection without a secret or none at all: one and the same 401", async () => {
  const stranger = `whsec_${Buffer.from("somebody else's secret entirely.").toString("base64")}`;
  const answers = [
    await post(message("x1"), stranger),
    await post(message("x2"), NEW, { at: new Date(Date.now() - 600_000) }),
    await post(message("x3"), NEW, { sent: JSON.stringify(message("x4")) }),
    await post(message("x5", "plain"), NEW),
    await post(message("x6", "nobody"), NEW),
  ];
  const bodies = await Promise.all(
    answers.map((answer) => answer.json() as Promise<Record<string, unknown>>),
  );
  expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401, 401, 401]);
  expect(new Set(bodies.map(({ trace_id: _, ...body }) => JSON.stringify(body))).size).toBe(1);
});

test("signed, and yet another tenant's or not of the schema: refused by name", async () => {
  expect((await post({ ...message("y1"), tenant: "globex" }, NEW)).status).toBe(403);
  expect((await post({ ...message("y2"), surprise: 1 }, NEW)).status).toBe(400);
});
