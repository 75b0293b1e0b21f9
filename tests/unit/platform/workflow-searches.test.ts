/** Searches for runs and samples for reports read a bounded number of rows by an index, and miss and repeat nothing. */
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listData } from "../../../platform/repositories/tenant-data.ts";
import {
  SAMPLE_RUNS_MAX,
  sampleRuns,
  sampleSteps,
} from "../../../platform/repositories/workflow-insight.ts";
import {
  entryOfStep,
  failedUndosOf,
  listRuns,
  type RunPlace,
  type RunQuery,
} from "../../../platform/repositories/workflow-runs.ts";

const MIGRATION = ["0005_workflows", "0006_workflow_indexes"]
  .map((name) => readFileSync(`migrations/${name}.sql`, "utf8"))
  .join("\n")
  .replaceAll("--> statement-breakpoint", "");

type Value = string | number | null;

/** A D1 over a database in memory that also says how it went about each statement. */
function memory() {
  const sqlite = new DatabaseSync(":memory:");
  sqlite.exec(MIGRATION);
  const plans: string[] = [];
  const prepare = (sql: string) => ({
    bind(...values: Value[]) {
      plans.push(
        ...sqlite
          .prepare(`EXPLAIN QUERY PLAN ${sql}`)
          .all()
          .map((step) => String(step.detail)),
      );
      const named = Object.fromEntries(values.map((value, at) => [`?${at + 1}`, value]));
      const run = () =>
        sql.includes("?1") ? sqlite.prepare(sql).all(named) : sqlite.prepare(sql).all(...values);
      return { all: async () => ({ results: run() }), first: async () => run()[0] ?? null };
    },
  });
  const batch = (statements: readonly { all(): Promise<unknown> }[]) =>
    Promise.all(statements.map((one) => one.all()));
  return { db: { prepare, batch } as unknown as D1Database, plans, sqlite };
}

interface Row {
  readonly id: string;
  readonly at: number;
  readonly workflow?: string;
  readonly status?: string;
  readonly tenant?: string;
}

function withRuns(rows: readonly Row[]) {
  const made = memory();
  const insert = made.sqlite.prepare(
    `INSERT INTO workflow_runs (tenant_id, id, workflow_id, version, status, trigger, started_at, ended_at, updated_at, seq)
     VALUES (?, ?, ?, '1.0.0', ?, 'api', ?, ?, ?, 1)`,
  );
  made.sqlite.exec("BEGIN");
  for (const { id, at, workflow = "w", status = "completed", tenant = "acme" } of rows)
    insert.run(tenant, id, workflow, status, at, at + 10, at);
  made.sqlite.exec("COMMIT");
  return made;
}

async function walked(db: D1Database, query: Omit<RunQuery, "after">) {
  const seen: string[] = [];
  let after: RunPlace | undefined;
  let pages = 0;
  do {
    const { rows, next } = await listRuns(db, { ...query, after });
    expect(rows.length).toBeLessThanOrEqual(query.limit);
    seen.push(...rows.map(({ id }) => id));
    after = next;
    pages += 1;
  } while (after && pages < 1000);
  return { seen, pages };
}

const many = (count: number, of: (index: number) => Partial<Row>): readonly Row[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ id: `run_${String(index).padStart(6, "0")}`, at: index },
    ...of(index),
  }));

