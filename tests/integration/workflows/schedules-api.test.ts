/** The API of schedules: made, shown, changed, paused, fired and deleted; and what is refused. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { SCHEDULES_MAX } from "../../../platform/repositories/schedules.ts";
import { runIdOf } from "../../../platform/workflow-ids.ts";
import { workflowScheduler } from "../../../platform/workflow-triggers.ts";
import { type ApiTenant, apiTenant, noting } from "./api-hub.ts";
import { env, triggering } from "./triggering.ts";

vi.setConfig({ testTimeout: 60_000 });

const cron = (text: string, more = {}) => ({ kind: "cron", cron: text, ...more });
let hub: ApiTenant;

beforeAll(async () => {
  hub = await apiTenant();
  expect((await hub.ask("POST", "/workflows", noting("w"))).status).toBe(201);
});

let made = 0;
async function create(more: Record<string, unknown> = {}): Promise<string> {
  made += 1;
  const body = { id: `s-${made}`, workflow: "w", timing: cron("0 3 * * *"), ...more };
  const answer = await hub.ask("POST", "/schedules", body);
  expect(answer.status, answer.text).toBe(201);
  return answer.body.id;
}

describe("a schedule", () => {
  test("is made, shown, listed by workflow, changed under its ETag, and deleted", async () => {
    const berlin = cron("30 2 * * *", {
      timezone: "Europe/Berlin",
      clock_changes: { gap: "skip" },
    });
    const timing = { ...berlin };
    const missed = { policy: "all", window_ms: 3_600_000 };
    const id = await create({
      timing,
      missed,
      overlap: "queue_one",
      jitter_ms: 1000,
      input: { a: 1 },
      name: "Nightly",
    });
    const { body, headers } = await hub.ask("GET", `/schedules/${id}`);
    expect(body).toMatchObject({
      ...{
        id,
        workflow: "w",
        timing,
        missed,
        overlap: "queue_one",
        jitter_ms: 1000,
        name: "Nightly",
      },
      ...{ input: { a: 1 }, paused: false, declared_by: "api" },
    });
    expect(Date.parse(body.next)).toBeGreaterThan(Date.now());
    const listed = (await hub.ask("GET", "/schedules?workflow=w&limit=200")).body.items;
    expect(listed.map((one: { id: string }) => one.id)).toContain(id);
    expect((await hub.ask("GET", "/schedules?workflow=other")).body.items).toEqual([]);
    const tag = { "if-match": headers.get("etag") ?? "" };
    const changed = await hub.ask(
      "PATCH",
      `/schedules/${id}`,
      { name: null, overlap: "allow", input: null },
      tag,
    );
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ overlap: "allow", input: null });
    expect(changed.body.name).toBeUndefined();
    expect((await hub.ask("PATCH", `/schedules/${id}`, { overlap: "skip" }, tag)).status).toBe(412);
    expect((await hub.ask("DELETE", `/schedules/${id}`, undefined, tag)).status).toBe(412);
    expect((await hub.ask("DELETE", `/schedules/${id}`)).status).toBe(204);
    for (const path of ["", "/next", "/slots"])
      expect((await hub.ask("GET", `/schedules/${id}${path}`)).status).toBe(404);
  });

  test("is paged through, each once", async () => {
    const own = await apiTenant();
    await own.ask("POST", "/workflows", noting("w"));
    for (const n of [1, 2, 3, 4, 5])
      await own.ask("POST", "/schedules", {
        id: `p-${n}`,
        workflow: "w",
        timing: cron("0 3 * * *"),
      });
    const seen: string[] = [];
    for (let path = "/schedules?limit=2"; path !== ""; ) {
      const { body } = await own.ask("GET", path);
      seen.push(...body.items.map((one: { id: string }) => one.id));
      path = body.nextCursor
        ? `/schedules?limit=2&cursor=${encodeURIComponent(body.nextCursor)}`
        : "";
    }
    expect(seen).toEqual(["p-1", "p-2", "p-3", "p-4", "p-5"]);
    expect((await own.ask("GET", "/schedules?cursor=nonsense")).status).toBe(400);
  });

  test("shows its next slots over a change of clocks, at most a hundred", async () => {
    const starts_at = "2030-03-30T00:00:00Z";
    const timing = cron("30 2 * * *", { timezone: "Europe/Berlin" });
    const id = await create({ timing, starts_at });
    const { items } = (await hub.ask("GET", `/schedules/${id}/next?count=3`)).body;
    expect(items).toEqual([
      "2030-03-30T01:30:00.000Z",
      "2030-03-31T01:00:00.000Z",
      "2030-04-01T00:30:00.000Z",
    ]);
    expect((await hub.ask("GET", `/schedules/${id}/next`)).body.items).toHaveLength(5);
    for (const count of ["0", "101", "x"])
      expect((await hub.ask("GET", `/schedules/${id}/next?count=${count}`)).status).toBe(400);
  });

  test("is paused and resumed", async () => {
    const id = await create();
    expect((await hub.ask("POST", `/schedules/${id}/pause`)).body).toMatchObject({
      paused: true,
      next: null,
    });
    // Its slots can still be asked for.
    expect((await hub.ask("GET", `/schedules/${id}/next?count=1`)).body.items).toHaveLength(1);
    expect((await hub.ask("POST", `/schedules/${id}/resume`)).body).toMatchObject({
      paused: false,
    });
  });
});

describe("what is refused", () => {
  test.each([
    ["seconds", { timing: cron("* * * * * *") }, "#/timing/cron"],
    ["a day that never comes", { timing: cron("0 0 30 2 *") }, "#/timing/cron"],
    [
      "a zone that is none",
      { timing: cron("0 3 * * *", { timezone: "Mars/Base" }) },
      "#/timing/timezone",
    ],
    ["a moment that is over", { timing: { kind: "at", at: "2020-01-01T00:00:00Z" } }, "#/timing"],
    [
      "an end before the start",
      { starts_at: "2031-01-02T00:00:00Z", ends_at: "2031-01-01T00:00:00Z" },
      "#/ends_at",
    ],
    [
      "an interval below a minute",
      { timing: { kind: "interval", every_ms: 1000 } },
      "#/timing/every_ms",
    ],
    ["a jitter above an hour", { jitter_ms: 3_600_001 }, "#/jitter_ms"],
    [
      "a window above a week",
      { missed: { policy: "all", window_ms: 604_800_001 } },
      "#/missed/window_ms",
    ],
    ["an id of a definition's", { id: "wf_w_1" }, "#/id"],
    ["an unknown member", { every: "day" }, "#/every"],
  ])("%s", async (_, more, pointer) => {
    const body = { id: "no", workflow: "w", timing: cron("0 3 * * *"), ...more };
    const answer = await hub.ask("POST", "/schedules", body);
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, pointer]);
    expect((await hub.ask("GET", "/schedules/no")).status).toBe(404);
  });

  test("is shown with the policies that count where it names none", async () => {
    const id = await create();
    expect((await hub.ask("GET", `/schedules/${id}`)).body).toMatchObject({
      overlap: "skip",
      missed: { policy: "latest" },
    });
  });

  test("a workflow or version that is not there: 422, at its making and at a change", async () => {
    const body = { workflow: "none", timing: cron("0 3 * * *") };
    expect((await hub.ask("POST", "/schedules", body)).status).toBe(422);
    const id = await create();
    expect((await hub.ask("PATCH", `/schedules/${id}`, { workflow: "none" })).status).toBe(422);
    const unknown = await hub.ask("PATCH", `/schedules/${id}`, { version: "9.9.9" });
    expect([unknown.status, unknown.body.errors]).toEqual([
      422,
      [{ pointer: "#/version", detail: "no such version" }],
    ]);
    expect((await hub.ask("PATCH", `/schedules/${id}`, { timing: cron("nonsense") })).status).toBe(
      400,
    );
  });

  test("an id that is taken, and one schedule too many: 409", async () => {
    const id = await create();
    const again = { id, workflow: "w", timing: cron("0 4 * * *") };
    expect((await hub.ask("POST", "/schedules", again)).status).toBe(409);
    const full = await apiTenant();
    await full.ask("POST", "/workflows", noting("w"));
    await env.DB.prepare(
      `INSERT INTO schedules WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       SELECT ?1, 'x' || i, json_object('schedule', json_object('id', 'x' || i, 'workflow', 'w', 'timing',
       json_object('kind', 'at', 'at', '2031-01-01T00:00:00Z'))), 1, 0, 0 FROM n`,
    )
      .bind(full.tenant, SCHEDULES_MAX)
      .run();
    const answer = await full.ask("POST", "/schedules", { ...again, id: "one-more" });
    expect([answer.status, answer.body.detail]).toEqual([409, "a tenant may have 500 schedules"]);
  });

  test("another tenant's schedule is not there", async () => {
    const id = await create();
    const stranger = await apiTenant();
    for (const [method, path] of [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["POST", "/pause"],
      ["POST", "/fire"],
      ["GET", "/slots"],
    ] as const) {
      const body = method === "PATCH" ? { overlap: "skip" } : undefined;
      expect((await stranger.ask(method, `/schedules/${id}${path}`, body)).status).toBe(404);
    }
  });
});

describe("firing by hand", () => {
  test("starts a run beside the slots, under one key once, and stands in the history", async () => {
    const id = await create({ input: { by: "hand" } });
    await hub.ask("POST", `/schedules/${id}/pause`);
    const key = { "idempotency-key": `key-${id}` };
    const first = await hub.ask("POST", `/schedules/${id}/fire`, undefined, key);
    expect([first.status, first.body.duplicate]).toEqual([202, false]);
    const again = await Promise.all(
      [1, 2, 3].map(() => hub.ask("POST", `/schedules/${id}/fire`, undefined, key)),
    );
    for (const { body } of again) expect(body).toEqual({ ...first.body, duplicate: true });
    const other = await hub.ask("POST", `/schedules/${id}/fire`);
    expect(other.body.run).not.toBe(first.body.run);
    const { items } = (await hub.ask("GET", `/schedules/${id}/slots`)).body;
    expect(items.map((one: { run: string }) => one.run).sort()).toEqual(
      [first.body.run, other.body.run].sort(),
    );
    expect(items[0]).toMatchObject({ outcome: "manual", reason: null, slots: 1 });
    expect((await hub.ask("GET", `/runs/${first.body.run}`)).body).toMatchObject({
      trigger: "schedule",
      input: { by: "hand" },
    });
  });

  test("says why nothing was started", async () => {
    await hub.ask("POST", "/workflows", noting("resting"));
    const id = await create({ workflow: "resting" });
    await hub.ask("POST", "/workflows/resting/pause");
    const answer = await hub.ask("POST", `/schedules/${id}/fire`);
    expect([answer.status, answer.body.reason]).toEqual([422, "paused"]);
  });
});

test("the history shows runs and reasons, latest first, in pages", async () => {
  const { tenant, ask, upload } = await triggering();
  await upload(noting("w"));
  await ask("POST", "/schedules", {
    id: "h",
    workflow: "w",
    timing: { kind: "interval", every_ms: 60_000 },
    overlap: "allow",
  });
  const startMs = Math.ceil(Date.now() / 60_000) * 60_000 + 3_600_000_000;
  const scheduler = workflowScheduler(env, tenant);
  for (const minutes of [0, 1, 2]) await scheduler.tick(tenant, startMs + minutes * 60_000);
  await ask("POST", "/schedules/h/pause");
  const { body: first } = await ask("GET", "/schedules/h/slots?limit=4");
  const { body: second } = await ask(
    "GET",
    `/schedules/h/slots?limit=4&cursor=${encodeURIComponent(first.nextCursor)}`,
  );
  const shown = [...first.items, ...second.items];
  expect(
    shown.map(
      ({ outcome, reason }: { outcome: string; reason: string | null }) => reason ?? outcome,
    ),
  ).toEqual(["fired", "fired", "fired", "fired", "superseded", "outside_window"]);
  const slotMs = startMs + 2 * 60_000;
  expect(shown[0]).toMatchObject({
    slot: new Date(slotMs).toISOString(),
    run: await runIdOf(tenant, "w", `h-${slotMs}`),
  });
  expect(shown.map(({ slots }: { slots: number | null }) => slots)).toEqual([1, 1, 1, 1, 59, null]);
});
