/** The object of a trail in workerd: appends, answers, seals, archives, and finds what was changed in its rows. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { AuditDraft } from "../../../domain/audit/entry.ts";
import { AUDIT_HOT_MS } from "../../../durable-objects/audit.ts";
import { auditPrefix, auditTrail } from "../../../platform/audit-trail.ts";
import { verifyTrail } from "../../../workers/operations/audit-read.ts";

const env = bindings as unknown as Env;
const T = Date.UTC(2026, 10, 21);
let made = 0;

function draft(more: Partial<AuditDraft> = {}): AuditDraft {
  made += 1;
  const id = `aud_${String.fromCharCode(97 + (made % 26))}${made}`;
  return {
    ...{ id, atMs: T + made, actor: { kind: "operator" }, action: "updateTenant" },
    ...{ target: { tenant: "acme" }, outcome: "ok", ...more },
  };
}

function drafts(n: number): readonly AuditDraft[] {
  return Array.from({ length: n }, () => draft());
}

async function append(trail: string, entries: readonly AuditDraft[], nowMs = T): Promise<number> {
  return (await auditTrail(env, trail).append({ trail, drafts: entries }, nowMs)).added;
}

/** Something done to the rows by somebody who can write them. */
function tamper(trail: string, sql: string, ...values: SqlStorageValue[]): Promise<void> {
  return runInDurableObject(env.AUDIT.getByName(trail), (_, state) => {
    state.storage.sql.exec(sql, ...values);
  });
}

const brokenOf = async (trail: string) => (await verifyTrail(env, trail, undefined)).firstBroken;

test("entries are numbered in the order of their appends, whoever appends at the same time", async () => {
  const trail = "concurrent";
  await Promise.all(Array.from({ length: 20 }, () => append(trail, drafts(3))));
  const page = await auditTrail(env, trail).page(trail, {}, 100, undefined);
  expect(page.items.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, n) => 60 - n));
  const verified = await verifyTrail(env, trail, undefined);
  expect(verified).toMatchObject({ ok: true, entries: 60, head: { seq: 60 } });
});

test("a repeated append adds nothing, at once, after a restart, and long after", async () => {
  const trail = "repeated";
  const first = drafts(2);
  expect(await append(trail, first)).toBe(2);
  expect(await append(trail, first)).toBe(0);
  await abortAllDurableObjects();
  expect(await append(trail, first)).toBe(0);
  for (let n = 0; n < 510; n++) await append(trail, drafts(1));
  const late = { trail, drafts: first, late: true };
  expect((await auditTrail(env, trail).append(late, T)).added).toBe(0);
  expect((await auditTrail(env, trail).head(trail)).seq).toBe(512);
});

test("what was appended is there after a crash, and the chain goes on", async () => {
  const trail = "crashed";
  await append(trail, drafts(3));
  await abortAllDurableObjects();
  await append(trail, drafts(1));
  expect(await verifyTrail(env, trail, undefined)).toMatchObject({ ok: true, entries: 4 });
});

test("a page is found by actor, action, target, outcome, trace and time, across pages", async () => {
  const trail = "filtered";
  await append(trail, [
    draft({ actor: { kind: "key", id: "key_a" }, action: "createConnection" }),
    draft({ target: { connection: "shop" }, outcome: "refused", code: "not_found", status: 404 }),
  ]);
  await append(trail, [draft({ trace: "a".repeat(32), atMs: T - 1000 }), ...drafts(5)]);
  const seqs = async (filter: Parameters<ReturnType<typeof auditTrail>["page"]>[1]) =>
    (await auditTrail(env, trail).page(trail, filter, 100, undefined)).items.map(({ seq }) => seq);
  expect(await seqs({ actor: "key_a" })).toEqual([1]);
  expect(await seqs({ actorKind: "key" })).toEqual([1]);
  expect(await seqs({ action: "createConnection" })).toEqual([1]);
  expect(await seqs({ target: "shop" })).toEqual([2]);
  expect(await seqs({ outcome: "refused" })).toEqual([2]);
  expect(await seqs({ trace: "a".repeat(32) })).toEqual([3]);
  expect(await seqs({ untilMs: T })).toEqual([3]);
  expect(await seqs({ sinceMs: T, action: "updateTenant" })).toEqual([8, 7, 6, 5, 4, 2]);
  const first = await auditTrail(env, trail).page(trail, {}, 3, undefined);
  const second = await auditTrail(env, trail).page(trail, {}, 3, first.beforeSeq);
  expect([...first.items, ...second.items].map(({ seq }) => seq)).toEqual([8, 7, 6, 5, 4, 3]);
});

