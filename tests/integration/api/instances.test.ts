import { describe, expect, test } from "vitest";
import { fakeDiscord, fakeEvolution } from "./fake-platforms.ts";
import { aHub, discord, unique, whatsapp } from "./hub-api.ts";

describe("an Evolution instance", () => {
  test("lives its whole life: create with webhook and QR, state, connect, restart, logout, delete", async () => {
    const evolution = fakeEvolution();
    const { hub, tenant, key } = await aHub(evolution.platform);
    const input = whatsapp(unique("wa"), {
      credentials: { apiKey: "evo-secret-key", webhookSecret: "hook", jwtKey: "jwt" },
    });
    const made = await hub.ask("POST", "/instances/create", { key, body: input });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      id: input.id,
      tenant,
      state: "connecting",
      qr: { code: "2@qr", base64: "data:image/png;base64,AA==" },
    });
    expect(made.text).not.toMatch(/evo-secret-key|"hook"|"jwt"/);
    expect(evolution.instances.get(input.instance)?.webhook).toMatchObject({
      url: `${hub.deps.vars.PUBLIC_URL}/webhooks/evolution/${input.id}`,
      headers: { "x-webhook-secret": "hook", jwt_key: "jwt" },
      enabled: true,
      webhookByEvents: false,
      webhookBase64: false,
      events: expect.arrayContaining(["MESSAGES_UPSERT", "MESSAGES_UPDATE", "CONNECTION_UPDATE"]),
    });
    const path = `/instances/${input.id}`;
    const qr = await hub.ask("GET", `/instances/qr/${input.id}`, { key });
    expect(qr.body.qr).toEqual({ code: "2@again", base64: "data:image/png;base64,BB==" });
    const instance = evolution.instances.get(input.instance);
    if (instance) instance.state = "open";
    expect((await hub.ask("GET", path, { key })).body.state).toBe("open");
    expect((await hub.ask("POST", `${path}/connect`, { key })).body).toMatchObject({
      state: "open",
    });
    expect((await hub.ask("POST", `${path}/restart`, { key })).body.state).toBe("open");
    expect(
      (await hub.ask("GET", `/tenants/${tenant}/connections/${input.id}`, { key })).body.state,
    ).toBe("open");
    expect((await hub.ask("POST", `${path}/logout`, { key })).body.state).toBe("closed");
    expect((await hub.ask("POST", `${path}/logout`, { key })).body.state).toBe("closed");
    expect((await hub.ask("DELETE", path, { key })).status).toBe(204);
    expect(evolution.instances.size).toBe(0);
    expect((await hub.ask("GET", path, { key })).status).toBe(404);
  });

  test("a pairing code comes with a number", async () => {
    const { hub, key } = await aHub(fakeEvolution().platform);
    const body = { ...whatsapp(unique("wa")), number: "+5511999999999" };
    const made = await hub.ask("POST", "/instances/create", { key, body });
    expect(made.body.qr.pairingCode).toBe("ABCD1234");
  });

  test("a name the platform has already is 409 and leaves nothing here", async () => {
    const evolution = fakeEvolution();
    const { hub, key } = await aHub(evolution.platform);
    const instance = unique("taken");
    evolution.instances.set(instance, { state: "open", webhook: null });
    const body = whatsapp(unique("wa"), { instance });
    const refused = await hub.ask("POST", "/instances/create", { key, body });
    expect(refused.status).toBe(409);
    expect((await hub.ask("GET", `/instances/${body.id}`, { key })).status).toBe(404);
  });

  test("a refused key is 422 with the platform's words, and leaves nothing here", async () => {
    const { hub, key } = await aHub(fakeEvolution().platform);
    const body = whatsapp(unique("wa"), { credentials: { apiKey: "wrong" } });
    const refused = await hub.ask("POST", "/instances/create", { key, body });
    expect([refused.status, refused.body.platform]).toEqual([
      422,
      { reason: "unauthorized", detail: "Unauthorized" },
    ]);
    expect((await hub.ask("GET", `/instances/${body.id}`, { key })).status).toBe(404);
  });

  test("no answer is 504, and the connection stays, since the instance may have been made", async () => {
    const { hub, tenant, key } = await aHub(() => "timeout");
    const body = whatsapp(unique("wa"));
    expect((await hub.ask("POST", "/instances/create", { key, body })).status).toBe(504);
    expect(
      (await hub.ask("GET", `/tenants/${tenant}/connections/${body.id}`, { key })).status,
    ).toBe(200);
    expect((await hub.ask("DELETE", `/instances/${body.id}`, { key })).status).toBe(504);
    expect((await hub.ask("DELETE", `/instances/${body.id}?keep=remote`, { key })).status).toBe(
      204,
    );
  });

  test("deleting one that the platform no longer has is done", async () => {
    const evolution = fakeEvolution();
    const { hub, key } = await aHub(evolution.platform);
    const body = whatsapp(unique("wa"));
    await hub.ask("POST", "/instances/create", { key, body });
    evolution.instances.clear();
    const state = await hub.ask("GET", `/instances/${body.id}`, { key });
    expect(state.body).toMatchObject({
      state: "closed",
      detail: "the platform has no such instance",
    });
    expect((await hub.ask("DELETE", `/instances/${body.id}`, { key })).status).toBe(204);
  });

  test("without an origin there is nobody to ask", async () => {
    const { hub, key } = await aHub(fakeEvolution().platform);
    const { baseUrl: _, ...body } = whatsapp(unique("wa"));
    const refused = await hub.ask("POST", "/instances/create", { key, body });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, "#/baseUrl"]);
  });

  test("a private or odd origin is refused before anything is stored or called", async () => {
    const { hub, key } = await aHub(fakeEvolution().platform);
    for (const baseUrl of [
      "http://169.254.169.254",
      "http://10.0.0.1",
      "file:///etc/passwd",
      "http://[::ffff:7f00:1]/",
      "http://user:pw@evolution.test",
    ]) {
      const body = whatsapp(unique("wa"), { baseUrl });
      const refused = await hub.ask("POST", "/instances/create", { key, body });
      expect([baseUrl, refused.status, refused.body.errors?.[0]?.pointer]).toEqual([
        baseUrl,
        400,
        "#/baseUrl",
      ]);
    }
    expect(hub.calls).toEqual([]);
  });
});

