import { env as bindings } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { createDirectory } from "../../platform/directory.ts";
import {
  createConnection,
  deleteConnection,
  type Store,
} from "../../platform/repositories/connections.ts";
import { createTenant } from "../../platform/repositories/tenants.ts";
import { createVault } from "../../platform/vault.ts";
import { ConnectionInput } from "../../schema/connection.ts";
import { TenantInput } from "../../schema/tenant.ts";
import { slack, whatsapp } from "./api/hub-api.ts";

const env = bindings as unknown as Env;
const KEK = `k1:${btoa("0123456789abcdef0123456789abcdef")}`;
const NOW_MS = Date.UTC(2026, 5, 1);
const store: Store = { db: env.DB, vault: createVault(env.DB, KEK) };

/** A database that counts its round trips. */
function counted(db: D1Database) {
  const trips = { count: 0 };
  const statement = (inner: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(inner, {
      get(target, name) {
        if (name === "bind") return (...values: unknown[]) => statement(target.bind(...values));
        if (["first", "all", "run", "raw"].includes(String(name))) trips.count += 1;
        const member = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  const inner = new WeakMap<object, D1PreparedStatement>();
  const proxied = {
    prepare: (sql: string) => wrap(db.prepare(sql)),
    batch: (statements: D1PreparedStatement[]) => {
      trips.count += 1;
      return db.batch(statements.map((each) => inner.get(each) ?? each));
    },
  };
  function wrap(raw: D1PreparedStatement): D1PreparedStatement {
    const made = statement(raw);
    const bound = new Proxy(made, {
      get(target, name) {
        if (name === "bind") return (...values: unknown[]) => wrap(raw.bind(...values));
        return Reflect.get(target, name);
      },
    });
    inner.set(bound, raw);
    return bound;
  }
  return { db: proxied as unknown as D1Database, trips };
}

function coldDirectory(options: Partial<Parameters<typeof createDirectory>[2]> = {}) {
  const { db, trips } = counted(env.DB);
  return {
    directory: createDirectory(db, createVault(db, KEK), { ttlMs: 30_000, ...options }),
    trips,
  };
}

function tenant(id: string, more: object = {}): TenantInput {
  return TenantInput.parse({ id, name: `Tenant ${id}`, ...more });
}

describe("finding a connection", () => {
  test("costs one round trip cold and none warm, credentials, tenant and rules included", async () => {
    await createTenant(
      store,
      tenant("d-one", {
        config: { route: { kind: "webhook", url: "https://x.test/", secret: "whsec_abc" } },
        connections: [
          whatsapp("d-one-wa", {
            route: { kind: "hive", baseUrl: "https://h.test", apiKey: "hive-key" },
          }),
        ],
      }),
      NOW_MS,
    );
    await env.DB.prepare(
      "INSERT INTO access_rules (id, tenant_id, connection_id, effect, pattern, created_at, expires_at) VALUES ('r1','d-one',NULL,'block','55*',1,NULL), ('r2','d-one','d-one-wa','allow','1',1,99), ('r3','d-one','other','allow','1',1,99)",
    ).run();
    const { directory, trips } = coldDirectory();
    const found = await directory.byPath("evolution", "d-one-wa", NOW_MS);
    expect(trips.count).toBe(1);
    expect(found?.connection).toMatchObject({
      id: "d-one-wa",
      tenant: "d-one",
      instance: "d-one-wa-instance",
      active: true,
      credentials: { apiKey: "evo-secret-key", webhookSecret: "hook-secret" },
      route: { kind: "hive", apiKey: "hive-key" },
    });
    expect(found?.tenant).toMatchObject({
      id: "d-one",
      name: "Tenant d-one",
      active: true,
      config: {
        enabled: true,
        historyWindow: 20,
        limits: { messagesPerMinute: 6000 },
        route: { secret: "whsec_abc" },
      },
    });
    expect(found?.rules).toEqual([
      { id: "r1", effect: "block", pattern: "55*" },
      { id: "r2", effect: "allow", pattern: "1", connection: "d-one-wa", expiresAtMs: 99 },
    ]);
    expect(await directory.byPath("evolution", "d-one-wa", NOW_MS + 29_999)).toEqual(found);
    expect(trips.count).toBe(1);
    await directory.byPath("evolution", "d-one-wa", NOW_MS + 30_000);
    expect(trips.count).toBe(2);
  });

  test("stores no secret in the open", async () => {
    const rows = await env.DB.prepare(
      "SELECT t.config || c.config || c.credentials AS text FROM tenants t JOIN connections c ON c.tenant_id = t.id WHERE t.id = 'd-one'",
    ).first<{ text: string }>();
    expect(rows?.text).toContain("d-one-wa-instance");
    for (const secret of ["evo-secret-key", "hook-secret", "hive-key", "whsec_abc"]) {
      expect(rows?.text).not.toContain(secret);
    }
  });

  test("takes a tenant's id where the tenant has one active connection of that kind", async () => {
    const connections = [
      whatsapp("d-two-wa"),
      slack("d-two-s1"),
      slack("d-two-s2", { teamId: "T_2" }),
      slack("d-two-s3", { active: false }),
    ];
    await createTenant(store, tenant("d-two", { connections }), NOW_MS);
    const { directory } = coldDirectory();
    expect((await directory.byPath("whatsapp", "d-two", NOW_MS))?.connection.id).toBe("d-two-wa");
    expect(await directory.byPath("slack", "d-two", NOW_MS)).toBeUndefined();
    expect((await directory.byPath("slack", "d-two-s2", NOW_MS))?.connection.id).toBe("d-two-s2");
    expect(await directory.byPath("slack", "d-two-s3", NOW_MS)).toBeUndefined();
    expect((await directory.byId("d-two-s3", NOW_MS))?.connection.active).toBe(false);
    expect(await directory.byPath("discord", "d-two-wa", NOW_MS)).toBeUndefined();
    expect(await directory.byPath("constructor", "d-two-wa", NOW_MS)).toBeUndefined();
  });

  test("a connection's id beats a tenant's id of the same name", async () => {
    await createTenant(store, tenant("d-same", { connections: [whatsapp("d-same-wa")] }), NOW_MS);
    await createTenant(store, tenant("d-other", { connections: [whatsapp("d-same")] }), NOW_MS);
    const { directory } = coldDirectory();
    expect((await directory.byPath("whatsapp", "d-same", NOW_MS))?.tenant.id).toBe("d-other");
  });

  test("finds every connection with an address, of whichever tenant, in one round trip", async () => {
    const shared = { teamId: "T_SHARED", appId: "A1" };
    await createTenant(store, tenant("d-a", { connections: [slack("d-a-s", shared)] }), NOW_MS);
    await createTenant(store, tenant("d-b", { connections: [slack("d-b-s", shared)] }), NOW_MS);
    const { directory, trips } = coldDirectory();
    const found = await directory.byAddress("slack", ["T_SHARED:A1", "T_SHARED"], NOW_MS);
    expect(trips.count).toBe(1);
    expect(found.map((each) => each.tenant.id).sort()).toEqual(["d-a", "d-b"]);
    expect(await directory.byAddress("slack", ["T_NONE"], NOW_MS)).toEqual([]);
  });
});

describe("what is remembered", () => {
  test("nothing found is asked again after 5 seconds, or at once when told", async () => {
    await createTenant(store, tenant("d-neg"), NOW_MS);
    const { directory, trips } = coldDirectory();
    expect(await directory.byPath("evolution", "d-neg-wa", NOW_MS)).toBeUndefined();
    await createConnection(store, "d-neg", ConnectionInput.parse(whatsapp("d-neg-wa")), NOW_MS);
    expect(await directory.byPath("evolution", "d-neg-wa", NOW_MS + 4999)).toBeUndefined();
    expect(trips.count).toBe(1);
    expect(await directory.byPath("evolution", "d-neg-wa", NOW_MS + 5000)).toBeDefined();
    await deleteConnection(store, "d-neg", "d-neg-wa");
    expect(await directory.byPath("evolution", "d-neg-wa", NOW_MS + 5001)).toBeDefined();
    directory.forget("d-neg-wa");
    expect(await directory.byPath("evolution", "d-neg-wa", NOW_MS + 5002)).toBeUndefined();
  });

  test("concurrent cold look-ups share one round trip", async () => {
    const { directory, trips } = coldDirectory();
    const found = await Promise.all(
      Array.from({ length: 10 }, () => directory.byPath("evolution", "d-one-wa", NOW_MS)),
    );
    expect(trips.count).toBe(1);
    expect(found.every((each) => each?.connection.id === "d-one-wa")).toBe(true);
  });

  test("a time to live of zero remembers nothing", async () => {
    const { directory, trips } = coldDirectory({ ttlMs: 0 });
    await directory.byId("d-one-wa", NOW_MS);
    await directory.byId("d-one-wa", NOW_MS);
    expect(trips.count).toBe(2);
  });

  test("a tenant is found by id, once", async () => {
    const { directory, trips } = coldDirectory();
    expect((await directory.tenant("d-one", NOW_MS))?.config.route).toMatchObject({
      secret: "whsec_abc",
    });
    expect(await directory.tenant("nobody", NOW_MS)).toBeUndefined();
    await directory.tenant("d-one", NOW_MS);
    expect(trips.count).toBe(2);
  });
});

test("the word simulator becomes the configured origin, in connections and in routes", async () => {
  const route = { kind: "hive", baseUrl: "simulator", agent: "a" };
  await createTenant(
    store,
    tenant("d-sim", {
      config: { route },
      connections: [whatsapp("d-sim-wa", { baseUrl: "simulator", route })],
    }),
    NOW_MS,
  );
  const simulators = { evolution: "http://127.0.0.1:1", hive: "http://127.0.0.1:2" };
  const { directory } = coldDirectory({ simulators });
  const found = await directory.byId("d-sim-wa", NOW_MS);
  expect(found?.connection).toMatchObject({
    baseUrl: "http://127.0.0.1:1",
    route: { baseUrl: "http://127.0.0.1:2" },
  });
  expect(found?.tenant.config.route).toMatchObject({ baseUrl: "http://127.0.0.1:2" });
});
