import { env as bindings } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { createVault } from "../../platform/vault.ts";

const { DB } = bindings as unknown as Env;
const KEK_1 = `k1:${btoa("0123456789abcdef0123456789abcdef")}`;
const KEK_2 = `k2:${btoa("fedcba9876543210fedcba9876543210")}`;

async function keysOf(tenant: string) {
  const rows = await DB.prepare("SELECT * FROM tenant_keys WHERE tenant_id = ?1")
    .bind(tenant)
    .all<{ kid: string; wrapped: string; version: number }>();
  return rows.results;
}

describe("sealing", () => {
  test("opens what it sealed, for the same tenant and kind, also in another isolate", async () => {
    const sealed = await createVault(DB, KEK_1).seal("v-a", "credentials", "s3cret ✓");
    expect(sealed).toMatch(/^v1\.\d+\.[\w-]{16}\.[\w-]+$/);
    expect(sealed).not.toContain("s3cret");
    expect(await createVault(DB, KEK_1).open("v-a", "credentials", sealed)).toBe("s3cret ✓");
  });

  test("uses a fresh IV each time", async () => {
    const vault = createVault(DB, KEK_1);
    const ivs = await Promise.all(
      [1, 2, 3].map(async () => (await vault.seal("v-iv", "k", "x")).split(".")[2]),
    );
    expect(new Set(ivs).size).toBe(3);
  });

  test("refuses a ciphertext moved to another tenant, kind, or changed by one character", async () => {
    const vault = createVault(DB, KEK_1);
    const sealed = await vault.seal("v-b", "credentials", "secret");
    await vault.seal("v-c", "credentials", "theirs");
    const versionOfC = (await keysOf("v-c"))[0]?.version;
    const moved = sealed.replace(/^v1\.\d+/, `v1.${versionOfC}`);
    await expect(vault.open("v-c", "credentials", moved)).rejects.toMatchObject({
      code: "internal",
    });
    await expect(vault.open("v-c", "credentials", sealed)).rejects.toMatchObject({
      code: "internal",
    });
    await expect(vault.open("v-b", "webhook", sealed)).rejects.toMatchObject({ code: "internal" });
    const flipped = sealed.slice(0, -2) + (sealed.at(-2) === "A" ? "B" : "A") + sealed.at(-1);
    await expect(vault.open("v-b", "credentials", flipped)).rejects.toMatchObject({
      code: "internal",
    });
    await expect(vault.open("v-b", "credentials", "not sealed")).rejects.toMatchObject({
      code: "internal",
    });
  });

  test("a data key row copied to another tenant opens nothing there", async () => {
    const vault = createVault(DB, KEK_1);
    const sealed = await vault.seal("v-d", "k", "secret");
    await DB.prepare(
      "INSERT INTO tenant_keys SELECT 'v-thief', version, kid, wrapped, created_at FROM tenant_keys WHERE tenant_id = 'v-d'",
    ).run();
    await expect(createVault(DB, KEK_1).open("v-thief", "k", sealed)).rejects.toMatchObject({
      code: "internal",
    });
  });
});

describe("data keys", () => {
  test("a race of first uses ends with one key, and every value opens", async () => {
    const sealed = await Promise.all(
      Array.from({ length: 8 }, (_, n) => createVault(DB, KEK_1).seal("v-race", "k", `value ${n}`)),
    );
    expect(await keysOf("v-race")).toHaveLength(1);
    const vault = createVault(DB, KEK_1);
    const opened = await Promise.all(sealed.map((text) => vault.open("v-race", "k", text)));
    expect(opened).toEqual(Array.from({ length: 8 }, (_, n) => `value ${n}`));
  });

  test("a tenant deleted and made anew never seals under its old key", async () => {
    const vault = createVault(DB, KEK_1);
    const old = await vault.seal("v-again", "k", "old");
    await DB.prepare("DELETE FROM tenant_keys WHERE tenant_id = 'v-again'").run();
    const fresh = await vault.seal("v-again", "k", "new");
    expect(fresh.split(".")[1]).not.toBe(old.split(".")[1]);
    expect(await createVault(DB, KEK_1).open("v-again", "k", fresh)).toBe("new");
    await expect(createVault(DB, KEK_1).open("v-again", "k", old)).rejects.toMatchObject({
      code: "internal",
    });
  });
});

describe("rotation of the key-encryption key", () => {
  test("old values open under old and new keys, and the old key can then be dropped", async () => {
    const sealed = await createVault(DB, KEK_1).seal("v-rot", "k", "secret");
    const both = createVault(DB, `${KEK_2},${KEK_1}`);
    expect(await both.open("v-rot", "k", sealed)).toBe("secret");
    await expect(createVault(DB, KEK_2).open("v-rot", "k", sealed)).rejects.toMatchObject({
      code: "internal",
    });
    expect(await both.rotate("v-rot")).toEqual({ rewrapped: 1, left: 0 });
    expect((await keysOf("v-rot"))[0]?.kid).toBe("k2");
    expect(await both.rotate("v-rot")).toEqual({ rewrapped: 0, left: 0 });
    expect(await createVault(DB, KEK_2).open("v-rot", "k", sealed)).toBe("secret");
  });

  test("counts keys that no configured key opens", async () => {
    await createVault(DB, KEK_1).seal("v-left", "k", "secret");
    expect(await createVault(DB, KEK_2).rotate("v-left")).toEqual({ rewrapped: 0, left: 1 });
  });

  test.each([
    ["", "entry 1"],
    ["k1:short", "entry 1"],
    [`${KEK_1},k2`, "entry 2"],
    [`${KEK_1},${KEK_1}`, "repeats"],
  ])("refuses the key list %j without showing it", (kek, message) => {
    expect(() => createVault(DB, kek)).toThrow(message);
  });
});
