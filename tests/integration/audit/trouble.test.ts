/** A trail whose R2 fails, or holds what is not the trail's: it goes on, says so, and takes nothing away. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import type { AuditDraft } from "../../../domain/audit/entry.ts";
import { AUDIT_HOT_MS, AUDIT_SEAL_EVERY } from "../../../durable-objects/audit.ts";
import { auditTrail, headKey, segmentKey } from "../../../platform/audit-trail.ts";
import { takeDelta } from "../../../platform/metrics.ts";
import { verifyTrail } from "../../../workers/operations/audit-read.ts";

const env = bindings as unknown as Env;
let made = 0;

beforeEach(() => {
  takeDelta();
});

function drafts(n: number): readonly AuditDraft[] {
  return Array.from({ length: n }, () => {
    made += 1;
    const id = `aud_z${made}`;
    const actor = { kind: "system" } as const;
    return { id, atMs: Date.now(), actor, action: "a.b", target: {}, outcome: "ok" } as const;
  });
}

async function append(trail: string, n: number, nowMs = Date.now()): Promise<void> {
  await auditTrail(env, trail).append({ trail, drafts: drafts(n) }, nowMs);
}

interface Opened {
  readonly object: { env: Env };
  alarm(): Promise<void>;
}

const refuse = () => Promise.reject(new Error("down"));
const NO_R2 = { STORE: { put: refuse, get: refuse } };

/** Rings its alarm with other bindings. Gives when it rings next, and what was counted. */
function ring(trail: string, other: object): Promise<readonly [number | null, readonly string[]]> {
  return runInDurableObject(env.AUDIT.getByName(trail), async (instance, state) => {
    const opened = instance as unknown as Opened;
    const kept = opened.object.env;
    const METRICS = { getByName: () => ({ add: refuse }) };
    opened.object.env = { ...kept, METRICS, ...other } as unknown as Env;
    await opened.alarm();
    opened.object.env = kept;
    return [await state.storage.getAlarm(), failures()] as const;
  });
}

function failures(): readonly string[] {
  return Object.keys(takeDelta()?.counters ?? {})
    .filter((series) => series.startsWith("audit_failures_total|"))
    .map((series) => series.split("|")[1] ?? "");
}

test("a head that R2 does not take is counted, and put a minute later", async () => {
  const trail = "unsealed";
  await append(trail, 2);
  const [againMs, counted] = await ring(trail, NO_R2);
  expect(counted).toEqual(["unsealed"]);
  expect((againMs ?? Infinity) - Date.now()).toBeLessThanOrEqual(60_000);
  expect(await verifyTrail(env, trail, undefined)).toMatchObject({ ok: true, sealedHeads: 0 });
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  expect(await verifyTrail(env, trail, undefined)).toMatchObject({ ok: true, sealedHeads: 1 });
});

test("a hundred entries are sealed at once, fewer within the hour", async () => {
  const alarmOf = (trail: string) =>
    runInDurableObject(env.AUDIT.getByName(trail), (_, state) => state.storage.getAlarm());
  const nowMs = Date.now() + 1_000_000;
  await append("few", AUDIT_SEAL_EVERY - 1, nowMs);
  expect(await alarmOf("few")).toBe(nowMs + 3_600_000);
  await append("few", 1, nowMs);
  expect(await alarmOf("few")).toBe(nowMs);
});

test("a place of a head that is taken by something else: counted, and the next head is sealed", async () => {
  const trail = "taken-head";
  await append(trail, 1);
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  const sealed = await env.STORE.get(headKey(trail, 1));
  const customMetadata = sealed?.customMetadata ?? {};
  await env.STORE.put(headKey(trail, 2), await (sealed as R2ObjectBody).text(), { customMetadata });
  await append(trail, 1);
  expect((await ring(trail, {}))[1]).toEqual(["seal_conflict"]);
  // The head of another place is no head of this one: it proves nothing, and what follows is sealed again.
  await append(trail, 1);
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  expect(await verifyTrail(env, trail, undefined)).toMatchObject({ ok: true, sealedHeads: 2 });
});

test("without R2, or where something else lies in its place, nothing leaves for the archive", async () => {
  const trail = "unarchived";
  const longAgo = Date.now() - AUDIT_HOT_MS - 1000;
  await append(trail, 3, longAgo);
  const [, counted] = await ring(trail, NO_R2);
  expect(counted.toSorted()).toEqual(["unarchived", "unsealed"]);
  await env.STORE.put(segmentKey(trail, 1), '{"entry":{"seq":3},"before":"x","hash":"y"}\n');
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  const { items } = await auditTrail(env, trail).page(trail, {}, 10, undefined);
  expect(items).toHaveLength(3);
  await env.STORE.delete(segmentKey(trail, 1));
  await runDurableObjectAlarm(env.AUDIT.getByName(trail));
  expect((await auditTrail(env, trail).page(trail, {}, 10, undefined)).items).toEqual([]);
  expect(await verifyTrail(env, trail, undefined)).toMatchObject({ ok: true, entries: 3 });
});

test("somebody who moves the floor hides nothing", async () => {
  const trail = "floor";
  await append(trail, 2);
  await append(trail, 2);
  await runInDurableObject(env.AUDIT.getByName(trail), (_, state) => {
    const row = state.storage.sql.exec("SELECT hash FROM blocks WHERE first = 1").one();
    state.storage.kv.put("floor", { seq: 2, hash: row.hash, mac: "0".repeat(64) });
    state.storage.sql.exec("DELETE FROM blocks WHERE first = 1");
  });
  const { firstBroken } = await verifyTrail(env, trail, undefined);
  expect(firstBroken).toEqual({ seq: 1, reason: "forged" });
});
