/** Secrets, data, services and actions over the API, and the report on a workflow. */
import { env as bindings } from "cloudflare:workers";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type ApiTenant, apiTenant, noting } from "./api-hub.ts";

const env = bindings as unknown as Env;
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let hub: ApiTenant;
beforeAll(async () => {
  hub = await apiTenant();
});
const put = (path: string, body: unknown, headers = {}) => hub.ask("PUT", path, body, headers);
const get = (path: string) => hub.ask("GET", path);
const remove = (path: string, headers = {}) => hub.ask("DELETE", path, undefined, headers);

describe("a secret", () => {
  test("is named, never shown, and kept sealed", async () => {
    expect((await put("/secrets/bank", { value: "s3cret-value" })).status).toBe(204);
    const list = await get("/secrets");
    expect(list.body).toEqual({
      items: [{ name: "bank", hosts: null, updated_at: expect.any(String) }],
    });
    expect(list.text).not.toContain("s3cret");
    const { results } = await env.DB.prepare("SELECT * FROM tenant_secrets").all();
    expect(JSON.stringify(results)).not.toContain("s3cret");
    expect((await get("/secrets/bank")).status).toBe(405);
    expect((await put("/secrets/bank", { value: "another" })).status).toBe(204);
    expect([
      (await remove("/secrets/bank")).status,
      (await remove("/secrets/bank")).status,
    ]).toEqual([204, 404]);
  });

  test.each([
    ["bank", {}, 400],
    ["bank", { value: "" }, 400],
    ["bank", { value: "x".repeat(8193) }, 400],
    ["bank", { value: "x", more: 1 }, 400],
    ["a.b", { value: "x" }, 404],
    ["1st", { value: "x" }, 404],
  ])("%s of %o is %i", async (name, body, status) => {
    expect((await put(`/secrets/${name}`, body)).status).toBe(status);
  });

  test("beyond the 200th is 409; one of them may still be written over", async () => {
    const many = await apiTenant();
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
       INSERT INTO tenant_secrets (tenant_id, name, sealed, updated_at) SELECT ?, 'n' || i, '', 0 FROM n`,
    )
      .bind(many.tenant)
      .run();
    expect((await many.ask("PUT", "/secrets/more", { value: "x" })).status).toBe(409);
    expect((await many.ask("PUT", "/secrets/n7", { value: "x" })).status).toBe(204);
  });
});

describe("data", () => {
  test("is any JSON by key, with a revision that rises", async () => {
    const values = [null, 0, "text", [1, { a: null }], { deep: { deeper: true } }];
    for (const [index, value] of values.entries()) {
      const written = await put("/data/any", { value });
      expect(written.status).toBe(index === 0 ? 201 : 200);
      const read = await get("/data/any");
      expect(read.body).toEqual({
        ...{ key: "any", value, revision: index + 1, updated_at: expect.any(String) },
      });
      expect(read.headers.get("etag")).toBe(written.headers.get("etag"));
    }
    expect([(await remove("/data/any")).status, (await get("/data/any")).status]).toEqual([
      204, 404,
    ]);
    expect((await remove("/data/any")).status).toBe(404);
  });

  test("is guarded by If-Match and If-None-Match", async () => {
    const none = { "if-none-match": "*" };
    expect((await put("/data/guarded", { value: 1 }, none)).status).toBe(201);
    expect((await put("/data/guarded", { value: 2 }, none)).status).toBe(412);
    const etag = (await get("/data/guarded")).headers.get("etag") ?? "";
    const seen = { "if-match": etag };
    const both = await Promise.all([1, 2].map((value) => put("/data/guarded", { value }, seen)));
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 412]);
    expect((await remove("/data/guarded", seen)).status).toBe(412);
    expect((await put("/data/absent", { value: 1 }, { "if-match": "*" })).status).toBe(412);
    expect((await remove("/data/guarded", { "if-match": "*" })).status).toBe(204);
  });

  test("is listed by key and prefix, without values, page by page", async () => {
    for (const key of ["p/a", "p/b", "p:c", "q"])
      await put(`/data/${encodeURIComponent(key)}`, { value: "hidden" });
    const keys = async (query: string) => {
      const { body, text } = await get(`/data?${query}`);
      expect(text).not.toContain("hidden");
      return [body.items.map(({ key }: { key: string }) => key), body.nextCursor];
    };
    expect(await keys("prefix=p/")).toEqual([["p/a", "p/b"], undefined]);
    expect(await keys("prefix=p")).toEqual([["p/a", "p/b", "p:c"], undefined]);
    const [first, cursor] = await keys("prefix=p&limit=2");
    expect(first).toEqual(["p/a", "p/b"]);
    expect(await keys(`prefix=p&limit=2&cursor=${cursor}`)).toEqual([["p:c"], undefined]);
    expect((await get(`/data?prefix=q&cursor=${cursor}`)).status).toBe(400);
    expect((await get("/data/p%2Fa")).body.value).toBe("hidden");
  });

  test.each([
    ["%24services", { value: {} }, 404],
    ["-x", { value: 1 }, 404],
    ["a%20b", { value: 1 }, 404],
    ["x".repeat(257), { value: 1 }, 404],
    ["ok", {}, 400],
    ["ok", { value: 1, more: 2 }, 400],
    ["ok", { value: "x".repeat(262_145) }, 413],
  ])("at %s of %o is refused", async (key, body, status) => {
    expect((await put(`/data/${key}`, body)).status).toBe(status);
    if (status === 404) expect((await get(`/data/${key}`)).status).toBe(404);
  });

  test("of the hub's own is not in lists", async () => {
    await put("/workflow-services/mine", { url: "https://mine.example.com/" });
    expect((await get("/data?limit=200")).text).not.toContain("$services");
  });
});

describe("services", () => {
  test("are named, changed at the same time without loss, and forgotten", async () => {
    const many = await apiTenant();
    const names = Array.from({ length: 6 }, (_, index) => `svc.n${index}`);
    const made = await Promise.all(
      names.map((name) =>
        many.ask("PUT", `/workflow-services/${name}`, { url: `https://example.com/${name}` }),
      ),
    );
    expect(made.map(({ status }) => status)).toEqual(names.map(() => 200));
    const list = await many.ask("GET", "/workflow-services");
    expect(list.body.items.map(({ action }: { action: string }) => action)).toEqual(names);
    expect(list.body.items[0]).toEqual({
      ...{ action: "svc.n0", url: "https://example.com/svc.n0", secret: null, timeout_ms: null },
    });
    const path = "/workflow-services/svc.n0";
    expect((await many.ask("DELETE", path)).status).toBe(204);
    expect((await many.ask("DELETE", path)).status).toBe(404);
  });

  test.each([
    ["svc", { url: "ftp://x.example.com" }, 400],
    ["svc", { url: "not a url" }, 400],
    ["svc", { url: "http://169.254.169.254/latest" }, 400],
    ["svc", { url: "https://user:word@x.example.com" }, 400],
    ["svc", { url: "https://x.example.com", timeout_ms: 0 }, 400],
    ["svc", { url: "https://x.example.com", secret: "a.b" }, 400],
    ["http.request", { url: "https://x.example.com" }, 422],
    ["a b", { url: "https://x.example.com" }, 404],
  ])("%s as %o is %i", async (action, body, status) => {
    expect((await put(`/workflow-services/${encodeURIComponent(action)}`, body)).status).toBe(
      status,
    );
  });

  test("may be named by definitions from then on, and are among the actions", async () => {
    const definition = noting("calls", "1.0.0", {
      steps: [{ id: "call", type: "action", action: "svc.calls", with: { any: "thing" } }],
    });
    const before = await hub.ask("POST", "/workflows", definition);
    expect([before.status, before.body.faults[0].reason]).toEqual([422, "unknown_action"]);
    await put("/workflow-services/svc.calls", { url: "https://x.example.com", timeout_ms: 500 });
    expect((await hub.ask("POST", "/workflows", definition)).status).toBe(201);
    const { body } = await get("/workflow-actions");
    const named = Object.fromEntries(
      body.items.map((one: { name: string; owner: string }) => [one.name, one.owner]),
    );
    expect(named).toMatchObject({
      ...{ "svc.calls": "tenant", "http.request": "hub", "message.send": "hub" },
      ...{ "event.publish": "hub", "data.put": "hub", transform: "hub" },
    });
    const send = body.items.find(({ name }: { name: string }) => name === "message.send");
    expect(send).toMatchObject({
      description: expect.stringMatching(/\w+/),
      input: { type: "object", required: expect.any(Array) },
      output: { type: "object" },
    });
  });
});