const tableScans = (plans: readonly string[]) =>
  plans.filter((plan) => /^SCAN (?!\(subquery|json_each)/.test(plan));

describe("a walk over runs", () => {
  test("visits every run that is wanted once, whatever the page and however many begin at once", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat({ max: 5 }), odd: fc.boolean() }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      async (made, limit, filtered) => {
        const rows = made.map(({ at, odd }, index) => ({
          ...{ id: `run_${String(index).padStart(3, "0")}`, at, workflow: odd ? "odd" : "even" },
        }));
        const { db } = withRuns([...rows, { id: "run_foreign", at: 3, tenant: "globex" }]);
        const filter = filtered ? { workflow: "odd" } : {};
        const { seen } = await walked(db, { tenant: "acme", limit, ...filter });
        const wanted = rows
          .filter(({ workflow }) => !filtered || workflow === "odd")
          .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
          .map(({ id }) => id);
        expect(seen).toEqual(wanted);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test("goes on behind thousands of runs that are not wanted, a bounded piece at a time", async () => {
    const { db } = withRuns(many(5000, (index) => ({ workflow: index < 3 ? "rare" : "often" })));
    const { seen, pages } = await walked(db, { tenant: "acme", workflow: "rare", limit: 50 });
    expect([seen, pages]).toEqual([["run_000002", "run_000001", "run_000000"], 3]);
  });

  test("by time begins and ends where it is told", async () => {
    const { db } = withRuns(many(100, () => ({})));
    const span = { tenant: "acme", limit: 10, sinceMs: 20, untilMs: 45 };
    const { seen } = await walked(db, span);
    expect([seen.length, seen[0], seen.at(-1)]).toEqual([25, "run_000044", "run_000020"]);
  });

  test.each([
    {},
    { status: "failed" },
    { workflow: "w", version: "1.0.0", correlation: "c", parent: "p", failedUndos: 1 },
    { sinceMs: 1, untilMs: 2, after: { startedAtMs: 5, id: "run_1" } },
  ])("with %j scans no table and sorts nothing that is not bounded", async (query) => {
    const { db, plans } = withRuns([]);
    await listRuns(db, { tenant: "acme", limit: 10, ...query });
    expect(tableScans(plans)).toEqual([]);
    expect(plans.join()).toMatch(/USING INDEX workflow_runs_(?:started|correlated) \(tenant_id=\?/);
  });

  test.each([
    [
      { correlation: "order-1" },
      "INDEX workflow_runs_correlated (tenant_id=? AND correlation_id=?)",
    ],
    [{ failedUndos: 1 }, "INDEX workflow_runs_undone (tenant_id=?)"],
  ])("by %j goes straight to what is wanted", async (query, used) => {
    const { db, plans } = withRuns([]);
    await listRuns(db, { tenant: "acme", limit: 10, ...query });
    expect(plans.join()).toContain(used);
  });
});

describe("a sample for a report", () => {
  const span = { tenant: "acme", workflow: "w", sinceMs: 0, untilMs: 1_000_000 };

  test("is the newest runs, and says whether they are all", async () => {
    const all = await sampleRuns(withRuns(many(SAMPLE_RUNS_MAX, () => ({}))).db, span);
    expect([all.runs.length, all.complete]).toEqual([SAMPLE_RUNS_MAX, true]);
    const more = await sampleRuns(withRuns(many(SAMPLE_RUNS_MAX + 5, () => ({}))).db, span);
    expect([more.runs.length, more.complete]).toEqual([SAMPLE_RUNS_MAX, false]);
    expect(more.runs[0]?.started_at).toBe(SAMPLE_RUNS_MAX + 4);
  });

  test("looks at a bounded number of other workflows' runs, and says so", async () => {
    const rows = many(20_010, (index) => ({ workflow: index < 10 ? "w" : "other" }));
    const { runs, complete } = await sampleRuns(withRuns(rows).db, span);
    expect([runs.length, complete]).toEqual([0, false]);
  });

  test("reads no table from end to end", async () => {
    const { db, plans } = withRuns(many(3, () => ({})));
    await sampleRuns(db, { ...span, version: "1.0.0" });
    await sampleSteps(db, "acme", ["run_000000", "run_000001"]);
    await failedUndosOf(db, "acme", ["run_000000"]);
    await entryOfStep(db, { tenant: "acme", run: "run_000000" }, "a");
    await listData(db, "acme", { prefix: "a" }, 10);
    expect(tableScans(plans)).toEqual([]);
  });

  test("takes steps of whole runs only", async () => {
    const { db, sqlite } = withRuns([]);
    const insert = sqlite.prepare(
      `INSERT INTO workflow_steps (tenant_id, run_id, key, step_id, workflow_id, version, type, status, attempts, started_at)
       VALUES ('acme', ?, ?, 's', 'w', '1.0.0', 'action', 'succeeded', 1, 0)`,
    );
    const runs = Array.from({ length: 250 }, (_, index) => `run_${index}`);
    sqlite.exec("BEGIN");
    for (const run of runs) for (let key = 0; key < 90; key++) insert.run(run, String(key));
    sqlite.exec("COMMIT");
    const few = await sampleSteps(db, "acme", runs.slice(0, 10));
    expect([few.steps.length, few.complete]).toEqual([900, true]);
    const { steps, complete } = await sampleSteps(db, "acme", runs);
    expect([steps.length % 90, complete]).toEqual([0, false]);
    expect(steps.length).toBeGreaterThan(0);
    expect((await sampleSteps(db, "globex", runs)).steps).toEqual([]);
  });
});

test("keys of data are listed by prefix, in order, without the hub's own", async () => {
  const { db, sqlite } = memory();
  const insert = sqlite.prepare(
    "INSERT INTO tenant_data (tenant_id, key, value, revision, updated_at) VALUES (?, ?, '1', 1, 0)",
  );
  for (const key of ["$services", "a", "a.b", "ab", "b", "%"]) insert.run("acme", key);
  insert.run("globex", "a.z");
  const keys = async (where: Parameters<typeof listData>[2]) =>
    (await listData(db, "acme", where, 10)).map(({ key }) => key);
  expect(await keys({})).toEqual(["%", "a", "a.b", "ab", "b"]);
  expect(await keys({ prefix: "a" })).toEqual(["a", "a.b", "ab"]);
  expect(await keys({ prefix: "a.", after: "a" })).toEqual(["a.b"]);
  expect(await keys({ prefix: "a", after: "ab" })).toEqual([]);
});
