/** The archive in workerd: written by the hour, checked, read back, cooled, deleted, and its index made anew. */
import { env as bindings } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { mintId } from "../../../domain/messaging/message-id.ts";
import { readEvents, readMessages, segmentsBetween } from "../../../platform/archive-reader.ts";
import { insertEvents, type LoggedEvent } from "../../../platform/repositories/events.ts";
import { insertMessages, type MessageRow } from "../../../platform/repositories/messages.ts";
import { rebuildIndex, verifySegments } from "../../../workers/operations/archive-index.ts";
import { archiveHours } from "../../../workers/scheduled/archive.ts";
import { ageArchive } from "../../../workers/scheduled/archive-age.ts";
import { dropOldSlots } from "../../../workers/scheduled/retention.ts";

const env = bindings as unknown as Env;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A full hour some days ago, so that real clocks in the objects are later. */
const START_MS = Math.floor((Date.now() - 3 * DAY_MS) / HOUR_MS) * HOUR_MS;
const END_MS = START_MS + 4 * HOUR_MS;
let made = 0;
let tenant = "";

beforeEach(async () => {
  made += 1;
  tenant = `archived-${made}`;
  await plantTenant({});
});

async function plantTenant(config: unknown): Promise<void> {
  await env.DB.prepare(
    "INSERT OR REPLACE INTO tenants (id, name, config, active, created_at, updated_at) VALUES (?, ?, ?, 1, ?, ?)",
  )
    .bind(tenant, tenant, JSON.stringify(config), START_MS, START_MS)
    .run();
}

function anEvent(seq: number, data: unknown = { seq }): LoggedEvent {
  const event = {
    event_id: `evt_${seq}`,
    event_type: "order.created",
    event_version: "1.0",
    timestamp: new Date(seq).toISOString(),
    source: "/shop",
    data,
    metadata: { partition_key: "p" },
  };
  return { tenant, shard: "1.0", seq, event };
}

async function log(events: readonly LoggedEvent[]): Promise<void> {
  await env.DB.batch([...insertEvents(env.DB, events)]);
}

const segments = () => segmentsBetween(env, tenant, "events", START_MS, END_MS);

test("every event is archived once, in the hour in which it was accepted, in order", async () => {
  const seqs = [0, 1, HOUR_MS - 1, HOUR_MS, 2 * HOUR_MS + 5].map((ms) => START_MS + ms);
  await log(seqs.map((seq) => anEvent(seq)).toReversed());
  await archiveHours(env, END_MS);
  await archiveHours(env, END_MS);
  const found = await segments();
  expect(found.map(({ hourMs, rows }) => [hourMs - START_MS, rows])).toEqual([
    [0, 3],
    [HOUR_MS, 1],
    [2 * HOUR_MS, 1],
  ]);
  const read = await Promise.all(found.map((segment) => readEvents(env, segment)));
  const back = read.flatMap((one) => (one.ok ? one.value : []));
  expect(back).toEqual(seqs.map((seq) => anEvent(seq)));
});

test("an object is plain NDJSON whose checksum its manifest names", async () => {
  await log([anEvent(START_MS, { text: 'Olá ☃ \u2028 "quoted"\n' })]);
  await archiveHours(env, END_MS);
  const [segment] = await segments();
  const object = await env.STORE.get(segment?.key ?? "");
  const bytes = await object?.arrayBuffer();
  const sum = await crypto.subtle.digest("SHA-256", bytes ?? new ArrayBuffer(0));
  const manifest = await (await env.STORE.get(`${segment?.key}.manifest.json`))?.json();
  expect(manifest).toMatchObject({
    tenant,
    kind: "events",
    rows: 1,
    sha256: new Uint8Array(sum).toHex(),
    bytes: bytes?.byteLength,
  });
  const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).event.data.text)).toEqual([
    'Olá ☃ \u2028 "quoted"\n',
  ]);
});

test("messages come back as they were in the database", async () => {
  const id = mintId("msg", START_MS + 5, Math.random);
  const row: MessageRow = {
    tenantId: tenant,
    id,
    conversationId: "cnv_1",
    connectionId: "c",
    source: "slack",
    direction: "inbound",
    kind: "message",
    content: { text: "hi", media: [], metadata: {} },
    metadata: {} as never,
    createdAt: START_MS + 5,
    processedAt: START_MS + 9,
    status: "received",
  };
  await env.DB.batch([...insertMessages(env.DB, [row])]);
  const stored = await env.DB.prepare("SELECT * FROM messages WHERE id = ?").bind(id).first();
  await archiveHours(env, END_MS);
  const found = await segmentsBetween(env, tenant, "messages", START_MS, END_MS);
  expect(found.length).toBe(1);
  const read = found[0] && (await readMessages(env, found[0]));
  expect(read).toEqual({ ok: true, value: [stored] });
});

