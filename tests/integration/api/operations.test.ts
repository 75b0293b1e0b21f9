import { beforeAll, describe, expect, test } from "vitest";
import { count } from "../../../platform/metrics.ts";
import { repairDrift } from "../../../workers/scheduled/drift.ts";
import { fakeDiscord, fakeEvolution } from "./fake-platforms.ts";
import { discord, env, type FakePlatform, slack, testApi, unique, whatsapp } from "./hub-api.ts";

const hub = testApi();
const tenant = unique("oten");
const key = `key-of-${tenant}`;
const wa = whatsapp(unique("owa"));
const sl = slack(unique("osl"), { route: { kind: "human" } });

beforeAll(async () => {
  const config = {
    route: { kind: "direct", rules: [{ match: "^hi (\\w+)", reply: "hello {{match.1}}" }] },
    policy: { kind: "serial" },
  };
  const body = { id: tenant, config, apiKeys: [{ key }], connections: [wa, sl] };
  expect((await hub.ask("POST", "/tenants", { body })).status).toBe(201);
});

describe("access rules", () => {
  const path = `/tenants/${tenant}/access-rules`;

  test("are made, read, changed, listed and removed", async () => {
    const input = { effect: "block", pattern: "5511*", connection: wa.id, note: "spam" };
    const made = await hub.ask("POST", path, { key, body: input });
    expect([made.status, made.body]).toMatchObject([201, { ...input, expiresAt: null }]);
    const one = `${path}/${made.body.id}`;
    expect((await hub.ask("GET", one, { key })).body).toEqual(made.body);
    const patch = { effect: "allow", note: null, expiresAt: "2030-01-01T00:00:00+02:00" };
    const changed = await hub.ask("PATCH", one, { key, body: patch });
    expect(changed.body).toMatchObject({
      effect: "allow",
      note: null,
      pattern: "5511*",
      expiresAt: "2029-12-31T22:00:00.000Z",
    });
    expect((await hub.ask("GET", path, { key })).body.items).toHaveLength(1);
    expect((await hub.ask("DELETE", one, { key })).status).toBe(204);
    expect((await hub.ask("GET", one, { key })).status).toBe(404);
  });

  test("reach the directory at once", async () => {
    const seen = async () => (await hub.deps.directory.byId(wa.id, hub.deps.now()))?.rules.length;
    expect(await seen()).toBe(0);
    const made = await hub.ask("POST", path, { key, body: { effect: "block", pattern: "1" } });
    expect(await seen()).toBe(1);
    await hub.ask("DELETE", `${path}/${made.body.id}`, { key });
    expect(await seen()).toBe(0);
  });

  test("name a connection of the same tenant only", async () => {
    const body = { effect: "block", pattern: "1", connection: "somebody-elses" };
    expect((await hub.ask("POST", path, { key, body })).status).toBe(422);
    expect(
      (await hub.ask("POST", path, { key, body: { effect: "deny", pattern: "1" } })).status,
    ).toBe(400);
  });
});

describe("the preview of a route", () => {
  const preview = (body: object) => hub.ask("POST", `/tenants/${tenant}/preview`, { key, body });

  test("says which route and policy a message would get, and why", async () => {
    const { status, body } = await preview({ connection: wa.id, text: "Hi Ana" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      plan: { kind: "direct", reply: "hello Ana" },
      policy: { kind: "serial" },
    });
    expect(body.because).toContain("route direct of tenant");
    const human = await preview({ connection: sl.id, text: "Hi Ana" });
    expect(human.body.plan).toMatchObject({ kind: "human", reason: "route" });
    const own = { route: { kind: "silence" }, policy: { kind: "drop" } };
    const overridden = await preview({ connection: wa.id, text: "Hi Ana", conversation: own });
    expect(overridden.body).toMatchObject({ plan: { kind: "silence" }, policy: { kind: "drop" } });
  });

  test("shows no secret, and nothing of another tenant", async () => {
    const route = { kind: "webhook", url: "https://hook.test/", secret: "whsec_c2VjcmV0" };
    const { body, text } = await preview({ connection: wa.id, text: "x", conversation: { route } });
    expect(body.plan).toMatchObject({ kind: "webhook", route: { url: "https://hook.test/" } });
    expect(text).not.toContain("whsec_");
    expect((await preview({ connection: "nobodys", text: "x" })).status).toBe(404);
  });
});