describe("the report on a workflow", () => {
  test("is made of its runs", async () => {
    const definition = noting("reported", "1.0.0", {
      steps: [
        { id: "choose", type: "decision", condition: "input.good", next: ["fine", "bad"] },
        { id: "fine", type: "action", action: "transform", with: { fine: true } },
        { id: "bad", type: "fail", code: "not_good" },
      ],
    });
    await hub.ask("POST", "/workflows", definition);
    // One after the other: what is loaded lazily is loaded by the first.
    for (const good of [true, true, true, false]) {
      const { body } = await hub.ask("POST", "/workflows/reported/runs", { input: { good } });
      await vi.waitFor(
        async () =>
          expect((await get(`/runs/${body.run}`)).body.status).toBe(good ? "completed" : "failed"),
        { timeout: 20_000, interval: 50 },
      );
    }
    const report = await vi.waitFor(
      async () => {
        const { body } = await get("/workflows/reported/report?window=day");
        expect(body.by_status).toEqual({ completed: 3, failed: 1 });
        return body;
      },
      { timeout: 20_000, interval: 50 },
    );
    expect(report).toMatchObject({
      ...{ workflow: "reported", version: null, succeeded: 3, failed: 1, open: 0 },
      ...{ success_rate: 0.75, failure_rate: 0.25, retries: 0 },
      sample: { runs: 4, steps: 8, complete: true },
      duration: { count: 4, p50_ms: expect.any(Number), p95_ms: expect.any(Number) },
      errors: [{ reason: "not_good", count: 1 }],
    });
    const executions = report.steps.map((one: { step: string; executions: number }) => [
      one.step,
      one.executions,
    ]);
    expect(executions).toEqual([
      ["bad", 1],
      ["choose", 4],
      ["fine", 3],
    ]);
    expect(report.windows.at(-1)).toMatchObject({ runs: 4, success_rate: 0.75 });
    expect((await get("/workflows/reported/report?version=2.0.0")).status).toBe(404);
    const past = await get("/workflows/reported/report?until=2020-01-01T00:00:00Z");
    expect([past.body.sample.runs, past.body.success_rate]).toEqual([0, null]);
  });

  test("comes as CSV, and is refused where it asks for too much", async () => {
    const csv = await get("/workflows/reported/report?format=csv");
    expect(csv.headers.get("content-type")).toBe("text/csv");
    expect(csv.text.split("\r\n")[1]).toMatch(/^runs,,20.*,4,3,1,0,0\.75,/);
    const accepted = await hub.ask("GET", "/workflows/reported/report", undefined, {
      accept: "text/csv",
    });
    expect(accepted.headers.get("content-type")).toBe("text/csv");
    for (const [query, status] of [
      ["since=2000-01-01T00:00:00Z&window=hour", 400],
      ["since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", 400],
      ["window=minute", 400],
      ["format=xml", 400],
    ] as const)
      expect([query, (await get(`/workflows/reported/report?${query}`)).status]).toEqual([
        query,
        status,
      ]);
    expect((await get("/workflows/nobody/report")).status).toBe(404);
  });
});
