/** Searches over 100,000 runs and as many tasks: rows that one page reads, as D1 counts them. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { listTasks, type TaskPlace } from "../../../platform/repositories/tasks.ts";
import { listRuns, type RunPlace } from "../../../platform/repositories/workflow-runs.ts";
import { env } from "./running.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const ROWS = 100_000;
const tenant = `growth-${crypto.randomUUID().slice(0, 8)}`;

/** Counts the rows that each statement reads. */
function counting(): { readonly db: D1Database; readonly read: () => number } {
  let rows = 0;
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement =>
    ({
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: async () => {
        const result = await statement.all();
        rows += result.meta.rows_read;
        return result;
      },
      first: async () => {
        const result = await statement.all();
        rows += result.meta.rows_read;
        return result.results[0] ?? null;
      },
    }) as unknown as D1PreparedStatement;
  const db = { prepare: (sql: string) => wrap(env.DB.prepare(sql)) } as unknown as D1Database;
  return { db, read: () => rows };
}

beforeAll(async () => {
  const many = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS - 1})`;
  await env.DB.prepare(
    `${many} INSERT INTO workflow_runs (tenant_id, id, workflow_id, version, status, trigger, started_at, updated_at, seq, undos_failed)
     SELECT ?, printf('run_%06d', i), iif(i % 20000 = 7, 'rare', 'often'), '1.0.0', 'completed', 'api', i, i, 1, 0 FROM n`,
  )
    .bind(tenant)
    .run();
  await env.DB.prepare(
    `${many} INSERT INTO workflow_tasks (tenant_id, id, run_id, step_key, workflow_id, state, details, opened_at, updated_at)
     SELECT ?, printf('run_%06d:ask@1', i), printf('run_%06d', i), 'ask', 'often', iif(i % 1000 = 0, 'open', 'answered'),
     json_object('assignees', json_array(iif(i % 20000 = 7, 'rare', 'Anna'))), i, i FROM n`,
  )
    .bind(tenant)
    .run();
});

/** Pages until the end, the rows that were found, and the most that one of them has read. */
async function walked<P>(
  page: (
    db: D1Database,
    after: P | undefined,
  ) => Promise<{
    readonly rows: readonly { readonly id: string }[];
    readonly next?: P;
  }>,
) {
  const found: string[] = [];
  let [pages, most] = [0, 0];
  let after: P | undefined;
  do {
    const { db, read } = counting();
    const { rows, next } = await page(db, after);
    found.push(...rows.map(({ id }) => id));
    most = Math.max(most, read());
    pages += 1;
    after = next;
  } while (after);
  return { found, pages, most };
}

describe("a page of a search", () => {
  // Index and row of each that is looked at; the place where the page ends costs the index once more.
  const BOUND = 3 * 2000 + 60;

  test.each([
    ["without a filter", {}, 60],
    ["for what is everywhere", { workflow: "often" }, 60],
    ["for what is nowhere", { workflow: "nobody" }, BOUND],
  ])("of runs %s", async (_, filter, rows) => {
    const { db, read } = counting();
    await listRuns(db, { tenant, limit: 50, ...filter });
    expect(read()).toBeLessThanOrEqual(rows);
  });

  test.each([
    ["without a filter", {}, 60],
    ["for who is asked everywhere", { assignee: "ANNA" }, 60 * 3],
    ["for who is asked nowhere", { assignee: "nobody" }, BOUND],
    ["for what is open", { state: "open" }, BOUND],
    ["for what is due", { dueBeforeMs: 1 }, BOUND],
    ["of one run", { run: "run_000007", assignee: "rare" }, 10],
  ])("of tasks %s", async (_, filter, rows) => {
    const { db, read } = counting();
    await listTasks(db, { tenant, limit: 50, ...filter });
    expect(read()).toBeLessThanOrEqual(rows);
  });

  test("comes to everything in the end, a bounded piece at a time", async () => {
    const runs = await walked<RunPlace>((db, after) =>
      listRuns(db, { tenant, workflow: "rare", limit: 50, after }),
    );
    const tasks = await walked<TaskPlace>((db, after) =>
      listTasks(db, { tenant, assignee: "rare", limit: 50, after }),
    );
    const wanted = [80_007, 60_007, 40_007, 20_007, 7].map(
      (n) => `run_${String(n).padStart(6, "0")}`,
    );
    expect(runs).toMatchObject({ found: wanted, pages: 51 });
    expect(tasks).toMatchObject({ found: wanted.map((run) => `${run}:ask@1`), pages: 51 });
    expect(Math.max(runs.most, tasks.most)).toBeLessThanOrEqual(BOUND);
  });
});
