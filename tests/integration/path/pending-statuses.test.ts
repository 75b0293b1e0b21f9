/** Early statuses that wait for a send which is never recorded: forgotten by their age, in batches, and counted. */
import { env as bindings } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { applyStatuses } from "../../../platform/repositories/messages.ts";
import { PENDING_STATUS_MS } from "../../../platform/repositories/pending-statuses.ts";
import {
  forgetStatuses,
  STATUS_BATCH,
  STATUS_ROUNDS_MAX,
} from "../../../workers/scheduled/retention.ts";
import { runSchedule } from "../../../workers/scheduled/run-schedule.ts";

const env = bindings as unknown as Env;
const NOW_MS = 1_795_000_000_000;

beforeEach(async () => {
  await env.DB.prepare("DELETE FROM pending_statuses").run();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** As a platform says it, of a send that has no row. */
async function early(platformId: string, atMs: number, tenant = "acme"): Promise<void> {
  const status = { status: "delivered", platformId, conversationKey: "c" } as const;
  await env.DB.batch([...applyStatuses(env.DB, tenant, "line", [status], atMs)]);
}

/** Many of one instant. */
async function many(howMany: number, atMs: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO pending_statuses (tenant_id, connection_id, platform_id, status, status_rank, at)
     SELECT 'acme', 'line', 'p' || i, 'sent', 1, ?2 FROM n`,
  )
    .bind(howMany, atMs)
    .run();
}

const waiting = async () =>
  (await env.DB.prepare("SELECT platform_id FROM pending_statuses ORDER BY 1").all()).results.map(
    ({ platform_id }) => platform_id,
  );

test("one is forgotten when it has waited for its time, and not before", async () => {
  await early("old", NOW_MS - PENDING_STATUS_MS - 1);
  await early("of another tenant", NOW_MS - PENDING_STATUS_MS - 1, "globex");
  await early("just in time", NOW_MS - PENDING_STATUS_MS);
  await early("new", NOW_MS);
  await forgetStatuses(env, NOW_MS);
  expect(await waiting()).toEqual(["just in time", "new"]);
});

test("however many there are, they go in batches, and no more than one night's", async () => {
  const tonight = STATUS_BATCH * STATUS_ROUNDS_MAX;
  await many(tonight + 3, 1);
  await forgetStatuses(env, NOW_MS);
  expect(await waiting()).toHaveLength(3);
  await forgetStatuses(env, NOW_MS);
  expect(await waiting()).toEqual([]);
});

test("the nightly job does it", async () => {
  const lines = vi.spyOn(console, "log").mockImplementation(() => undefined);
  await early("old", NOW_MS - PENDING_STATUS_MS - 1);
  await runSchedule("13 3 * * *", env, NOW_MS);
  expect(await waiting()).toEqual([]);
  const said = lines.mock.calls.map(([line]) => JSON.stringify(line)).join("\n");
  expect(said).toContain("statuses.forgotten");
});
