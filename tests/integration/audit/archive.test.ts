/** The trail vouches for the archive: what an hour's messages and events were is an entry that nobody can change. */
import { env as bindings } from "cloudflare:workers";
import { expect, test } from "vitest";
import { segmentsBetween } from "../../../platform/archive-reader.ts";
import { auditTrail } from "../../../platform/audit-trail.ts";
import { insertEvents } from "../../../platform/repositories/events.ts";
import { archiveHours } from "../../../workers/scheduled/archive.ts";

const env = bindings as unknown as Env;
const HOUR_MS = 3_600_000;
const START_MS = Math.floor((Date.now() - 3 * 24 * HOUR_MS) / HOUR_MS) * HOUR_MS;

test("each archived object is an entry with its checksum", async () => {
  const tenant = "vouched-for";
  await env.DB.prepare(
    "INSERT INTO tenants (id, name, config, active, created_at, updated_at) VALUES (?1, ?1, '{}', 1, ?2, ?2)",
  )
    .bind(tenant, START_MS)
    .run();
  const events = [0, 1, HOUR_MS].map((ms) => ({
    ...{ tenant, shard: "1.0", seq: START_MS + ms },
    event: {
      ...{ event_id: `evt_${ms}`, event_type: "order.created", event_version: "1.0" },
      ...{ timestamp: new Date(START_MS + ms).toISOString(), source: "/shop", metadata: {} },
    },
  }));
  await env.DB.batch([...insertEvents(env.DB, events)]);
  await archiveHours(env, START_MS + 4 * HOUR_MS);
  await archiveHours(env, START_MS + 4 * HOUR_MS);
  const segments = await segmentsBetween(env, tenant, "events", START_MS, Date.now());
  expect(segments).toHaveLength(2);
  const { items } = await auditTrail(env, tenant).page(tenant, {}, 100, undefined);
  expect(items.toReversed().map(({ action, target, count }) => [action, target, count])).toEqual(
    segments.map(({ kind, hourMs, part, sha256, rows }) => [
      "archive.sealed",
      { kind, hour: String(hourMs / HOUR_MS), part: String(part), sha256 },
      rows,
    ]),
  );
});
