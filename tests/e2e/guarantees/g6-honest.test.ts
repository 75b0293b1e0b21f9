/** G6: a send ends delivered, failed or uncertain, is never repeated blindly, and no status moves backwards. Fault FT-13. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { evolutionStatus } from "../../../dev/webhooks.ts";
import {
  type Channel,
  type FaultWorld,
  markOf,
  pause,
  type Said,
  startFaultWorld,
  until,
} from "../../support/faults.ts";
import { eventually, PATIENCE_MS } from "../../support/runtime.ts";

const HOLD_MS = 2500;

let hub: FaultWorld;
let conversation = 0;

beforeAll(async () => {
  hub = await startFaultWorld({ bindings: { UNCERTAIN_HOLD_MS: String(HOLD_MS) } });
});
afterEach(async () => {
  for (const simulator of hub.world.simulators.platforms) simulator.clearFaults();
  await hub.plan([]);
});
afterAll(() => hub?.stop());

const next = (): number => {
  conversation += 1;
  return conversation;
};

interface Row {
  readonly id: string;
  readonly status: string;
  readonly platform_id: string | null;
}

async function sentRow(said: Said): Promise<Row | undefined> {
  const [row] = await hub.rows<Row>(
    "SELECT id, status, platform_id FROM messages WHERE direction = 'outbound' AND content LIKE ?",
    `%${markOf(said)}%`,
  );
  return row;
}

/** The reply's row, once it has this status. */
function ended(said: Said, status: string, timeoutMs = 20_000): Promise<Row> {
  return eventually(
    `a reply that is ${status}`,
    async () => {
      const row = await sentRow(said);
      return row?.status === status ? row : undefined;
    },
    timeoutMs,
  );
}

/** A conversation the platform knows: one message has been answered in it. */
async function known(channel: Channel): Promise<Said> {
  const said: Said = { channel, in: next(), number: 1 };
  await hub.say(said);
  await until(() => hub.replies({ containing: markOf(said) }), 1, PATIENCE_MS, 0);
  return { ...said, number: 2 };
}

const SENDS: Readonly<Record<Channel, string>> = {
  whatsapp: "sendText",
  slack: "chat.postMessage",
  discord: "/messages",
};

const sends = (said: Said) =>
  hub
    .platform(said.channel ?? "whatsapp")
    .calls()
    .filter((call) => JSON.stringify(call.body ?? "").includes(markOf(said)));

describe("a platform that did it and reset the connection", () => {
  for (const channel of ["whatsapp", "slack"] as const) {
    test(`FT-13 ${channel}: is asked, has it, and is not told again`, async () => {
      const said = await known(channel);
      hub.platform(channel).fault({ next: 1, kind: "reset-after", path: SENDS[channel] });
      await hub.say(said);
      const row = await ended(said, "sent");
      expect(row.platform_id).toBeTruthy();
      expect(sends(said)).toHaveLength(1);
    });
  }

  test("FT-13 discord: is told again under the same nonce, and has one message", async () => {
    const said = await known("discord");
    hub.platform("discord").fault({ next: 1, kind: "reset-after" });
    await hub.say(said);
    await ended(said, "sent");
    expect(hub.replies({ containing: markOf(said) })).toHaveLength(1);
  });

  for (const channel of ["whatsapp", "slack"] as const) {
    test(`${channel}: that did nothing before the reset is asked, has it not, and is told once more`, async () => {
      const said = await known(channel);
      hub.platform(channel).fault({ next: 1, kind: "reset", path: SENDS[channel] });
      await hub.say(said);
      await ended(said, "sent");
      expect(hub.replies({ containing: markOf(said) })).toHaveLength(1);
      expect(sends(said)).toHaveLength(2);
    });
  }
});

describe("a platform that cannot be asked", () => {
  test("leaves the send uncertain after the hold: listed, never repeated, the conversation goes on", async () => {
    const said = await known("whatsapp");
    const platform = hub.platform("whatsapp");
    platform.fault({ next: 1, kind: "reset-after", path: SENDS.whatsapp });
    platform.fault({ next: 100, kind: "status", status: 500, path: "findMessages" });
    const startMs = Date.now();
    await hub.say(said);
    await hub.say({ ...said, number: 3 });
    await ended(said, "uncertain");
    expect(Date.now() - startMs).toBeGreaterThan(HOLD_MS - 200);
    await ended({ ...said, number: 3 }, "sent");
    expect(sends(said)).toHaveLength(1);
    const listed = await hub.api("/messages/history/acme?limit=200");
    expect(await listed.text()).toContain('"status":"uncertain"');
  });
});

