/**
 * Ends of sends and statuses, with every call between the row and its event failing once: before it was done, and
 * after. Nothing is lost, told twice, told out of order or told untrue.
 */
import { afterEach, describe, expect, test } from "vitest";
import { publishOutbox } from "../../../platform/outbox-publish.ts";
import { takeOwed } from "../../../platform/owed.ts";
import type { SendEnd } from "../../../schema/conversation.ts";
import type { ParsedStatus } from "../../../schema/parsed.ts";
import { env } from "../api/hub-api.ts";
import { DEPS, faultsOf, heard, outboxOf } from "./telling.ts";
import {
  AT,
  aSend,
  aTenant,
  BUS_TRIES,
  drain,
  failing,
  nextId,
  record,
  say,
  sentAs,
  status,
  typesOf,
} from "./telling-messages.ts";

afterEach(() => {
  takeOwed();
});

describe("the end of a send", () => {
  test.each<[string, SendEnd, string]>([
    ["sent", sentAs("P"), "message.sent"],
    ["failed", { status: "failed", atMs: AT, reason: "blocked" }, "message.failed"],
    ["uncertain", { status: "uncertain", atMs: AT, reason: "timeout" }, "message.uncertain"],
  ])("%s: told once however often it is recorded", async (_, end, type) => {
    const tenant = await aTenant();
    const item = aSend({ answers: ["msg_01m7y0000000000000001a"] });
    for (const __ of [1, 2]) {
      await record(env, tenant, item, end);
      await drain(tenant);
    }
    const events = await heard(tenant);
    expect(typesOf(events)).toEqual([type]);
    for (const event of events) expect(faultsOf(event)).toEqual([]);
    if ("reason" in end) expect(events[0]?.data).toMatchObject({ reason: end.reason });
  });

  test("a crash right behind the row, or a bus that is down: the outbox has it, and the next run tells", async () => {
    const tenant = await aTenant();
    await record(env, tenant, aSend(), sentAs("P"));
    expect(await outboxOf(tenant)).toHaveLength(1);
    const down = failing({ target: "EVENT_SHARD", times: BUS_TRIES });
    expect(await publishOutbox({ ...DEPS, env: down }, tenant, Date.now())).toBe(false);
    expect(await outboxOf(tenant)).toHaveLength(1);
    expect(await drain(tenant)).toBe(true);
    expect(typesOf(await heard(tenant))).toEqual(["message.sent"]);
  });

  test.each([
    [
      "the batch that writes it",
      { target: "DB", op: "batch", match: "INSERT INTO messages", when: "after" },
    ],
    ["the publishing", { target: "EVENT_SHARD", op: "publish", when: "after", times: BUS_TRIES }],
    ["the forgetting", { target: "DB", op: "run", match: "DELETE FROM outbox", when: "before" }],
    [
      "the forgetting, done",
      { target: "DB", op: "run", match: "DELETE FROM outbox", when: "after" },
    ],
  ] as const)("lost behind %s: told once", async (_, fault) => {
    const tenant = await aTenant();
    const item = aSend();
    const broken = failing(fault);
    const report = await record(broken, tenant, item, sentAs("P"));
    if (report.result.is !== "ended" || !report.result.recorded)
      await record(broken, tenant, item, sentAs("P"));
    await publishOutbox({ ...DEPS, env: broken }, tenant, Date.now());
    await drain(tenant);
    expect(typesOf(await heard(tenant))).toEqual(["message.sent"]);
    expect(await outboxOf(tenant)).toEqual([]);
  });

  test("what ended as sent is not told as uncertain by somebody who did not know", async () => {
    const tenant = await aTenant();
    const item = aSend();
    await record(env, tenant, item, sentAs("P"));
    await record(env, tenant, item, { status: "uncertain", atMs: AT, reason: "interrupted" });
    await drain(tenant);
    expect(typesOf(await heard(tenant))).toEqual(["message.sent"]);
  });
});

