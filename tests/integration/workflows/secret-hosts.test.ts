/** Where a tenant's secrets are sent, and where not: judged right before each call of an action. */
import { describe, expect, test, vi } from "vitest";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { putSecret, type SecretToWrite } from "../../../platform/repositories/tenant-secrets.ts";
import { createVault } from "../../../platform/vault.ts";
import { parseVars } from "../../../schema/vars.ts";
import { act, tenantWith } from "./acting.ts";
import { action, env, RUN_TEST_MS } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS, hookTimeout: RUN_TEST_MS });

const vault = () => createVault(env.DB, parseVars(env).KEK);
const TOKEN = "very-secret-value";
const REFUSED = { error: "secret_refused" };

const write = (of: Omit<SecretToWrite, "value">) =>
  putSecret(env.DB, vault(), { value: TOKEN, ...of }, Date.now());

/** Every row of the tenant's database that has the value, anywhere. */
async function rowsWith(tenant: string): Promise<number> {
  const tables = ["workflow_runs", "workflow_steps", "workflow_audit", "tenant_data"];
  const all = await Promise.all(
    tables.map((table) =>
      env.DB.prepare(`SELECT * FROM ${table} WHERE tenant_id = ?`).bind(tenant).all(),
    ),
  );
  return all.filter(({ results }) => JSON.stringify(results).includes(TOKEN)).length;
}

describe("a call with a secret", () => {
  const given = (origin: string, more = {}): Json => ({
    url: `${origin}/things`,
    headers: { authorization: { $secret: "token", prefix: "Bearer " } },
    ...more,
  });

  test.each([
    ["names the host", ["127.0.0.1"], false, true],
    ["names the host among others", ["*.example.com", "127.0.0.1"], true, true],
    ["names another host", ["api.example.com"], false, false],
    ["names none at all", [], false, false],
    ["says nothing", undefined, false, true],
    ["says nothing, and has to", undefined, true, false],
  ] as const)("whose list %s: %j", async (_, hosts, secretsNeedHosts, isSent) => {
    const config = { secretsNeedHosts };
    const { hub, asked } = await tenantWith(() => ({ config }));
    await write({ tenant: hub.tenant, name: "token", ...(hosts ? { hosts } : {}) });
    const outcome = await act(hub, "http.request", given(hub.origin));
    expect(outcome).toEqual(isSent ? { status: 200, body: {} } : REFUSED);
    expect(asked.map(({ headers }) => headers.get("authorization"))).toEqual(
      isSent ? [`Bearer ${TOKEN}`] : [],
    );
  });

  test("is judged by the host that a run computes, and by what a service is bound to", async () => {
    const { hub, asked } = await tenantWith();
    await write({ tenant: hub.tenant, name: "token", hosts: ["api.example.com"] });
    const call = given("", { url: `{{ "${hub.origin}" + "/x" }}` });
    expect(await act(hub, "http.request", call)).toEqual(REFUSED);
    const place = { uri: "{where}/x", uri_parameters: { where: hub.origin } };
    const templated = { ...place, headers: { a: { $secret: "token" } } };
    expect(await act(hub, "http.request", templated)).toEqual({ error: "refused_url" });
    expect(asked).toEqual([]);
  });

  test("of a connection goes to that connection's host alone", async () => {
    const { hub, asked } = await tenantWith((origin) => ({
      connections: [
        {
          ...{ id: "plat", channel: "slack", teamId: "T1", appId: "A1", baseUrl: origin },
          credentials: { botToken: "xoxb-1", signingSecret: "sig" },
        },
      ],
    }));
    await write({ tenant: hub.tenant, name: "token", hosts: ["slack.com"] });
    const call = { connection: "plat", path: "a.b", body: { x: { $secret: "token" } } };
    expect(await act(hub, "connection.call", call)).toEqual(REFUSED);
    await write({ tenant: hub.tenant, name: "token", hosts: ["127.0.0.1"] });
    expect(await act(hub, "connection.call", call)).toMatchObject({ status: 200 });
    expect(asked).toHaveLength(1);
  });

  test("of an agent goes to that agent's host alone", async () => {
    const { hub, asked } = await tenantWith((origin) => ({
      config: {
        route: {
          kind: "webhook",
          url: `${origin}/agent`,
          secret: "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0",
        },
      },
    }));
    await write({ tenant: hub.tenant, name: "token", hosts: ["api.example.com"] });
    expect(await act(hub, "agent.run", { text: { $secret: "token" } })).toEqual(REFUSED);
    expect(asked).toEqual([]);
  });

  test.each([
    ["transform", { x: { $secret: "token" } }],
    ["data.put", { key: "stolen", value: { $secret: "token" } }],
    ["log.note", { code: { $secret: "token" } }],
    ["event.publish", { event_type: "x.y", data: { $secret: "token" } }],
    ["message.send", { connection: "none", to: "1", text: { $secret: "token" } }],
    ["plugin.call", { plugin: { $secret: "token" } }],
  ])("is no %s: nothing of a run ever holds one", async (name, input) => {
    const { hub } = await tenantWith();
    await write({ tenant: hub.tenant, name: "token" });
    // No spy: it keeps what another object's context gave, which ends in errors of the runtime.
    const output: { log: (...line: unknown[]) => void } = globalThis.console;
    const { log } = output;
    const lines: string[] = [];
    output.log = (...line) => lines.push(line.join(" "));
    try {
      expect(await act(hub, name, input as Json)).toEqual(REFUSED);
    } finally {
      output.log = log;
    }
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("\n")).not.toContain(TOKEN);
    expect(await rowsWith(hub.tenant)).toBe(0);
  });

  test("within its URL shows its origin alone", async () => {
    const { hub, asked } = await tenantWith();
    await write({ tenant: hub.tenant, name: "token" });
    const call = { uri: `${hub.origin}/hook`, query: { key: { $secret: "token" } } };
    const shown = await act(hub, "http.request", { ...call, output: "response" });
    expect(shown).toMatchObject({ request: { uri: hub.origin } });
    expect(asked[0]?.url.searchParams.get("key")).toBe(TOKEN);
    expect(await rowsWith(hub.tenant)).toBe(0);
  });

  test("of a service goes where the service is bound to", async () => {
    const { hub, asked } = await tenantWith();
    const path = `${hub.origin}/own`;
    await env.DB.prepare(
      "UPDATE tenant_data SET value = ? WHERE tenant_id = ? AND key = '$services'",
    )
      .bind(JSON.stringify({ "own.call": { url: path } }), hub.tenant)
      .run();
    await hub.deploy({
      id: "own",
      steps: [
        action("own.call", { id: "it", action: "own.call", with: { k: { $secret: "token" } } }),
      ],
    });
    for (const [hosts, outcome] of [
      [["api.example.com"], "failed"],
      [["127.0.0.1"], "completed"],
    ] as const) {
      await write({ tenant: hub.tenant, name: "token", hosts });
      expect((await hub.ended(await hub.start("own"))).status).toBe(outcome);
    }
    expect(asked.map(({ text }) => text.includes(TOKEN))).toEqual([true]);
  });
});
