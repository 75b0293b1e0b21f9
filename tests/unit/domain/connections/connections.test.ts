import { describe, expect, test } from "vitest";
import { addressOf, providerOf, providersOf } from "../../../../domain/connections/address.ts";
import { patchConfig, patchConnection } from "../../../../domain/connections/patch.ts";
import {
  joinConnection,
  joinRoute,
  splitConnection,
} from "../../../../domain/connections/secrets.ts";
import { resolveConnection } from "../../../../domain/connections/simulator.ts";
import { ConnectionInput } from "../../../../schema/connection.ts";
import type { Route } from "../../../../schema/route.ts";
import { TenantConfig } from "../../../../schema/tenant.ts";

const WEBHOOK: Route = { kind: "webhook", url: "https://a.test/", secret: "whsec_1" };
const HIVE: Route = { kind: "hive", baseUrl: "simulator", agent: "a", apiKey: "hive-key" };

function evolution(more: object = {}): ConnectionInput {
  return ConnectionInput.parse({
    id: "wa",
    channel: "whatsapp",
    provider: "evolution",
    instance: "inst",
    baseUrl: "simulator",
    credentials: { apiKey: "k", webhookSecret: "s" },
    ...more,
  });
}

const SLACK = ConnectionInput.parse({
  id: "slack-one",
  channel: "slack",
  teamId: "T1",
  credentials: { signingSecret: "x" },
});

describe("names", () => {
  test("the address is what a channel-wide webhook names", () => {
    expect(addressOf(evolution())).toBe("inst");
    expect(addressOf(SLACK)).toBe("T1");
    expect(addressOf({ ...SLACK, appId: "A1" } as ConnectionInput)).toBe("T1");
  });

  test("a path may say the channel or the provider, and nothing else", () => {
    expect(providersOf("whatsapp")).toEqual(["evolution"]);
    expect(providersOf("evolution")).toEqual(["evolution"]);
    expect(providerOf(SLACK)).toBe("slack");
    for (const word of ["", "telegram", "constructor", "__proto__"])
      expect(providersOf(word)).toEqual([]);
  });
});

describe("secrets", () => {
  test.each([
    ["with a webhook route", evolution({ route: WEBHOOK })],
    ["with a hive route", evolution({ route: HIVE })],
    ["with no route", SLACK],
  ])("leave the open part and come back, %s", (_, input) => {
    const { config, secrets } = splitConnection(input);
    expect(JSON.stringify(config)).not.toMatch(/whsec_1|hive-key|"k"|"s"|signingSecret/);
    expect(joinConnection(config, secrets)).toEqual(input);
  });

  test("of another kind of route are not joined to one", () => {
    expect(joinRoute({ kind: "webhook", url: "u" }, { apiKey: "hive-key" })).toEqual({
      kind: "webhook",
      url: "u",
    });
  });
});

describe("the word simulator", () => {
  test("becomes an origin in connection and route", () => {
    const origins = { evolution: "http://e", hive: "http://h" };
    const resolved = resolveConnection(evolution({ route: HIVE }), origins);
    expect(resolved.baseUrl).toBe("http://e");
    expect(resolved.route).toEqual({ ...HIVE, baseUrl: "http://h" });
  });

  test("stays where there is none, and other origins stay always", () => {
    expect(resolveConnection(evolution(), {}).baseUrl).toBe("simulator");
    const other = evolution({ baseUrl: "https://e.test" });
    expect(resolveConnection(other, { evolution: "http://e" }).baseUrl).toBe("https://e.test");
  });
});

describe("a patch", () => {
  const patched = (
    patch: Parameters<typeof patchConnection>[1],
    current = evolution({ route: WEBHOOK }),
  ) => {
    const result = patchConnection(current, patch);
    return result.ok ? ConnectionInput.parse(result.value) : result.failure;
  };

  test("changes what it names and keeps the rest", () => {
    expect(patched({ humanPauseMs: 1, credentials: { jwtKey: "j" } })).toEqual(
      evolution({
        route: WEBHOOK,
        humanPauseMs: 1,
        credentials: { apiKey: "k", webhookSecret: "s", jwtKey: "j" },
      }),
    );
  });

  test("keeps a route's secret while it leads to the same place, and drops it for another", () => {
    const same: Route = { kind: "webhook", url: "https://a.test/", timeoutMs: 500 };
    expect(patched({ route: same })).toMatchObject({ route: { ...same, secret: "whsec_1" } });
    const elsewhere: Route = { kind: "webhook", url: "https://b.test/" };
    expect(patched({ route: elsewhere })).toMatchObject({ route: elsewhere });
    expect(JSON.stringify(patched({ route: elsewhere }))).not.toContain("whsec_1");
    expect(patched({ route: null })).not.toHaveProperty("route");
  });

  test("to another origin needs every stored credential again", () => {
    expect(patched({ baseUrl: "https://evil.test", credentials: { apiKey: "n" } })).toEqual({
      reason: "credentials_needed",
      missing: ["webhookSecret"],
    });
    expect(patched({ baseUrl: null })).toMatchObject({ reason: "credentials_needed" });
    expect(patched({ baseUrl: "simulator" })).toMatchObject({ baseUrl: "simulator" });
  });

  test("to another instance or workspace needs them too: they would open what is somebody else's", () => {
    expect(patched({ instance: "their-instance" })).toMatchObject({ reason: "credentials_needed" });
    const slack = ConnectionInput.parse({
      id: "s",
      channel: "slack",
      teamId: "TMINE",
      appId: "AAPP",
      credentials: { signingSecret: "of the app", botToken: "xoxb" },
    });
    for (const patch of [{ teamId: "TTHEIRS" }, { appId: "AOTHER" }, { enterpriseId: "ETHEIRS" }]) {
      expect(patched(patch, slack)).toEqual({
        reason: "credentials_needed",
        missing: ["signingSecret", "botToken"],
      });
    }
    expect(patched({ teamId: "TMINE", botUserId: "U1" }, slack)).toMatchObject({ botUserId: "U1" });
  });

  test("of a tenant's configuration keeps defaults and neighbours", () => {
    const config = TenantConfig.parse({
      policy: { kind: "serial" },
      limits: { requestsPerMinute: 5 },
    });
    const next = patchConfig(config, {
      enabled: false,
      policy: null,
      limits: { messagesPerMinute: 7 },
    });
    expect(next).toEqual(
      TenantConfig.parse({
        enabled: false,
        limits: { requestsPerMinute: 5, messagesPerMinute: 7 },
      }),
    );
  });
});
