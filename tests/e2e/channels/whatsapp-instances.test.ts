/** The life of a WhatsApp instance through the API, and registrations that somebody changed at the platform. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openWhatsapp, sentText, whatsappConnection } from "../../support/channels/whatsapp.ts";
import {
  type ChannelWorld,
  ECHO,
  moment,
  startWorld,
  until,
} from "../../support/channels/world.ts";

const EVERY_FIVE_MINUTES = "*/5 * * * *";
let world: ChannelWorld;
const acme = () => world.api("acme");

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({
    id: "acme",
    connections: [whatsappConnection("drifting"), whatsappConnection("states")],
  });
  await world.addTenant({ id: "globex" });
  for (const id of ["drifting", "states"]) openWhatsapp(world, id);
});
afterAll(() => world?.stop());

describe.each(["2.3.7", "2.4"] as const)("an instance's life on %s", (version) => {
  const id = `life-${version}`;
  const instance = `${id}-instance`;

  test("is created with our webhook, and gives a QR code", async () => {
    const created = await acme().post("/instances/create", {
      id,
      channel: "whatsapp",
      provider: "evolution",
      instance,
      version,
      baseUrl: "simulator",
      route: ECHO,
      credentials: { apiKey: world.evolution.globalApiKey, webhookSecret: "a-secret-of-ours" },
    });
    expect(created.status).toBe(201);
    expect(created.body.state).toBe("connecting");
    expect(created.body.qr).toMatchObject({ base64: expect.stringContaining("data:image/png") });
    expect(JSON.stringify(created.body)).not.toContain(world.evolution.globalApiKey);
    expect(await registration(instance)).toMatchObject({
      url: expect.stringMatching(/\/webhooks\/evolution\//),
      enabled: true,
      webhookByEvents: false,
      webhookBase64: false,
      headers: { "x-webhook-secret": "a-secret-of-ours" },
    });
  });

  test("a second one of that name is a conflict and leaves nothing behind", async () => {
    const again = await acme().post("/instances/create", {
      id: `${id}-again`,
      channel: "whatsapp",
      provider: "evolution",
      instance,
      baseUrl: "simulator",
      credentials: { apiKey: world.evolution.globalApiKey, webhookSecret: "another-one" },
    });
    expect(again.status).toBe(409);
    expect((await acme().get(`/instances/${id}-again`)).status).toBe(404);
  });

  test("another tenant sees and touches nothing of it", async () => {
    const globex = world.api("globex");
    expect((await globex.get(`/instances/${id}`)).status).toBe(404);
    expect((await globex.get(`/instances/qr/${id}`)).status).toBe(404);
    expect((await globex.post(`/instances/${id}/logout`)).status).toBe(404);
    expect((await globex.delete(`/instances/${id}`)).status).toBe(404);
  });

  test("gives a fresh QR code until it is scanned, then it is open", async () => {
    const qr = await acme().get(`/instances/qr/${id}`);
    expect(qr.status).toBe(200);
    expect(qr.body.qr).toMatchObject({ code: expect.any(String) });
    await world.side(world.urls.evolution, "scan", { instance });
    await until("open in the API", async () => {
      const { body } = await acme().get(`/tenants/acme/connections/${id}`);
      return body.state === "open" ? true : undefined;
    });
    expect((await acme().get(`/instances/${id}`)).body.state).toBe("open");
  });

  test("takes messages in and answers them, also after a restart", async () => {
    const from = "5511933330001";
    await world.evolution.emit({ instance, from, text: "hello", wait: true });
    await sentText(world, id, "echo: hello");
    const restarted = await acme().post(`/instances/${id}/restart`);
    expect(restarted).toMatchObject({ status: 200, body: { state: "open" } });
    await world.evolution.emit({ instance, from, text: "still there?", wait: true });
    await sentText(world, id, "echo: still there?");
  });

  test("logs out, and is deleted at the platform and here", async () => {
    const out = await acme().post(`/instances/${id}/logout`);
    expect(out).toMatchObject({ status: 200, body: { state: "closed" } });
    expect((await acme().get(`/instances/${id}`)).body.state).toBe("closed");
    expect((await acme().delete(`/instances/${id}`)).status).toBe(204);
    expect((await acme().get(`/instances/${id}`)).status).toBe(404);
    expect(await platformNames()).not.toContain(instance);
    const knock = await fetch(`${world.hub.url}/webhooks/evolution/${id}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-webhook-secret": "a-secret-of-ours" },
      body: "{}",
    });
    expect(knock.status).toBe(404);
  });
});

describe("a connection's state", () => {
  test("follows connection.update and qrcode.updated", async () => {
    await world.side(world.urls.evolution, "disconnect", { instance: "states-instance" });
    await stateOf("states", "closed");
    await world.evolution.emit({
      instance: "states-instance",
      event: "qrcode.updated",
      data: {
        qrcode: { instance: "states-instance", code: "2@abc", base64: "data:image/png;base64,AA" },
      },
      wait: true,
    });
    await stateOf("states", "qr");
    await world.side(world.urls.evolution, "scan", { instance: "states-instance" });
    await stateOf("states", "open");
  });

  test("a send while the phone is off waits and goes out when it is back", async () => {
    await world.side(world.urls.evolution, "disconnect", {
      instance: "states-instance",
      reason: 428,
    });
    const body = { connection: "states", to: "5511933330002", text: "later" };
    expect((await acme().post("/messages/send", body)).status).toBe(202);
    await moment(200);
    await world.side(world.urls.evolution, "scan", { instance: "states-instance" });
    await sentText(world, "states", "later");
    await until("sent", async () => {
      const items = await acme().history("&connection=states&direction=outbound");
      return items.some(({ status }) => /sent|delivered|read/.test(status)) ? true : undefined;
    });
  });
});

describe("drift", () => {
  test("the scheduled job restores a registration that was changed by hand", async () => {
    const response = await fetch(`${world.urls.evolution}/webhook/set/drifting-instance`, {
      method: "POST",
      headers: { apikey: "token-of-drifting", "content-type": "application/json" },
      body: JSON.stringify({
        webhook: { enabled: true, url: `${world.urls.receiver}/stolen`, base64: true, events: [] },
      }),
    });
    expect(response.status).toBe(201);
    await world.hub.triggerScheduled(EVERY_FIVE_MINUTES);
    const restored = await registration("drifting-instance");
    expect(restored).toMatchObject({
      webhookBase64: false,
      headers: { "x-webhook-secret": "secret-of-drifting" },
    });
    expect(restored.events).toContain("MESSAGES_UPSERT");
    const from = "5511933330003";
    await world.evolution.emit({
      instance: "drifting-instance",
      from,
      text: "mended?",
      wait: true,
    });
    await sentText(world, "drifting", "echo: mended?");
    expect(world.receiver.received().filter(({ path }) => path === "/stolen")).toHaveLength(0);
  });
});

async function registration(instance: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${world.urls.evolution}/webhook/find/${instance}`, {
    headers: { apikey: world.evolution.globalApiKey },
  });
  return (await response.json()) as Record<string, unknown>;
}

async function platformNames(): Promise<readonly string[]> {
  const response = await fetch(`${world.urls.evolution}/instance/fetchInstances`, {
    headers: { apikey: world.evolution.globalApiKey },
  });
  return ((await response.json()) as { name: string }[]).map(({ name }) => name);
}

function stateOf(id: string, state: string): Promise<true> {
  return until(`${id} ${state}`, async () => {
    const { body } = await acme().get(`/tenants/acme/connections/${id}`);
    return body.state === state ? true : undefined;
  });
}
