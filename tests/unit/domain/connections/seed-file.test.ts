import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SeedFile, seedFaults, seedJsonSchema } from "../../../../schema/seed.ts";

const DOCUMENT = readFileSync("docs/seed-file.md", "utf8");

/** The first JSON block of `docs/seed-file.md`: the documented example is the one that is tested. */
function example(): Record<string, unknown> {
  const block = /```json\n([\s\S]*?)```/.exec(DOCUMENT)?.[1];
  if (!block) throw new Error("docs/seed-file.md shows no example");
  return JSON.parse(block);
}

function faultsOf(value: unknown): string[] {
  const parsed = SeedFile.safeParse(value);
  return parsed.success ? [] : seedFaults(parsed.error);
}

describe("the seed file", () => {
  test("takes the documented example, with its defaults", () => {
    const parsed = SeedFile.parse(example());
    expect(parsed.tenants[0]?.connections).toHaveLength(3);
    expect(parsed.tenants[0]?.config).toMatchObject({
      enabled: true,
      limits: { messagesPerMinute: 6000 },
    });
  });

  test("needs no more than an id", () => {
    expect(SeedFile.parse({ tenants: [{ id: "a" }] }).tenants[0]).toMatchObject({
      id: "a",
      active: true,
      connections: [],
      apiKeys: [],
    });
  });

  test("names each unknown key with its path", () => {
    const seed = example() as { tenants: Record<string, unknown>[] };
    const [tenant] = seed.tenants;
    if (!tenant) throw new Error("the example has no tenant");
    const [first] = tenant.connections as Record<string, Record<string, unknown>>[];
    if (!first) throw new Error("the example has no connection");
    tenant.plan = "gold";
    (first.credentials ?? {}).apikey = "typo";
    first.instances = {};
    expect(faultsOf(seed).sort()).toEqual([
      "tenants.0.connections.0.credentials.apikey: unknown key",
      "tenants.0.connections.0.instances: unknown key",
      "tenants.0.plan: unknown key",
    ]);
    expect(faultsOf({ tenants: [{ id: "a" }], extra: 1 })).toEqual(["extra: unknown key"]);
  });

  test.each([
    [{}, "tenants:"],
    [[], "(file):"],
    [{ tenants: [] }, "tenants:"],
    [{ tenants: [{ id: "../x" }] }, "tenants.0.id:"],
    [
      { tenants: [{ id: "a", connections: [{ id: "c", channel: "fax" }] }] },
      "tenants.0.connections.0.channel:",
    ],
    [
      { tenants: [{ id: "a", apiKeys: [{ key: "k", scopes: ["all"] }] }] },
      "tenants.0.apiKeys.0.scopes.0:",
    ],
  ])("%j is refused at %s", (seed, start) => {
    expect(faultsOf(seed)[0]?.startsWith(start)).toBe(true);
  });

  test("a __proto__ key changes nothing", () => {
    const text =
      '{"tenants":[{"id":"a","__proto__":{"active":false},"config":{"__proto__":{"enabled":false}}}]}';
    const parsed = SeedFile.safeParse(JSON.parse(text));
    if (parsed.success)
      expect(parsed.data.tenants[0]).toMatchObject({ active: true, config: { enabled: true } });
    expect(({} as { active?: boolean }).active).toBeUndefined();
  });

  test("has a JSON Schema, strict all the way down", () => {
    const schema = JSON.parse(JSON.stringify(seedJsonSchema()));
    expect(schema.$schema).toContain("2020-12");
    expect(schema.required).toEqual(["tenants"]);
    const tenant = schema.properties.tenants.items;
    expect(tenant.additionalProperties).toBe(false);
    expect(tenant.required).toEqual(["id"]);
    const objects = JSON.stringify(schema).match(/"type":"object"/g)?.length;
    const strict = JSON.stringify(schema).match(/"additionalProperties":false/g)?.length;
    expect(strict).toBe(objects);
  });
});
