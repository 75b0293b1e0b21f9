/** The log of events is read by its keys, however long it is; a page starts exactly where the one before ended. */
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SLOT_MS } from "../../../domain/messaging/message-id.ts";
import {
  findEvent,
  findEvents,
  insertEvents,
  type LoggedEvent,
  listEvents,
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
  const batch = (statements: readonly { all(): Promise<unknown> }[]) =>
    Promise.all(statements.map((one) => one.all()));
  return { db: { prepare, batch } as unknown as D1Database, plans };
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
  const made = memory();
  for (const statement of insertEvents(made.db, events)) await statement.all();
  made.plans.length = 0;
  return made;
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

describe("a search", () => {
  const all = { tenant: "acme", fromSeq: 0, toSeq: 3 * SLOT_MS, limit: 2 } as const;

  /** Every page of a search, to its end. */
  async function walk(db: D1Database, search: Parameters<typeof listEvents>[1]) {
    const found: LoggedEvent[] = [];
    for (let page = await listEvents(db, search); ; ) {
      found.push(...page.events);
      expect(page.events.length).toBeLessThanOrEqual(search.limit);
      if (!page.next) return found;
      page = await listEvents(db, { ...search, after: page.next });
    }
  }

  test("finds what a filter over everything would, each once, in its order", async () => {
    const places = fc.uniqueArray(
      fc.record({
        seq: fc.integer({ min: 0, max: 4 }),
        slot: fc.integer({ min: 0, max: 2 }),
        shard: fc.constantFrom("2.0", "2.1"),
        event_type: fc.constantFrom("a", "b"),
        partition_key: fc.option(fc.constantFrom("p", "q"), { nil: undefined }),
      }),
      { selector: ({ seq, slot, shard }) => `${slot} ${seq} ${shard}`, maxLength: 20 },
    );
    const order = fc.constantFrom("newest" as const, "oldest" as const);
    await fc.assert(
      fc.asyncProperty(
        places,
        order,
        fc.boolean(),
        fc.boolean(),
        async (made, direction, byType, byPartition) => {
          const events = made.map(({ seq, slot, shard, event_type, partition_key }) => {
            const metadata = partition_key ? { partition_key } : {};
            return eventAt(slot * SLOT_MS + seq, shard, { event_type, metadata });
          });
          const { db } = await filled(events);
          const found = await walk(db, {
            ...all,
            order: direction,
            ...(byType ? { isWanted: (type: string) => type === "a" } : {}),
            ...(byPartition ? { partition: "p" } : {}),
          });
          const wanted = events
            .filter(({ event }) => !byType || event.event_type === "a")
            .filter(({ event }) => !byPartition || event.metadata.partition_key === "p")
            .sort((a, b) => a.seq - b.seq || (a.shard < b.shard ? -1 : 1));
          expect(found).toEqual(direction === "oldest" ? wanted : wanted.reverse());
        },
      ),
      { numRuns: 60 },
    );
  });

  test("goes on behind a thousand rows that nobody wants", async () => {
    const events = Array.from({ length: 1500 }, (_, seq) => eventAt(seq));
    const { db } = await filled([...events, eventAt(1500, "1.0", { event_type: "rare" })]);
    const search = {
      ...all,
      order: "oldest",
      isWanted: (type: string) => type === "rare",
    } as const;
    expect((await listEvents(db, search)).events).toEqual([]);
    expect((await walk(db, search)).map(({ seq }) => seq)).toEqual([1500]);
  });

  test("stops a page before it is large", async () => {
    const data = "x".repeat(500_000);
    const { db } = await filled(
      Array.from({ length: 12 }, (_, seq) => eventAt(seq, "1.0", { data })),
    );
    const page = await listEvents(db, { ...all, limit: 50, order: "oldest" });
    expect(page.events).toHaveLength(8);
    expect(page.next).toEqual({ seq: 7, shard: "1.0" });
  });

  test.each(["newest", "oldest"] as const)("walks the key, %s first", async (order) => {
    const { db, plans } = await filled([eventAt(1)]);
    plans.length = 0;
    await listEvents(db, { ...all, order, after: { seq: 5, shard: "" } });
    const [index, bodies] = [searches(plans).slice(0, 3), searches(plans).slice(3)];
    for (const plan of index)
      expect(plan).toContain("PRIMARY KEY (tenant_id=? AND seq>? AND seq<?)");
    for (const plan of bodies.filter((one) => one.startsWith("SEARCH")))
      expect(plan).toContain("PRIMARY KEY (tenant_id=? AND seq=? AND shard=?)");
    expect(plans.join()).not.toContain("TEMP B-TREE");
  });

  test("finds an event by its id, the newest of two, by the index", async () => {
    const again = eventAt(SLOT_MS + 7, "1.0", { event_id: "one" });
    const { db, plans } = await filled([eventAt(7, "1.0", { event_id: "one" }), again]);
    expect(await findEvent(db, "acme", "one")).toEqual(again);
    expect(await findEvent(db, "globex", "one")).toBeUndefined();
    expect(await findEvents(db, "acme", ["one", "two"])).toEqual([
      eventAt(7, "1.0", { event_id: "one" }),
      again,
    ]);
    for (const plan of searches(plans).filter((one) => one.startsWith("SEARCH")))
      expect(plan).toContain("_id (tenant_id=? AND id=?)");
  });
});