describe("a status", () => {
  async function sent(tenant: string, platformId: string): Promise<string> {
    const item = aSend();
    await record(env, tenant, item, sentAs(platformId));
    await drain(tenant);
    return item.id;
  }

  test("is told where it moves the message, in its order, and never back or twice", async () => {
    const tenant = await aTenant();
    await sent(tenant, "P");
    const told = { platformId: "P", status: "delivered" } as const;
    await say(tenant, told, { platformId: "P", status: "read" });
    await say(tenant, told, told);
    await drain(tenant);
    const events = await heard(tenant);
    expect(typesOf(events)).toEqual(["message.sent", "message.delivered", "message.read"]);
    for (const event of events) expect(faultsOf(event)).toEqual([]);
  });

  test("read before delivered in one webhook: only what moved it is told", async () => {
    const tenant = await aTenant();
    await sent(tenant, "P");
    await say(
      tenant,
      { platformId: "P", status: "read" },
      { platformId: "P", status: "delivered" },
    );
    await drain(tenant);
    expect(typesOf(await heard(tenant))).toEqual(["message.sent", "message.read"]);
  });

  test("that overtook the send's own answer is told with it, behind it", async () => {
    const tenant = await aTenant();
    await say(tenant, { platformId: "P", status: "delivered" });
    expect(await outboxOf(tenant)).toEqual([]);
    await sent(tenant, "P");
    expect(typesOf(await heard(tenant))).toEqual(["message.sent", "message.delivered"]);
  });

  test("in the same millisecond as its send, and published by another: still behind it", async () => {
    const tenant = await aTenant();
    await record(env, tenant, aSend(), sentAs("P"));
    await say(tenant, { platformId: "P", status: "read" });
    await env.DB.prepare("UPDATE outbox SET created_at = 1 WHERE tenant_id = ?").bind(tenant).run();
    await Promise.all([drain(tenant), drain(tenant), drain(tenant)]);
    expect(typesOf(await heard(tenant))).toEqual(["message.sent", "message.read"]);
  });

  test.each(["before", "after"] as const)(
    "whose batch fails (%s it was done) is asked for again, and told once",
    async (when) => {
      const tenant = await aTenant();
      await sent(tenant, "P");
      const told: ParsedStatus[] = [{ platformId: "P", status: "read" }];
      const broken = failing({ target: "DB", op: "batch", match: "INTO outbox", when });
      const refused = await status(broken, tenant, told);
      expect(refused).toMatchObject({ ok: false, failure: { reason: "storage_unavailable" } });
      expect((await status(env, tenant, told)).ok).toBe(true);
      await drain(tenant);
      expect(typesOf(await heard(tenant))).toEqual(["message.sent", "message.read"]);
    },
  );

  test("is acknowledged while the bus is down, and told when it is back", async () => {
    const tenant = await aTenant();
    await sent(tenant, "P");
    const down = failing({ target: "EVENT_SHARD", times: BUS_TRIES });
    const taken = await status(down, tenant, [{ platformId: "P", status: "delivered" }]);
    if (!taken.ok) throw new Error("not taken");
    await taken.value.after();
    expect(await outboxOf(tenant)).toHaveLength(1);
    await drain(tenant);
    expect(typesOf(await heard(tenant))).toEqual(["message.sent", "message.delivered"]);
  });

  test("is told right behind the answer", async () => {
    const tenant = await aTenant();
    await sent(tenant, "P");
    const taken = await say(tenant, { platformId: "P", status: "delivered" });
    if (!taken.ok) throw new Error("not taken");
    await taken.value.after();
    expect(await outboxOf(tenant)).toEqual([]);
    expect(typesOf(await heard(tenant))).toEqual(["message.sent", "message.delivered"]);
  });

  test("of another tenant's message with the same platform id tells nothing", async () => {
    const [own, other] = [await aTenant(), await aTenant()];
    await sent(own, "SAME");
    await say(other, { platformId: "SAME", status: "read" });
    await Promise.all([drain(own), drain(other)]);
    expect(await heard(other)).toEqual([]);
    expect(typesOf(await heard(own))).toEqual(["message.sent"]);
  });

  test("whose message is gone before it is told is let go", async () => {
    const tenant = await aTenant();
    const body = JSON.stringify({ view: nextId(), hop: "read" });
    await env.DB.prepare("INSERT INTO outbox VALUES (?, 'x', ?, 1)").bind(tenant, body).run();
    expect(await drain(tenant)).toBe(true);
    expect(await outboxOf(tenant)).toEqual([]);
  });
});