test("heads are sealed by the alarm, once, and compared", async () => {
  const trail = "sealed";
  await append(trail, drafts(2));
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  await append(trail, drafts(2));
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  const { objects } = await env.STORE.list({ prefix: `${auditPrefix(trail)}heads/` });
  expect(objects.map(({ key }) => key.slice(-17))).toEqual([
    "000000000002.json",
    "000000000004.json",
  ]);
  expect(await verifyTrail(env, trail, undefined)).toMatchObject({ ok: true, sealedHeads: 2 });
});

test.each<[string, string, { seq: number; reason: string }]>([
  [
    "an entry that was edited",
    `UPDATE blocks SET body = replace(body, '"ok"', '"failed"') WHERE first = 3`,
    { seq: 3, reason: "altered" },
  ],
  ["an entry that is gone", "DELETE FROM blocks WHERE first = 2", { seq: 2, reason: "missing" }],
  ["a tail that was cut", "DELETE FROM blocks WHERE first > 3", { seq: 4, reason: "cut" }],
  ["everything gone", "DELETE FROM blocks", { seq: 1, reason: "cut" }],
  [
    "two that changed places",
    "UPDATE blocks SET first = CASE first WHEN 2 THEN -4 ELSE -2 END WHERE first IN (2, 4); UPDATE blocks SET first = -first WHERE first < 0",
    { seq: 2, reason: "altered" },
  ],
  [
    "one put in",
    "UPDATE blocks SET first = first + 100 WHERE first > 2; UPDATE blocks SET first = first - 99 WHERE first > 100; INSERT INTO blocks SELECT 3, entries, id, appended, oldest, newest, body, hash, mac FROM blocks WHERE first = 1",
    { seq: 3, reason: "altered" },
  ],
  [
    "a body that is no JSON",
    "UPDATE blocks SET body = 'x' WHERE first = 5",
    { seq: 5, reason: "altered" },
  ],
  [
    "another time of the append",
    "UPDATE blocks SET appended = 1 WHERE first = 2",
    { seq: 2, reason: "forged" },
  ],
])("verify names %s", async (name, sql, broken) => {
  const trail = `tampered-${name.replaceAll(" ", "-")}`;
  for (let n = 0; n < 6; n++) await append(trail, drafts(1));
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  expect(await brokenOf(trail)).toBeUndefined();
  await tamper(trail, sql);
  expect(await brokenOf(trail)).toEqual(broken);
});

test("a trail that was put back and grew anew says something else than its sealed heads", async () => {
  const trail = "put-back";
  for (let n = 0; n < 4; n++) await append(trail, drafts(1));
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  await tamper(trail, "DELETE FROM blocks WHERE first > 2");
  for (let n = 0; n < 4; n++) await append(trail, drafts(1));
  expect(await brokenOf(trail)).toEqual({ seq: 1, reason: "replaced" });
});

test("a block of another trail is no block of this one", async () => {
  await append("theirs", drafts(1));
  const stolen = await runInDurableObject(env.AUDIT.getByName("theirs"), (_, state) =>
    state.storage.sql.exec("SELECT * FROM blocks").one(),
  );
  await append("ours", drafts(1));
  await tamper(
    "ours",
    "UPDATE blocks SET body = ?, hash = ?, mac = ?, id = ?",
    ...([stolen.body, stolen.hash, stolen.mac, stolen.id] as SqlStorageValue[]),
  );
  expect((await brokenOf("ours"))?.seq).toBe(1);
});

test("what is old leaves for the archive; the trail is verified and exported as before", async () => {
  const trail = "aged";
  const longAgo = Date.now() - AUDIT_HOT_MS - 1000;
  for (let n = 0; n < 3; n++) await append(trail, drafts(2), longAgo);
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  await append(trail, drafts(2), Date.now());
  const page = await auditTrail(env, trail).page(trail, {}, 100, undefined);
  expect(page.items.map(({ seq }) => seq)).toEqual([8, 7]);
  expect(await verifyTrail(env, trail, undefined)).toMatchObject({ ok: true, entries: 8 });
  const archived = await auditTrail(env, trail).lines(trail, 0);
  expect([archived.links.length, archived.more]).toEqual([6, true]);
  const { objects } = await env.STORE.list({ prefix: `${auditPrefix(trail)}segments/` });
  expect(objects).toHaveLength(1);
  const key = objects[0]?.key ?? "";
  const text = (await (await env.STORE.get(key))?.text()) ?? "";
  await env.STORE.put(key, text.replace('"seq":4', '"seq":5'));
  expect(await brokenOf(trail)).toEqual({ seq: 4, reason: "altered" });
  await env.STORE.delete(key);
  expect(await brokenOf(trail)).toEqual({ seq: 1, reason: "missing" });
});
