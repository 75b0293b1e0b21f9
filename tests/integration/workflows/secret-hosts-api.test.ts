/** Hosts of a tenant's secrets over the API: set with the secret, shown, kept, and judged when a definition comes. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { openSecrets } from "../../../platform/repositories/tenant-secrets.ts";
import { createVault } from "../../../platform/vault.ts";
import { parseVars } from "../../../schema/vars.ts";
import { type ApiTenant, apiTenant, noting } from "./api-hub.ts";
import { env, RUN_TEST_MS } from "./running.ts";

vi.setConfig({ testTimeout: RUN_TEST_MS, hookTimeout: RUN_TEST_MS });

const vault = () => createVault(env.DB, parseVars(env).KEK);

describe("hosts of a secret", () => {
  let hub: ApiTenant;
  beforeAll(async () => {
    hub = await apiTenant();
  });
  const put = (name: string, body: object) => hub.ask("PUT", `/secrets/${name}`, body);
  const hostsOf = async (name: string) => {
    const { body } = await hub.ask("GET", "/secrets");
    return body.items.find((one: { name: string }) => one.name === name)?.hosts;
  };

  test("are shown, stay while the value is replaced, and go when that is said", async () => {
    expect(
      (await put("bank", { value: "1", hosts: ["B.example", "*.a.example", "b.example"] })).status,
    ).toBe(204);
    expect(await hostsOf("bank")).toEqual(["*.a.example", "b.example"]);
    expect((await put("bank", { value: "2" })).status).toBe(204);
    expect(await hostsOf("bank")).toEqual(["*.a.example", "b.example"]);
    expect((await put("bank", { value: "3", hosts: [] })).status).toBe(204);
    expect(await hostsOf("bank")).toEqual([]);
    const opened = await openSecrets(env.DB, vault(), hub.tenant, ["bank"]);
    expect(opened.get("bank")).toEqual({ value: "3", hosts: [] });
    expect((await put("bank", { value: "4", hosts: null })).status).toBe(204);
    expect(await hostsOf("bank")).toBeNull();
  });

  test("that were changed in the database open nothing", async () => {
    await put("sealed", { value: "1", hosts: ["a.example"] });
    const of = [hub.tenant, "sealed"] as const;
    const swap =
      "UPDATE tenant_secrets SET sealed = replace(sealed, 'a.example', 'evil.test') WHERE tenant_id = ? AND name = ?";
    await env.DB.prepare(swap)
      .bind(...of)
      .run();
    await expect(openSecrets(env.DB, vault(), hub.tenant, ["sealed"])).rejects.toThrow();
    const bare =
      "UPDATE tenant_secrets SET sealed = json_extract(sealed, '$.sealed') WHERE tenant_id = ? AND name = ?";
    await env.DB.prepare(bare)
      .bind(...of)
      .run();
    await expect(openSecrets(env.DB, vault(), hub.tenant, ["sealed"])).rejects.toThrow();
  });

  test("survive values that are written at the same time", async () => {
    await put("raced", { value: "0", hosts: ["a.example"] });
    const both = await Promise.all([
      put("raced", { value: "1", hosts: ["b.example"] }),
      put("raced", { value: "2" }),
      put("raced", { value: "3" }),
    ]);
    expect(both.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect(await hostsOf("raced")).toEqual(["b.example"]);
  });

  test.each([
    [["example.com", "*.example.com", "localhost", "127.0.0.1", "xn--bcher-kva.example"], 204],
    [Array.from({ length: 20 }, (_, n) => `h${n}.example`), 204],
    [Array.from({ length: 21 }, (_, n) => `h${n}.example`), 400],
    [[`${"a.".repeat(126)}a`], 204],
    [[`${"a.".repeat(126)}aa`], 400],
    [["*"], 400],
    [["*.com"], 400],
    [["a.*.example"], 400],
    [["https://a.example"], 400],
    [["a.example:8443"], 400],
    [["a.example/x"], 400],
    [["a.example."], 400],
    [["bücher.example"], 400],
    [["0x7f.1"], 400],
    [["*.0.0.1"], 400],
    [[""], 400],
    ["a.example", 400],
  ])("%j is %i", async (hosts, status) => {
    expect((await put("shape", { value: "1", hosts })).status).toBe(status);
  });

  describe("and definitions", () => {
    const upload = async (on: ApiTenant, action: string, given: object) => {
      const steps = [{ id: "call", type: "action", action, with: given }];
      const definition = noting(`d-${crypto.randomUUID().slice(0, 8)}`, "1.0.0", { steps });
      const { status, body } = await on.ask("POST", "/workflows", definition);
      const faults: readonly { path: string; reason: string }[] = body.faults ?? [];
      return [status, ...faults.map(({ path, reason }) => `${path} ${reason}`)];
    };
    const headers = { authorization: { $secret: "listed" } };
    const at = "steps[0].with.headers.authorization secret_host";

    test.each([
      [
        "the listed host",
        "http.request",
        { url: "https://a.example/{{ input.x }}", headers },
        [201],
      ],
      [
        "another host",
        "http.request",
        { url: "https://b.example/{{ input.x }}", headers },
        [422, at],
      ],
      [
        "another host, by parameters",
        "http.request",
        { uri: "https://b.example/{x}", headers },
        [422, at],
      ],
      [
        "the uri, which is called",
        "http.request",
        { url: "https://a.example", uri: "https://b.example", headers },
        [422, at],
      ],
      ["a computed host", "http.request", { url: "{{ input.url }}", headers }, [201]],
      [
        "a secret that is not there yet",
        "http.request",
        { url: "https://b.example", headers: { a: { $secret: "later" } } },
        [201],
      ],
      [
        "a service elsewhere",
        "svc.b",
        { key: { $secret: "listed" } },
        [422, "steps[0].with.key secret_host"],
      ],
      ["a service there", "svc.a", { key: { $secret: "listed" } }, [201]],
      [
        "an action that keeps it",
        "transform",
        { key: { $secret: "listed" } },
        [422, "steps[0].with.key secret_host"],
      ],
      ["data that looks like one", "transform", { $literal: { $secret: "listed" } }, [201]],
    ])("%s", async (_, name, given, expected) => {
      await put("listed", { value: "1", hosts: ["a.example"] });
      for (const [service, host] of [
        ["svc.a", "a.example"],
        ["svc.b", "b.example"],
      ])
        await hub.ask("PUT", `/workflow-services/${service}`, { url: `https://${host}/x` });
      expect(await upload(hub, name, given)).toEqual(expected);
    });

    test("of a tenant that wants every secret to name hosts", async () => {
      const strict = await apiTenant();
      const patched = await strict.ask("PATCH", `/tenants/${strict.tenant}`, {
        config: { secretsNeedHosts: true },
      });
      expect([patched.status, patched.body.config.secretsNeedHosts]).toEqual([200, true]);
      await strict.ask("PUT", "/secrets/listed", { value: "1" });
      for (const url of ["https://a.example", "{{ input.url }}"])
        expect(await upload(strict, "http.request", { url, headers })).toEqual([422, at]);
      await strict.ask("PUT", "/secrets/listed", { value: "1", hosts: ["a.example"] });
      expect(await upload(strict, "http.request", { url: "https://a.example", headers })).toEqual([
        201,
      ]);
    });
  });
});
