/** `http.request` in workerd: what goes out, what comes back, how it fails, and what is never called. */
import { describe, expect, test, vi } from "vitest";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { putSecret } from "../../../platform/repositories/tenant-secrets.ts";
import { createVault } from "../../../platform/vault.ts";
import { parseVars } from "../../../schema/vars.ts";
import { act, tenantWith } from "./acting.ts";
import { env, RUN_TEST_MS } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS });

describe("http.request", () => {
  test("calls with a key, a body and a secret that is nowhere else", async () => {
    const { hub, asked } = await tenantWith(undefined, () => Response.json({ n: 1 }));
    const vault = createVault(env.DB, parseVars(env).KEK);
    const of = { tenant: hub.tenant, name: "token", value: "very-secret" };
    await putSecret(env.DB, vault, of, Date.now());
    const output = await act(hub, "http.request", {
      url: `${hub.origin}/things?a=1`,
      query: { b: "x y" },
      headers: { authorization: { $secret: "token", prefix: "Bearer " }, "x-n": 7 },
      body: { hello: "world" },
    });
    expect(output).toEqual({ status: 200, body: { n: 1 } });
    const [call] = asked;
    expect([call?.method, call?.url.search, call?.text]).toEqual([
      "POST",
      "?a=1&b=x+y",
      '{"hello":"world"}',
    ]);
    expect(call?.headers.get("authorization")).toBe("Bearer very-secret");
    expect(call?.headers.get("idempotency-key")).toMatch(/^run_\w+\/it\/0$/);
    const rows = await env.DB.prepare("SELECT * FROM workflow_steps WHERE tenant_id = ?")
      .bind(hub.tenant)
      .all();
    expect(JSON.stringify(rows.results)).not.toContain("very-secret");
  });

  test("speaks the form of imported documents", async () => {
    const { hub, asked } = await tenantWith(undefined, () =>
      Response.json({ pet: 1 }, { headers: { "x-a": "b" } }),
    );
    const call = {
      method: "GET",
      uri: `${hub.origin}/pets/{id}`,
      uri_parameters: { id: "a/b" },
      authentication: { basic: { username: "ada", password: "pw" } },
    };
    expect(await act(hub, "http.request", call)).toEqual({ pet: 1 });
    expect(asked[0]?.url.pathname).toBe("/pets/a%2Fb");
    expect(asked[0]?.headers.get("authorization")).toBe(`Basic ${btoa("ada:pw")}`);
    expect(await act(hub, "http.request", { ...call, output: "raw" })).toBe(btoa('{"pet":1}'));
    expect(await act(hub, "http.request", { ...call, output: "response" })).toMatchObject({
      request: { method: "GET", headers: {} },
      ...{ statusCode: 200, headers: { "x-a": "b" }, content: { pet: 1 } },
    });
  });

  test.each([
    [{ status: 404 }, {}, { error: "http.404" }],
    [{ status: 404 }, { accept: [404] }, { status: 404, body: null }],
    [{ status: 302 }, {}, { error: "http.302" }],
    [{ status: 304 }, { redirect: true }, { status: 304, body: null }],
    [{ status: 500 }, {}, { error: "http.500" }],
  ])("%o with %o gives %o", async (answer, more, expected) => {
    const { hub } = await tenantWith(undefined, () => new Response(null, answer));
    expect(await act(hub, "http.request", { url: `${hub.origin}/x`, ...more })).toEqual(expected);
  });

  test("tells what the other side said, but no secret that it says again", async () => {
    const { hub } = await tenantWith(
      undefined,
      ({ headers }) => new Response(`no: ${headers.get("authorization")}`, { status: 403 }),
    );
    const vault = createVault(env.DB, parseVars(env).KEK);
    const of = { tenant: hub.tenant, name: "token", value: "very-secret" };
    await putSecret(env.DB, vault, of, Date.now());
    const given = {
      url: `${hub.origin}/x`,
      headers: { authorization: { $secret: "token", prefix: "Bearer " } },
    };
    const id = "refused";
    await hub.deploy({
      id,
      steps: [{ id: "it", type: "action", action: "http.request", with: given }],
    });
    const { steps } = await hub.ended(await hub.start(id));
    expect(steps.it?.error).toEqual({
      reason: "http.403",
      message: "no: Bearer [secret token]",
    });
    const echoed = await act(hub, "http.request", { ...given, accept: [403] });
    expect(echoed).toEqual({ status: 403, body: "no: Bearer [secret token]" });
  });

  test.each([
    ["http://10.0.0.1/x", "refused_url"],
    ["http://169.254.169.254/latest", "refused_url"],
    ["nonsense", "refused_url"],
  ])("does not call %s", async (url, error) => {
    const { hub, asked } = await tenantWith();
    expect(await act(hub, "http.request", { url })).toEqual({ error });
    expect(asked).toEqual([]);
  });

  test.each([
    [{}, "invalid_input"],
    [{ url: "https://x.example", method: "BREW" }, "invalid_input"],
    [{ url: "https://x.example", headers: { "bad header": "x" } }, "bad_header"],
    [{ url: "https://x.example", headers: { a: { $secret: "nobody" } } }, "missing_secret"],
  ])("takes no %o", async (given, error) => {
    const { hub } = await tenantWith();
    expect(await act(hub, "http.request", given as Json)).toEqual({ error });
  });

  test("that goes wrong again and again opens the breaker of its host", async () => {
    const { hub, asked } = await tenantWith(undefined, () => new Response(null, { status: 503 }));
    const retry = { attempts: 8, backoff: 5, jitter: "none", strategy: "constant", maxDelay: 20 };
    const failed = await act(hub, "http.request", { url: `${hub.origin}/x` }, { retry });
    expect(failed).toEqual({ error: "breaker_open" });
    expect(asked).toHaveLength(5);
  });
});