test("rules and URLs that could never be used are refused where they are written", async () => {
  const path = `/tenants/${tenant}`;
  const put = (route: object) => hub.ask("PATCH", path, { key, body: { config: { route } } });
  const rule = await put({
    kind: "direct",
    rules: [
      { match: "ok", reply: "x" },
      { match: "(a", reply: "x" },
    ],
  });
  expect([rule.status, rule.body.errors[0].pointer]).toEqual([400, "#/config/route/rules/1/match"]);
  const local = await put({ kind: "webhook", url: "http://169.254.169.254/latest" });
  expect([local.status, local.body.errors[0].pointer]).toEqual([400, "#/config/route/url"]);
  const simulated = await put({ kind: "hive", baseUrl: "simulator" });
  expect([simulated.status, simulated.body.errors[0].pointer]).toEqual([
    400,
    "#/config/route/baseUrl",
  ]);
});

describe("drift of webhook registrations", () => {
  const call = (platform: FakePlatform) => async (request: Parameters<FakePlatform>[0]) => {
    const answer = platform(request);
    if (answer === "timeout") return { ok: false, reason: "timeout", sent: true } as const;
    const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    return { ok: true, status: answer.status, headers: new Headers(), body } as const;
  };
  const NOW_MS = Date.UTC(2026, 6, 1);

  test("is mended, and what is ours is left alone", async () => {
    await env.DB.prepare("DELETE FROM connections").run();
    const evolution = fakeEvolution();
    const dc = discord(unique("odc"));
    const discordPlatform = fakeDiscord(dc.applicationId);
    const platform: FakePlatform = (request) =>
      request.url.includes("discord.com")
        ? discordPlatform.platform(request)
        : evolution.platform(request);
    const made = testApi({ platform });
    const input = whatsapp(unique("owa"));
    for (const body of [input, dc]) {
      expect((await made.ask("POST", "/instances/create", { key, body })).status).toBe(201);
    }
    expect(await repairDrift(env, NOW_MS, call(platform))).toEqual({
      checked: 2,
      repaired: 0,
      failed: 0,
    });
    const instance = evolution.instances.get(input.instance);
    if (instance?.webhook)
      instance.webhook = { ...instance.webhook, webhookBase64: true, url: "https://old.test" };
    discordPlatform.url = "https://old.test";
    expect(await repairDrift(env, NOW_MS + 60_000, call(platform))).toEqual({
      checked: 0,
      repaired: 0,
      failed: 0,
    });
    const later = NOW_MS + 16 * 60_000;
    expect(await repairDrift(env, later, call(platform))).toEqual({
      checked: 2,
      repaired: 2,
      failed: 0,
    });
    expect(instance?.webhook).toMatchObject({
      webhookBase64: false,
      url: `${made.deps.vars.PUBLIC_URL}/webhooks/evolution/${input.id}`,
    });
    expect(discordPlatform.url).toContain(`/webhooks/discord/${dc.id}`);
  });

  test("a platform that fails is counted and does not stop the others; the longest unchecked go first", async () => {
    await env.DB.prepare("DELETE FROM connections").run();
    const evolution = fakeEvolution();
    const made = testApi({ platform: evolution.platform });
    const inputs = [whatsapp(unique("owa")), whatsapp(unique("owa"))];
    for (const body of inputs) await made.ask("POST", "/instances/create", { key, body });
    evolution.instances.delete(inputs[0]?.instance ?? "");
    const summary = await repairDrift(env, NOW_MS, call(evolution.platform));
    expect(summary).toEqual({ checked: 2, repaired: 0, failed: 1 });
    expect(
      await repairDrift(
        env,
        NOW_MS + 16 * 60_000,
        call(() => "timeout"),
      ),
    ).toMatchObject({ failed: 2 });
  });
});

test("metrics: the operator sees every series, a tenant its own", async () => {
  count("turns_total", { tenant, route: "direct", outcome: "done" }, 3);
  count("turns_total", { tenant: "another-tenant", route: "direct", outcome: "done" });
  const all = await hub.ask("GET", "/metrics");
  expect(all.headers.get("content-type")).toContain("text/plain");
  expect(all.text).toContain(`turns_total{tenant="${tenant}"`);
  expect(all.text).toContain('tenant="another-tenant"');
  expect(all.text).toMatch(
    /http_requests_total\{route="previewRoute",method="POST",status="200"\} \d/,
  );
  const own = await hub.ask("GET", "/metrics", { key });
  expect(own.text).toContain(`turns_total{tenant="${tenant}"`);
  expect(own.text).not.toMatch(/another-tenant|http_requests_total/);
});