describe("a Discord application", () => {
  test("is checked, gets our interactions endpoint, and loses it when deleted", async () => {
    const input = discord(unique("dc"));
    const platform = fakeDiscord(input.applicationId);
    const { hub, key } = await aHub(platform.platform);
    const made = await hub.ask("POST", "/instances/create", { key, body: input });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ state: "open", connection: { botUserId: "555" } });
    expect(made.body.continueUrl).toContain(`client_id=${input.applicationId}`);
    expect(platform.url).toBe(`${hub.deps.vars.PUBLIC_URL}/webhooks/discord/${input.id}`);
    const path = `/instances/${input.id}`;
    expect((await hub.ask("GET", path, { key })).body.state).toBe("open");
    platform.url = "https://elsewhere.test";
    expect((await hub.ask("GET", path, { key })).body).toMatchObject({ state: "closed" });
    expect((await hub.ask("POST", `${path}/connect`, { key })).body.state).toBe("open");
    expect((await hub.ask("POST", `${path}/restart`, { key })).status).toBe(422);
    expect((await hub.ask("DELETE", path, { key })).status).toBe(204);
    expect(platform.url).toBeNull();
  });

  test("of another bot token or public key is refused by pointer", async () => {
    const input = discord(unique("dc"));
    const { hub, key } = await aHub(fakeDiscord("999").platform);
    const refused = await hub.ask("POST", "/instances/create", { key, body: input });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, "#/applicationId"]);
    const wrongToken = discord(unique("dc"), {
      credentials: { publicKey: "ab".repeat(32), botToken: "x" },
    });
    expect((await hub.ask("POST", "/instances/create", { key, body: wrongToken })).status).toBe(
      422,
    );
  });
});

test("an instance of another tenant is 404 for every verb", async () => {
  const evolution = fakeEvolution();
  const { hub, key } = await aHub(evolution.platform);
  const body = whatsapp(unique("wa"));
  await hub.ask("POST", "/instances/create", { key, body });
  const stranger = await aHub(evolution.platform);
  const before = evolution.instances.size;
  for (const [method, path] of [
    ["GET", `/instances/${body.id}`],
    ["GET", `/instances/qr/${body.id}`],
    ["POST", `/instances/${body.id}/connect`],
    ["POST", `/instances/${body.id}/restart`],
    ["POST", `/instances/${body.id}/logout`],
    ["DELETE", `/instances/${body.id}`],
  ] as const) {
    expect([path, (await stranger.hub.ask(method, path, { key: stranger.key })).status]).toEqual([
      path,
      404,
    ]);
  }
  expect(stranger.hub.calls).toEqual([]);
  expect(evolution.instances.size).toBe(before);
});
