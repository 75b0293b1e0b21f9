/** G4: a tenant's signature, ids and tokens open nothing of another's. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DevTenantKit } from "../../../dev/tenants.ts";
import type { WebhookSource } from "../../../dev/webhooks.ts";
import {
  type Channel,
  type FaultWorld,
  markOf,
  pause,
  slackEvent,
  startFaultWorld,
  until,
} from "../../support/faults.ts";

const CHANNELS = ["whatsapp", "slack", "discord"] as const satisfies readonly Channel[];
/** The two tenants have installed the same app in the same Slack workspace. */
const SHARED_TEAM = { teamId: "TSHARED", appId: "ASHARED" };

let hub: FaultWorld;
let number = 0;
let before = 0;

beforeAll(async () => {
  hub = await startFaultWorld({ adapt: inSharedTeam });
});
beforeEach(async () => {
  before = await countRows();
});
afterAll(() => hub?.stop());

function inSharedTeam(kit: DevTenantKit): DevTenantKit {
  const connections = kit.tenant.connections.map((one) =>
    one.channel === "slack" ? { ...one, ...SHARED_TEAM } : one,
  );
  const sources = kit.sources.map(
    (one): WebhookSource => (one.channel === "slack" ? { ...one, ...SHARED_TEAM } : one),
  );
  return { tenant: { ...kit.tenant, connections }, sources };
}

async function countRows(): Promise<number> {
  const [row] = await hub.rows<{ n: number }>(
    "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM dead_letters) + (SELECT count(*) FROM conversations) AS n",
  );
  return row?.n ?? -1;
}

async function nothingHappened(): Promise<void> {
  await pause(400);
  expect(await countRows()).toBe(before);
}

const next = (): number => {
  number += 1;
  return number;
};

const asKey = (tenant: string) => ({ headers: { authorization: `Bearer dev-key-of-${tenant}` } });

describe("acme's signed webhook", () => {
  for (const channel of CHANNELS) {
    test(`${channel}: on a path of globex, by connection or by tenant, is 401 and leaves nothing`, async () => {
      const own = hub.webhook({ channel, in: 1, number: next() });
      const name = own.path.split("/")[2];
      for (const key of [`globex-${channel}`, "globex"]) {
        const answer = await hub.knock({ ...own, path: `/webhooks/${name}/${key}` });
        expect(answer.status).toBe(401);
        expect(await answer.text()).not.toMatch(/globex|acme|signature/);
      }
      await nothingHappened();
    });

    test(`${channel}: on a path nobody has is 404, worded as any other`, async () => {
      const own = hub.webhook({ channel, in: 1, number: next() });
      const name = own.path.split("/")[2];
      const bodies = await Promise.all(
        ["nobody", "acme-other"].map(async (key) => {
          const answer = await hub.knock({ ...own, path: `/webhooks/${name}/${key}` });
          expect(answer.status).toBe(404);
          return answer.text();
        }),
      );
      expect(new Set(bodies).size).toBe(1);
      await nothingHappened();
    });
  }

  test("WhatsApp: naming globex's instance in the body changes nothing about whose it is", async () => {
    const said = { in: 2, number: next() };
    const own = hub.webhook(said);
    const body = own.body.replaceAll("acme-support", "globex-support");
    await hub.knock({ ...own, body });
    await pause(600);
    expect(hub.replies({ tenant: "globex" })).toEqual([]);
    const foreign = await hub.rows("SELECT id FROM messages WHERE tenant_id <> 'acme'");
    expect(foreign).toEqual([]);
  });
});

describe("the path of a whole channel, two tenants in one Slack workspace", () => {
  const eventOf = (mark: string) => ({
    type: "message",
    channel_type: "channel",
    user: "U1",
    channel: "C1",
    ts: `1795000000.${String(next()).padStart(6, "0")}`,
    text: mark,
  });

  for (const tenant of ["acme", "globex"]) {
    test(`${tenant}'s signature decides that it is ${tenant}'s`, async () => {
      const mark = markOf({ tenant, channel: "slack", in: 3, number: next() });
      const webhook = slackEvent(hub.source(tenant, "slack"), eventOf(mark), {
        path: "/webhooks/slack",
      });
      expect((await hub.knock(webhook)).status).toBe(200);
      await until(() => hub.replies({ containing: mark }), 1);
      expect(hub.replies({ containing: mark, tenant })).toHaveLength(1);
      const rows = await hub.rows<{ tenant_id: string }>(
        "SELECT DISTINCT tenant_id FROM messages WHERE content LIKE ?",
        `%${mark}%`,
      );
      expect(rows.map((row) => row.tenant_id)).toEqual([tenant]);
    });
  }

  test("one event in both tenants' installs is one message in each", async () => {
    const mark = markOf({ tenant: "both", channel: "slack", in: 4, number: next() });
    const event = eventOf(mark);
    for (const tenant of ["acme", "globex", "acme", "globex"]) {
      const webhook = slackEvent(hub.source(tenant, "slack"), event, { path: "/webhooks/slack" });
      expect((await hub.knock(webhook)).status).toBe(200);
    }
    await until(() => hub.replies({ containing: mark }), 2);
    for (const tenant of ["acme", "globex"])
      expect(hub.replies({ containing: mark, tenant })).toHaveLength(1);
  });

  test("a signature of neither is 401", async () => {
    const source = { ...hub.source("acme", "slack"), signingSecret: "0".repeat(32) };
    const webhook = slackEvent(source as WebhookSource, eventOf("x"), { path: "/webhooks/slack" });
    expect((await hub.knock(webhook)).status).toBe(401);
    await nothingHappened();
  });
});

describe("inside", () => {
  test("a token that pairs globex with acme's conversation finds nothing to do", async () => {
    const said = { in: 5, number: next() };
    await hub.say(said);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
    const [acme] = await hub.rows<{ id: string }>(
      "SELECT id FROM conversations WHERE tenant_id = 'acme' LIMIT 1",
    );
    before = await countRows();
    const calls = hub.platform("whatsapp").calls().length;
    const queue = await hub.hub.mf.getQueueProducer("INBOUND_0");
    await queue.send({ v: 1, tenant: "globex", conversation: acme?.id });
    await nothingHappened();
    expect(hub.platform("whatsapp").calls()).toHaveLength(calls);
  });

  test("globex's key sees and moves nothing of acme's", async () => {
    const said = { in: 6, number: next() };
    await hub.say(said);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
    const [message] = await hub.rows<{ id: string; conversation_id: string }>(
      "SELECT id, conversation_id FROM messages WHERE tenant_id = 'acme' ORDER BY id DESC LIMIT 1",
    );
    const paths = [
      `/messages/${message?.id}/timeline`,
      `/conversations/${message?.conversation_id}`,
      `/messages/history/acme`,
      `/conversations/${message?.conversation_id}?tenant=acme`,
    ];
    for (const path of paths)
      expect([403, 404], path).toContain((await hub.api(path, asKey("globex"))).status);
    const send = await hub.api("/messages/send", {
      ...asKey("globex"),
      method: "POST",
      body: JSON.stringify({ connection: "acme-whatsapp", to: "5511977770000", text: "stolen" }),
    });
    expect(send.status).toBe(404);
    await pause(400);
    expect(hub.replies({ containing: "stolen" })).toEqual([]);
  });
});