test("restore drill: the index is rebuilt from the objects alone, cold ones too", async () => {
  await log([anEvent(START_MS), anEvent(START_MS + HOUR_MS), anEvent(START_MS + HOUR_MS + 1)]);
  await archiveHours(env, END_MS);
  await ageArchive(env, START_MS + 30 * DAY_MS + 1);
  const before = await segments();
  expect(before.map(({ cold }) => cold)).toEqual([true, false]);
  await env.DB.prepare("DELETE FROM segments WHERE tenant_id = ?").bind(tenant).run();
  expect(await segments()).toEqual([]);
  expect(await rebuildIndex(env, tenant)).toBe(2);
  const strip = ({ createdAtMs, ...rest }: (typeof before)[number]) => rest;
  expect((await segments()).map(strip)).toEqual(before.map(strip));
  expect(await verifySegments(env, await segments())).toEqual({
    checked: 2,
    rows: 3,
    damaged: [],
    gone: [],
  });
});

test("another tenant whose name begins alike is left alone", async () => {
  await log([anEvent(START_MS)]);
  await archiveHours(env, END_MS);
  expect(await rebuildIndex(env, tenant.slice(0, -1))).toBe(0);
});

test("a damaged object is named, and never read half", async () => {
  await log([anEvent(START_MS), anEvent(START_MS + HOUR_MS)]);
  await archiveHours(env, END_MS);
  const [one, other] = await segments();
  if (!one || !other) throw new Error("not archived");
  await env.STORE.put(one.key, "{}\n");
  await env.STORE.delete(other.key);
  expect(await readEvents(env, one)).toMatchObject({ failure: { reason: "segment_damaged" } });
  expect(await verifySegments(env, [one, other])).toEqual({
    checked: 2,
    rows: 0,
    damaged: [one.key],
    gone: [other.key],
  });
});

test("a cold object is gzip, reads like a warm one, and its plain one is gone", async () => {
  await log([anEvent(START_MS)]);
  await archiveHours(env, END_MS);
  const [warm] = await segments();
  await ageArchive(env, START_MS + 30 * DAY_MS + 1);
  const [cold] = await segments();
  expect(cold?.key).toBe(`cold/${warm?.key.slice("archive/".length)}.gz`);
  expect(await env.STORE.head(warm?.key ?? "")).toBeNull();
  expect(cold && (await readEvents(env, cold))).toEqual({ ok: true, value: [anEvent(START_MS)] });
});

test.each([
  ["without a word nothing is ever deleted", {}, 1],
  ["past the tenant's days it is", { retention: { archiveDays: 31, legalHold: false } }, 0],
  ["a legal hold keeps it", { retention: { archiveDays: 31, legalHold: true } }, 1],
])("retention: %s", async (_, config, left) => {
  await plantTenant(config);
  await log([anEvent(START_MS)]);
  await archiveHours(env, END_MS);
  await ageArchive(env, START_MS + 32 * DAY_MS);
  expect((await segments()).length).toBe(left);
  const listed = await env.STORE.list({ prefix: `cold/${tenant}/` });
  const warm = await env.STORE.list({ prefix: `archive/${tenant}/` });
  expect(listed.objects.length + warm.objects.length).toBe(left * 2);
});

test("a slot is dropped when it is old and archived, not before", async () => {
  await log([anEvent(START_MS)]);
  const rows = async () => {
    const sql = "SELECT count(*) AS n FROM events WHERE tenant_id = ?";
    return (await env.DB.prepare(sql).bind(tenant).first<{ n: number }>())?.n;
  };
  const laterMs = START_MS + 60 * DAY_MS;
  await dropOldSlots(env, laterMs);
  expect(await rows()).toBe(1);
  for (const name of ["archive:", "archive-events:"])
    await env.DB.prepare(
      "INSERT OR REPLACE INTO jobs (name, value, updated_at) SELECT ? || id, ?, 0 FROM tenants",
    )
      .bind(name, laterMs)
      .run();
  await dropOldSlots(env, laterMs);
  expect(await rows()).toBe(0);
});
