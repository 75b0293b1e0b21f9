/** A trail outlives a killed hub, an edited row is named, and a trail that cannot be written harms nothing. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Hub, startHub } from "../../../dev/runtime.ts";
import { temporaryState } from "../../../dev/state.ts";
import { readAudit, trailFiles, trailOf, verified } from "../../support/audit.ts";
import { eventually } from "../../support/runtime.ts";

const PLAN_KEY = "faults/plan.json";
/** The seam trusts a plan for 25 ms. */
const PLAN_SETTLE_MS = 60;

let hub: Hub;
const stateDir = temporaryState();
const logs: string[] = [];

beforeAll(async () => {
  hub = await startHub({
    stateDir,
    bindings: { FAULT_PLAN: `store:${PLAN_KEY}` },
    onLog: ({ message }) => logs.push(message),
  });
});
afterAll(async () => {
  await hub?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: unknown): Promise<number> {
  const headers = { authorization: `Bearer ${hub.adminKey}`, "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  return (await fetch(hub.url + path, { method, headers, ...sent })).status;
}

async function plan(faults: readonly object[]): Promise<void> {
  const store = await hub.mf.getR2Bucket("STORE");
  await store.put(PLAN_KEY, JSON.stringify({ seed: 1, faults, nonce: Math.random() }));
  await new Promise((resolve) => setTimeout(resolve, PLAN_SETTLE_MS));
}

/** A trail with `n` entries: a tenant that was renamed as often. */
async function aTrail(tenant: string, n: number): Promise<void> {
  expect(await call("POST", "/tenants", { id: tenant })).toBe(201);
  for (let at = 0; at < n; at++)
    expect(await call("PATCH", `/tenants/${tenant}`, { name: `Name ${at}` })).toBe(200);
  await eventually("all entries", async () => {
    const { head } = await verified(hub, { tenant });
    return head.seq === n ? head : undefined;
  });
}

/** Changes the one row of these trails in which it stands. */
function editRow(trail: string, sql: string): number {
  let changes = 0;
  for (const db of trailFiles(stateDir)) {
    const kept = db
      .prepare("SELECT count(*) AS n FROM blocks WHERE body LIKE ?")
      .get(`%"tenant":"${trail}"%`);
    if (Number(kept?.n) > 0) changes += Number(db.prepare(sql).run().changes);
    db.close();
  }
  return changes;
}

test("what was in the trail is in it after a kill, and the chain goes on", {
  timeout: 180_000,
}, async () => {
  await aTrail("killed", 3);
  for (let round = 0; round < 3; round++) {
    const flights = Array.from({ length: 10 }, (_, n) =>
      call("PATCH", "/tenants/killed", { name: `Round ${round} ${n}` }).catch(() => 0),
    );
    await Promise.race(flights);
    const seen = await trailOf(hub, { tenant: "killed" }).catch(() => []);
    await hub.kill();
    await Promise.all(flights);
    await hub.restart();
    const after = await trailOf(hub, { tenant: "killed" });
    const ids = new Map(after.map((entry) => [entry.id, entry.seq]));
    expect(seen.filter(({ id, seq }) => ids.get(id) !== seq)).toEqual([]);
    expect(after.map(({ seq }) => seq)).toEqual(after.map((_, n) => after.length - n));
    expect(await verified(hub, { tenant: "killed" })).toMatchObject({ ok: true });
  }
});

test("an edit of one row on the disk of a stopped hub is named", { timeout: 180_000 }, async () => {
  await aTrail("edited", 6);
  const query = { tenant: "edited" };
  expect(await verified(hub, query)).toMatchObject({ ok: true, entries: 6 });
  await hub.kill();
  const edit = `UPDATE blocks SET body = replace(body, '"updateTenant"', '"deleteTenant"') WHERE first = 4`;
  expect(editRow("edited", edit)).toBe(1);
  await hub.restart();
  expect(await verified(hub, query)).toMatchObject({
    ...{ ok: false, firstBroken: { seq: 4, reason: "altered" } },
  });
  // It goes on being written, and says so as long as it is kept.
  expect(await call("PATCH", "/tenants/edited", { name: "Again" })).toBe(200);
  await eventually("the next", async () =>
    (await trailOf(hub, query))[0]?.seq === 7 ? 7 : undefined,
  );
  expect((await verified(hub, query)).firstBroken).toEqual({ seq: 4, reason: "altered" });
});

test("an export is checked without the hub", async () => {
  await aTrail("exported", 3);
  // Before the export, which leaves an entry of its own.
  const { head } = await verified(hub, { tenant: "exported" });
  const text = await readAudit<string>(hub, "/export", { tenant: "exported" });
  expect(checkedHead("exported", text)).toBe(head.hash);
  expect(() => checkedHead("exported", text.replace('"ok"', '"failed"'))).toThrow("entry 1");
});

/** As docs/design/audit.md shows it. */
function checkedHead(trail: string, text: string): string {
  const sha = (value: string) => createHash("sha256").update(value).digest("hex");
  const sorted = (value: unknown): unknown =>
    typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted()
            .map(([name, one]) => [name, sorted(one)]),
        )
      : value;
  let before = sha(`omni-edge audit v1 ${trail}`);
  for (const line of text.trim().split("\n")) {
    const { entry, before: said, hash } = JSON.parse(line);
    const right = sha(before + JSON.stringify(sorted(entry)));
    if (said !== before || hash !== right) throw new Error(`entry ${entry.seq}`);
    before = hash;
  }
  return before;
}

test("a trail that does not answer: the work is done, it is counted and seen, and the entry comes later", async () => {
  await aTrail("late", 1);
  await plan([{ target: "AUDIT", op: "append", when: "before", p: 1, error: "overloaded" }]);
  expect(await call("PATCH", "/tenants/late", { name: "While it is away" })).toBe(200);
  const store = await hub.mf.getR2Bucket("STORE");
  await eventually("the entry put aside", async () => {
    const { objects } = await store.list({ prefix: "audit-late/" });
    return objects.length > 0 ? objects : undefined;
  });
  await plan([]);
  await eventually("the count", async () => {
    const headers = { authorization: `Bearer ${hub.adminKey}` };
    const metrics = await (await fetch(`${hub.url}/metrics`, { headers })).text();
    return /audit_failures_total\{reason="late"\} [1-9]/.exec(metrics)?.[0];
  });
  await hub.triggerScheduled("*/5 * * * *");
  const query = { tenant: "late" };
  await eventually("the entry", async () =>
    (await trailOf(hub, query)).length === 2 ? 2 : undefined,
  );
  expect(await verified(hub, query)).toMatchObject({ ok: true, entries: 2 });
});

test("neither a trail nor R2: the work is done, and it is said what is lost", async () => {
  await aTrail("lost", 1);
  await plan([
    { target: "AUDIT", op: "append", when: "before", p: 1, error: "throw" },
    { target: "STORE", op: "put", match: "audit-late/", when: "before", p: 1, error: "throw" },
  ]);
  expect(await call("PATCH", "/tenants/lost", { name: "Never to be seen" })).toBe(200);
  const line = await eventually("the line", async () =>
    logs.find((one) => one.includes('"audit.lost"') && one.includes('"lost"')),
  );
  expect(JSON.parse(line)).toMatchObject({ tenant: "lost", operation: "updateTenant" });
  expect(line).not.toContain("Never");
  await plan([]);
  const health = await (await fetch(`${hub.url}/health`)).json();
  expect(health).toMatchObject({ status: "degraded", checks: { audit: { status: "down" } } });
  expect(await call("PATCH", "/tenants/lost", { name: "After" })).toBe(200);
  const gap = await eventually("the gap", async () =>
    (await trailOf(hub, { tenant: "lost" })).find(({ action }) => action === "audit.gap"),
  );
  expect(gap).toMatchObject({ outcome: "failed", count: 1 });
});

test("a deleted tenant's trail goes with it; the hub's own says how far it had come", async () => {
  await aTrail("erased", 2);
  const { head } = await verified(hub, { tenant: "erased" });
  expect(await call("DELETE", "/tenants/erased")).toBe(204);
  await hub.triggerScheduled("*/5 * * * *");
  const entry = await eventually(
    "the entry",
    async () => (await trailOf(hub, { action: "tenant.erased" }))[0],
  );
  expect(entry).toMatchObject({ target: { tenant: "erased", head: head.hash }, count: 2 });
  const actions = (await trailOf(hub, { target: "erased" })).map(({ action }) => action);
  expect(actions).toEqual(["tenant.erased", "deleteTenant", "createTenant"]);
});