describe("a runtime killed in the middle of a send", () => {
  test("WhatsApp: the platform is asked, and there is one message", async () => {
    const said = await known("whatsapp");
    hub.platform("whatsapp").fault({ next: 1, kind: "timeout-after", path: SENDS.whatsapp });
    await hub.say(said);
    await until(() => sends(said), 1, PATIENCE_MS, 0);
    await hub.hub.kill();
    await hub.hub.restart();
    await ended(said, "sent", 25_000);
    expect(sends(said)).toHaveLength(1);
  });
});

describe("statuses", () => {
  const knock = (
    said: Said,
    platformId: string,
    status: "SERVER_ACK" | "DELIVERY_ACK" | "READ",
  ) => {
    const source = hub.source("acme", "whatsapp");
    if (source.channel !== "whatsapp") throw new Error("not WhatsApp");
    return hub.knock(evolutionStatus(source, said.in, platformId, status));
  };

  async function platformIdOf(said: Said): Promise<string> {
    const answer = await fetch(`${hub.platform("whatsapp").url}/chat/findMessages/acme-support`, {
      method: "POST",
      headers: { apikey: "evolution-key-of-acme", "content-type": "application/json" },
      body: JSON.stringify({ where: { key: { fromMe: true } }, page: 1 }),
    });
    const page = (await answer.json()) as {
      messages: { records: { key: { id: string }; message: unknown }[] };
    };
    const found = page.messages.records.find((one) =>
      JSON.stringify(one.message).includes(markOf(said)),
    );
    if (!found) throw new Error("the simulator does not have it");
    return found.key.id;
  }

  test("READ, then DELIVERY_ACK and SERVER_ACK, however often: it stays read", async () => {
    const said = { in: next(), number: 1 };
    await hub.say(said);
    const row = await ended(said, "sent");
    for (const status of ["READ", "DELIVERY_ACK", "READ", "SERVER_ACK"] as const)
      expect((await knock(said, row.platform_id ?? "", status)).status).toBe(200);
    expect((await sentRow(said))?.status).toBe("read");
  });

  test("all at once: it ends read", async () => {
    const said = { in: next(), number: 1 };
    await hub.say(said);
    const row = await ended(said, "sent");
    const all = ["DELIVERY_ACK", "READ", "SERVER_ACK", "DELIVERY_ACK", "READ"] as const;
    await Promise.all(all.map((status) => knock(said, row.platform_id ?? "", status)));
    expect((await sentRow(said))?.status).toBe("read");
  });

  test("before the send's own row is there: merged with it", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([{ target: "DB", op: "batch", match: "LEFT JOIN pending_statuses" }]);
    await hub.say(said);
    await until(() => hub.replies({ containing: markOf(said) }), 1);
    const platformId = await platformIdOf(said);
    expect((await knock(said, platformId, "READ")).status).toBe(200);
    expect((await knock(said, platformId, "DELIVERY_ACK")).status).toBe(200);
    expect(await sentRow(said)).toBeUndefined();
    await hub.plan([]);
    await ended(said, "read");
    expect(await hub.rows("SELECT * FROM pending_statuses")).toEqual([]);
    await pause(1200);
    expect((await sentRow(said))?.status).toBe("read");
    expect(sends(said)).toHaveLength(1);
  });

  test("recorded, then the answer of D1 is lost after a status was merged: the status stays", async () => {
    const said = { in: next(), number: 1 };
    await hub.plan([
      { target: "DB", op: "batch", match: "LEFT JOIN pending_statuses", when: "after", times: 2 },
    ]);
    await hub.say(said);
    const row = await ended(said, "sent");
    await knock(said, row.platform_id ?? "", "READ");
    await pause(2500);
    expect((await sentRow(said))?.status).toBe("read");
    expect(sends(said)).toHaveLength(1);
  });

  test("that cannot be stored are refused with 503 and stored when they come again", async () => {
    const said = { in: next(), number: 1 };
    await hub.say(said);
    const row = await ended(said, "sent");
    await hub.plan([{ target: "DB", op: "batch" }]);
    const refused = await knock(said, row.platform_id ?? "", "READ");
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    await hub.plan([]);
    expect((await knock(said, row.platform_id ?? "", "READ")).status).toBe(200);
    expect((await sentRow(said))?.status).toBe("read");
  });
});
