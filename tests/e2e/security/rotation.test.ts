/** Keys and secrets are replaced while messages come in: nothing that was rightly signed is refused or lost. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Hub, startHub } from "../../../dev/runtime.ts";
import { createTenants } from "../../../dev/seed.ts";
import { temporaryState } from "../../../dev/state.ts";
import { devTenant, ECHO_ROUTE } from "../../../dev/tenants.ts";
import { signedWebhook, type WebhookSource } from "../../../dev/webhooks.ts";
import { type Api, apiOf } from "../../support/channels/api.ts";

const ROUTE = ECHO_ROUTE;
const KEKS = ["old", "new"].map(
  (name) => `${name}:${Buffer.alloc(32, name).toString("base64")}`,
) as [string, string];
const kit = devTenant({ id: "acme", key: "rotation", routes: { whatsapp: ROUTE, slack: ROUTE } });
const [whatsapp, slack] = kit.sources as [WebhookSource, WebhookSource];
let number = 0;

/** Posts one message of a new number; resolves with the status. */
async function say(hub: Hub, source: WebhookSource): Promise<number> {
  number += 1;
  const message = { conversation: 1, number, text: `message ${number}`, atMs: Date.now() };
  const { path, headers, body } = signedWebhook(source, message);
  const answer = await fetch(hub.url + path, { method: "POST", headers: { ...headers }, body });
  await answer.text();
  return answer.status;
}

describe("the key-encryption key", () => {
  const stateDir = temporaryState();
  let hub: Hub | undefined;
  const deploy = async (kek: string): Promise<Hub> => {
    await hub?.stop();
    hub = await startHub({ stateDir, bindings: { KEK: kek }, onLog: () => undefined });
    return hub;
  };
  afterAll(async () => {
    await hub?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  test("a second one in front, a wrap of what is there, and the old one can go", async () => {
    const [old, fresh] = KEKS;
    const first = await deploy(old);
    await createTenants(first, [kit.tenant]);
    expect(await say(first, slack)).toBe(200);

    const both = await deploy(`${fresh},${old}`);
    expect(await say(both, slack)).toBe(200);
    const operator = apiOf(both.url, both.adminKey);
    const during = [say(both, slack), say(both, whatsapp), say(both, slack)];
    const rotated = await operator.post("/tenants/acme/rotate-keys");
    expect([rotated.status, rotated.body]).toEqual([200, { rewrapped: 1, left: 0 }]);
    expect(await Promise.all(during)).toEqual([200, 200, 200]);
    expect((await operator.post("/tenants/acme/rotate-keys")).body).toEqual({
      rewrapped: 0,
      left: 0,
    });

    const last = await deploy(fresh);
    expect([await say(last, slack), await say(last, whatsapp)]).toEqual([200, 200]);
  });

  test("an old one that goes before the wrap refuses, and is back with everything when it is back", async () => {
    const [old, fresh] = KEKS;
    const early = await deploy(old);
    // Wrapped under the new one by now: to a hub with the old one only, it is the lost key.
    expect(await say(early, slack)).toBe(503);
    const operator = apiOf(early.url, early.adminKey);
    expect((await operator.post("/tenants/acme/rotate-keys")).body).toEqual({
      rewrapped: 0,
      left: 1,
    });
    expect(await say(await deploy(fresh), slack)).toBe(200);
  });
});

describe("a connection's secret", () => {
  const stateDir = temporaryState();
  let hub: Hub;
  let acme: Api;
  beforeAll(async () => {
    hub = await startHub({ stateDir, onLog: () => undefined });
    await createTenants(hub, [kit.tenant]);
    acme = apiOf(hub.url, "dev-key-of-acme");
  });
  afterAll(async () => {
    await hub?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  const cases = [
    ["Slack", slack, "signingSecret", "previousSigningSecret"],
    ["Evolution", whatsapp, "webhookSecret", "previousWebhookSecret"],
  ] as const;
  for (const [name, before, member, previous] of cases) {
    test(`${name}: old and new are both accepted while one replaces the other, then the old is refused`, async () => {
      const path = `/tenants/acme/connections/${before.connection}`;
      const old = String((before as Readonly<Record<string, unknown>>)[member]);
      const fresh = `fresh-${old}`;
      const after = { ...before, [member]: fresh } as WebhookSource;
      expect([await say(hub, before), await say(hub, after)]).toEqual([200, 401]);

      const traffic = keepSaying(hub, before);
      const changed = await acme.patch(path, { credentials: { [member]: fresh, [previous]: old } });
      expect([changed.status, changed.body.secretsSet]).toEqual([
        200,
        expect.arrayContaining([`credentials.${previous}`]),
      ]);
      expect(JSON.stringify(changed.body)).not.toContain(old);
      const moved = keepSaying(hub, after);
      const statuses = [...(await traffic.end()), ...(await moved.end())];
      expect(statuses.length).toBeGreaterThan(10);
      expect(new Set(statuses)).toEqual(new Set([200]));

      expect((await acme.patch(path, { credentials: { [previous]: "" } })).status).toBe(200);
      expect([await say(hub, before), await say(hub, after)]).toEqual([401, 200]);
    });
  }
});

/** Posts one message after the other until told to stop, ten at least. */
function keepSaying(hub: Hub, source: WebhookSource): { end(): Promise<readonly number[]> } {
  let stopped = false;
  const statuses: number[] = [];
  const done = (async () => {
    while (!stopped || statuses.length < 10) statuses.push(await say(hub, source));
  })();
  return {
    end: async () => {
      stopped = true;
      await done;
      return statuses;
    },
  };
}
