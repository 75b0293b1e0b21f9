/** The log of events is read by its keys, however long it is; a page starts exactly where the one before ended. */
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { SLOT_MS } from "../../../domain/messaging/message-id.ts";
import {
  insertEvents,
  type LoggedEvent,
  pageOfEvents,
} from "../../../platform/repositories/events.ts";

const MIGRATION = readFileSync("migrations/0003_events.sql", "utf8");

type Value = string | number | null;

/** A D1 over a database in memory that also says how it went about each statement. */
function memory() {
  const sqlite = new DatabaseSync(":memory:");
  // What earlier migrations made is altered at the end; it is not needed here.
  sqlite.exec(MIGRATION.replaceAll("--> statement-breakpoint", "").replaceAll(/ALTER .*/g, ""));
  const plans: string[] = [];
  const prepare = (sql: string) => ({
    bind(...values: Value[]) {
      const steps = sqlite.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
      plans.push(...steps.map((step) => String(step.detail)));
      const named = Object.fromEntries(values.map((value, at) => [`?${at + 1}`, value]));
      const run = () =>
        sql.includes("?1") ? sqlite.prepare(sql).all(named) : sqlite.prepare(sql).all(...values);
      const all = () => Promise.resolve({ results: run() });
      return { all, first: async () => run()[0] ?? null };
    },
  });
  return { db: { prepare } as unknown as D1Database, plans };
}

function eventAt(seq: number, shard = "1.0", more: Partial<LoggedEvent["event"]> = {}) {
  const event = {
    event_id: `${shard}-${seq}`,
    event_type: "order.paid",
    event_version: "1.0",
    timestamp: "2026-01-01T00:00:00.000Z",
    source: "/",
    metadata: {},
    ...more,
  };
  return { tenant: "acme", shard, seq, event } satisfies LoggedEvent;
}

async function filled(events: readonly LoggedEvent[]) {
  const { db, plans } = memory();
  for (const statement of insertEvents(db, events)) await statement.all();
  plans.length = 0;
  return { db, plans };
}

const searches = (plans: readonly string[]) => plans.filter((plan) => /SEARCH|SCAN/.test(plan));

describe("a page of the log", () => {
  test("walks every row once, in order, over shards and slots", async () => {
    const events = [0, 1, 2].flatMap((slot) =>
      [5, 6, 7].flatMap((seq) =>
        ["2.0", "2.1"].map((shard) => eventAt(slot * SLOT_MS + seq, shard)),
      ),
    );
    const { db } = await filled([...events].reverse());
    const walked: LoggedEvent[] = [];
    for (let after: LoggedEvent | undefined; ; ) {
      const page = await pageOfEvents(db, {
        ...{ tenant: "acme", fromSeq: 6, toSeq: 2 * SLOT_MS + 6, limit: 3 },
        ...(after ? { after } : {}),
      });
      walked.push(...page);
      after = page.at(-1);
      if (page.length < 3) break;
    }
    expect(walked).toEqual(events.filter(({ seq }) => seq >= 6 && seq <= 2 * SLOT_MS + 6));
  });

  test("belongs to one tenant", async () => {
    const { db } = await filled([eventAt(1), { ...eventAt(2), tenant: "globex" }]);
    const page = await pageOfEvents(db, { tenant: "acme", fromSeq: 0, toSeq: 9, limit: 10 });
    expect(page).toEqual([eventAt(1)]);
  });

  test("is found by the key and not sorted", async () => {
    const { db, plans } = await filled([]);
    await pageOfEvents(db, { tenant: "acme", fromSeq: 0, toSeq: 9, limit: 10 });
    expect(searches(plans)).toHaveLength(3);
    for (const plan of searches(plans))
      expect(plan).toContain("PRIMARY KEY (tenant_id=? AND seq>? AND seq<?)");
    expect(plans.join()).not.toContain("TEMP B-TREE");
  });
});
