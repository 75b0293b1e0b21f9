/** The hot queries find what they look for by an index, however much a tenant has written. */
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { applyStatuses, listMessages } from "../../../platform/repositories/messages.ts";

const MIGRATION = readFileSync("migrations/0001_keyed.sql", "utf8");

/** A D1 that says how it would go about each statement instead of doing it. */
function planner() {
  const sqlite = new DatabaseSync(":memory:");
  sqlite.exec(MIGRATION.replaceAll("--> statement-breakpoint", ""));
  const plans: string[] = [];
  const explain = (sql: string) => {
    const steps = sqlite.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    plans.push(
      ...steps.map((step) => String(step.detail)).filter((detail) => detail.includes("messages_")),
    );
  };
  const prepare = (sql: string) => {
    explain(sql);
    return { bind: () => ({ all: () => Promise.resolve({ results: [] }) }) };
  };
  return { db: { prepare } as unknown as D1Database, plans };
}

test("a delivery status finds its message by the platform's id", () => {
  const { db, plans } = planner();
  applyStatuses(db, "acme", "acme-wa", [{ platformId: "3EB0", status: "read" }], 1);
  expect(plans.length).toBe(6);
  for (const plan of plans)
    expect(plan).toContain("_platform (tenant_id=? AND connection_id=? AND platform_id=?)");
});

test.each([{ beforeId: "msg_z" }, { afterId: "msg_0", direction: "outbound" as const }, {}])(
  "a conversation's messages are found by its index: %o",
  async (more) => {
    const { db, plans } = planner();
    await listMessages(db, { tenant: "acme", conversation: "cnv_1", limit: 20, ...more });
    const searches = plans.filter((plan) => plan.startsWith("SEARCH"));
    expect(searches.length).toBe(3);
    for (const plan of searches)
      expect(plan).toContain("_conversation (tenant_id=? AND conversation_id=?");
  },
);

test("a tenant's messages are walked in the order of their key", async () => {
  const { db, plans } = planner();
  await listMessages(db, { tenant: "acme", limit: 20 });
  for (const plan of plans.filter((one) => one.startsWith("SEARCH")))
    expect(plan).toContain("PRIMARY KEY (tenant_id=?");
});
