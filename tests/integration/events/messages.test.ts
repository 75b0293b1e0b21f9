/**
 * What comes in, through the code of the path, against a real database and real shards that fail before and after they
 * did their part. Nothing is lost, told twice, told out of order or told untrue.
 */
import { describe, expect, test } from "vitest";
import { messageEventsOf } from "../../../platform/message-events.ts";
import { findMessage } from "../../../platform/repositories/messages.ts";
import { persistAll } from "../../../workers/consumers/persist.ts";
import { env } from "../api/hub-api.ts";
import { faultsOf, heard, listen, outboxOf } from "./telling.ts";
import {
  aSend,
  aTenant,
  BUS_TRIES,
  drain,
  failing,
  leased,
  record,
  sentAs,
  status,
  typesOf,
} from "./telling-messages.ts";

describe("received", () => {
  test("is told with the message as it is stored, in order, each once however often it is persisted", async () => {
    const tenant = await aTenant();
    const held = leased(tenant, [
      { text: "one" },
      { text: "two" },
      { over: { kind: "edit", targetId: "x" } },
    ]);
    for (const _ of [1, 2, 3]) expect((await persistAll(env, [held])).get("cnv_1")).toBe(true);
    const events = await heard(tenant);
    expect(typesOf(events)).toEqual(["message.received", "message.received", "message.edited"]);
    for (const [n, event] of events.entries()) {
      expect(faultsOf(event)).toEqual([]);
      const stored = await findMessage(env.DB, tenant, held.work.persist[n]?.id ?? "");
      expect(stored && messageEventsOf(stored).map((one) => one.event)).toEqual([event]);
    }
  });

  test.each(["before", "after"] as const)(
    "fails with the bus (%s it took it), and is told once and in order when it is tried again",
    async (when) => {
      const tenant = await aTenant();
      const held = leased(tenant, [{ text: "one" }, { text: "two" }]);
      const broken = failing({ target: "EVENT_SHARD", op: "publish", when, times: BUS_TRIES });
      expect((await persistAll(broken, [held])).get("cnv_1")).toBe(false);
      const later = leased(tenant, [{ text: "three" }]);
      const both = {
        ...held,
        work: { ...held.work, persist: [...held.work.persist, ...later.work.persist] },
      };
      expect((await persistAll(env, [both])).get("cnv_1")).toBe(true);
      const texts = (await heard(tenant)).map(
        ({ data }) => (data as { message: { content: { text: string } } }).message.content.text,
      );
      expect(texts).toEqual(["one", "two", "three"]);
    },
  );

  test("a tenant whose bus fails holds up no other tenant of the batch", async () => {
    const [broken, fine] = [await aTenant(), await aTenant()];
    const down = failing({ target: "EVENT_SHARD", match: broken, times: 9 });
    const results = await persistAll(down, [
      leased(broken, [{}], "cnv_broken"),
      leased(fine, [{}], "cnv_fine"),
    ]);
    expect([...results].toSorted()).toEqual([
      ["cnv_broken", false],
      ["cnv_fine", true],
    ]);
    expect(await heard(fine)).toHaveLength(1);
  });

  test("subscriptions that can't be read: nothing is told, nothing believed to be", async () => {
    const tenant = await aTenant();
    const held = leased(tenant, [{}]);
    const blind = failing({ target: "DB", op: "all", match: "FROM subscriptions" });
    expect((await persistAll(blind, [held])).get("cnv_1")).toBe(false);
    expect((await persistAll(blind, [held])).get("cnv_1")).toBe(true);
    expect(await heard(tenant)).toHaveLength(1);
  });

  test("a message the database would not take whole is told as it is stored: without its content", async () => {
    const tenant = await aTenant();
    const held = leased(tenant, [{ text: "POISON" }, { text: "fine" }]);
    const error = "D1_ERROR: string or blob too big: SQLITE_TOOBIG";
    const strict = failing({ target: "DB", op: "batch", match: "POISON", times: 2, error });
    expect((await persistAll(strict, [held])).get("cnv_1")).toBe(true);
    const events = await heard(tenant);
    expect(JSON.stringify(events)).not.toContain("POISON");
    expect(typesOf(events)).toEqual(["message.received", "message.received"]);
    await drain(tenant);
    expect(typesOf(await heard(tenant))).toEqual(["dead_letter.created"]);
  });

  test.each<[string, boolean, string | undefined]>([
    ["without a subscription", false, undefined],
    ["that listens to something else", true, "order.#"],
  ])("a tenant %s: no call to a shard, no row of the outbox", async (_, listening, key) => {
    const tenant = await aTenant(false);
    if (listening) await listen(tenant, [{ kind: "topic", key: key ?? "" }]);
    const sealed = failing({ target: "EVENT_SHARD", times: 99 });
    expect((await persistAll(sealed, [leased(tenant, [{}])])).get("cnv_1")).toBe(true);
    await record(sealed, tenant, aSend(), sentAs("P1"));
    expect((await status(sealed, tenant, [{ platformId: "P1", status: "read" }])).ok).toBe(true);
    expect(await outboxOf(tenant)).toEqual([]);
  });

  test("a filter is asked before the shard is", async () => {
    const tenant = await aTenant(false);
    await listen(tenant, [{ kind: "topic", key: "message.#" }], { source: "/nobody" });
    const sealed = failing({ target: "EVENT_SHARD", times: 99 });
    expect((await persistAll(sealed, [leased(tenant, [{}])])).get("cnv_1")).toBe(true);
  });
});
