/** Runs over the API: started once, searched, looked at in every way. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Answer, type ApiTenant, apiTenant, noting } from "./api-hub.ts";

/** How long a run may take on a busy machine, ms. */
const PATIENCE = { timeout: 20_000, interval: 25 };
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Waits for a signal in the middle; what it gets goes on into its output. */
const ASKING = {
  ...{ id: "asking", name: "Asking", version: "1.0.0" },
  input: { type: "object", required: ["who"], properties: { who: { type: "string" } } },
  output: { greeting: "{{ steps.greet.output.text }}", answer: "{{ steps.hear.output.word }}" },
  vars: { seen: 0 },
  steps: [
    {
      ...{ id: "greet", type: "action", action: "transform", next: "hear" },
      with: { text: "hello {{ input.who }}" },
    },
    { id: "hear", type: "event", signal: "answer", next: "left" },
    {
      id: "left",
      type: "decision",
      condition: 'steps.hear.output.word == "left"',
      next: ["a", "b"],
    },
    { id: "a", type: "set", values: { seen: 1 } },
    { id: "b", type: "set", values: { seen: 2 } },
  ],
};

let hub: ApiTenant;
beforeAll(async () => {
  hub = await apiTenant();
  for (const definition of [noting("quick"), ASKING])
    expect((await hub.ask("POST", "/workflows", definition)).status).toBe(201);
});

const start = (workflow: string, body: unknown = {}, headers = {}) =>
  hub.ask("POST", `/workflows/${workflow}/runs`, body, headers);
const get = (path: string, headers = {}) => hub.ask("GET", path, undefined, headers);

async function until(path: string, is: (answer: Answer) => boolean): Promise<Answer> {
  return vi.waitFor(async () => {
    const answer = await get(path);
    if (!is(answer)) throw new Error(`still ${answer.status} ${answer.text.slice(0, 300)}`);
    return answer;
  }, PATIENCE);
}
const inStatus = (run: string, status: string) =>
  until(`/runs/${run}`, ({ body }) => body.status === status);

/** A run of `asking` that has ended, with its trail where it can be read. */
async function answered(word: string, more: object = {}): Promise<string> {
  const { body } = await start("asking", { input: { who: "Ann" }, ...more });
  await inStatus(body.run, "waiting");
  const signal = { name: "answer", id: "1", payload: { word } };
  expect((await hub.ask("POST", `/runs/${body.run}/signals`, signal)).status).toBe(200);
  await inStatus(body.run, "completed");
  await until(`/runs?status=completed`, (answer) => answer.text.includes(body.run));
  return body.run;
}

describe("a start", () => {
  test("is a run: 202 with its id and version, at once there to be looked at", async () => {
    const { status, body } = await start("quick", { correlation_id: "order-1" });
    expect([status, body]).toEqual([
      202,
      {
        run: expect.stringMatching(/^run_[0-9a-z]{26}$/),
        ...{ workflow: "quick", version: "1.0.0", duplicate: false },
      },
    ]);
    const detail = await get(`/runs/${body.run}`);
    expect(detail.body).toMatchObject({ run: body.run, trigger: "api", correlation_id: "order-1" });
    const done = await inStatus(body.run, "completed");
    expect(done.body).toMatchObject({ output: { noted: true }, error: null, reason: null });
  });

  test("under one Idempotency-Key is one run; with another body it is refused", async () => {
    const headers = { "idempotency-key": "k-1" };
    const first = await start("quick", {}, headers);
    const again = await start("quick", {}, headers);
    expect([first.body.duplicate, again.body.duplicate]).toEqual([false, true]);
    expect(again.body.run).toBe(first.body.run);
    const other = await start("quick", { correlation_id: "x" }, headers);
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    for (const key of ["", "x".repeat(256)])
      expect((await start("quick", {}, { "idempotency-key": key })).status).toBe(400);
  });

  test("ten times at once under one key is one run", async () => {
    const headers = { "idempotency-key": "k-many" };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => start("quick", {}, headers)),
    );
    expect(new Set(answers.map(({ body }) => body.run)).size).toBe(1);
    expect(answers.filter(({ body }) => body.duplicate === false)).toHaveLength(1);
  });

  test("with an input against the schema is 422, with a pointer to each fault", async () => {
    const { status, body } = await start("asking", { input: { who: 7 } });
    expect([status, body.errors[0].pointer]).toEqual([422, "#/input/who"]);
    expect((await start("asking")).status).toBe(422);
  });

  test.each([
    ["nothing-like-it", {}, 404],
    ["quick", { version: "9.9.9" }, 404],
    ["quick", { version: "latest" }, 400],
    ["quick", { correlation_id: "" }, 400],
    ["quick", { more: 1 }, 400],
    ["quick", { input: { big: "x".repeat(600_000) } }, 413],
  ])("of %s with %o is %i", async (workflow, body, status) => {
    expect((await start(workflow, body)).status).toBe(status);
  });

  test("goes where the workflow's new runs go, unless it names a version", async () => {
    for (const version of ["1.0.0", "2.0.0"])
      await hub.ask("POST", "/workflows", noting("versions", version));
    const rollout = { version: "2.0.0", percent: 0, keys: ["vip"] };
    await hub.ask("PUT", "/workflows/versions/rollout", rollout);
    const versionOf = async (body: object) => (await start("versions", body)).body.version;
    expect(await versionOf({})).toBe("1.0.0");
    expect(await versionOf({ correlation_id: "vip" })).toBe("2.0.0");
    expect(await versionOf({ version: "2.0.0" })).toBe("2.0.0");
    await hub.ask("PUT", "/workflows/versions/rollout", { version: "2.0.0", percent: 50 });
    const who = Array.from({ length: 12 }, (_, index) => `customer-${index}`);
    const first = await Promise.all(who.map((id) => versionOf({ correlation_id: id })));
    const second = await Promise.all(who.map((id) => versionOf({ correlation_id: id })));
    expect(second).toEqual(first);
    expect(new Set(first)).toEqual(new Set(["1.0.0", "2.0.0"]));
  });
});

describe("a run", () => {
  let run: string;
  beforeAll(async () => {
    run = await answered("left", { correlation_id: "case-7" });
  });

  test("shows its steps, with data only where it is asked for", async () => {
    const { body } = await get(`/runs/${run}`);
    expect(body).toMatchObject({
      ...{ status: "completed", entries: expect.any(Number), input: { who: "Ann" } },
      output: { greeting: "hello Ann", answer: "left" },
    });
    expect(body.steps.map((one: { key: string }) => one.key)).toEqual([
      "greet",
      "hear",
      "left",
      "a",
    ]);
    expect(body.steps[0]).not.toHaveProperty("output");
    const steps = await get(`/runs/${run}/steps`);
    expect(steps.body.items[0]).toMatchObject({ key: "greet", output: { text: "hello Ann" } });
  });

  test("tells what it waits for", async () => {
    const { body } = await start("asking", { input: { who: "Bob" } });
    const waiting = await inStatus(body.run, "waiting");
    expect(waiting.body.steps[1]).toMatchObject({ key: "hear", waiting_for: { signal: "answer" } });
  });

  test("shows its state after any step, and after any entry of its log", async () => {
    const stateAt = async (query: string) => (await get(`/runs/${run}/state${query}`)).body;
    const greeted = await stateAt("?step=greet");
    expect(greeted).toMatchObject({ status: "waiting", phase: "main", vars: { seen: 0 } });
    expect(greeted.steps.find((one: { key: string }) => one.key === "greet")).toMatchObject({
      status: "succeeded",
      output: { text: "hello Ann" },
    });
    const { body: now } = await get(`/runs/${run}/state`);
    expect(now).toMatchObject({ status: "completed", vars: { seen: 1 }, timers: [], arrivals: [] });
    const first = await stateAt("?entry=1");
    expect([first.entry, first.status]).toEqual([1, "running"]);
    for (let entry = 1; entry <= now.entry; entry++)
      expect((await stateAt(`?entry=${entry}`)).entry).toBe(entry);
    for (const [query, status] of [
      [`?entry=${now.entry + 1}`, 404],
      ["?step=nobody", 404],
      ["?entry=0", 400],
      ["?entry=1&step=greet", 400],
    ] as const)
      expect([query, (await get(`/runs/${run}/state${query}`)).status]).toEqual([query, status]);
  });

  test("has a timeline and a trail, without anybody's data", async () => {
    const timeline = await get(`/runs/${run}/timeline`);
    const [greet] = timeline.body.items;
    expect(greet).toMatchObject({
      key: "greet",
      status: "succeeded",
      offset_ms: expect.any(Number),
    });
    expect(timeline.body.items).toHaveLength(4);
    const entries: { what: string }[] = [];
    for (let cursor = ""; ; ) {
      const page = await get(`/runs/${run}/audit?limit=3${cursor}`);
      expect(page.body.items.length).toBeLessThanOrEqual(3);
      entries.push(...page.body.items);
      expect(page.text).not.toContain("Ann");
      if (!page.body.nextCursor) break;
      cursor = `&cursor=${page.body.nextCursor}`;
    }
    const whats = entries.map(({ what }) => what);
    expect([whats[0], whats.at(-1)]).toEqual(["run_started", "saga_completed"]);
    expect(whats.filter((what) => what === "step_completed")).toHaveLength(4);
    expect(timeline.text).not.toContain("Ann");
  });

  test("is drawn with the path it took", async () => {
    const mermaid = (await get(`/runs/${run}/graph`)).text;
    expect(mermaid).toContain("linkStyle");
    const plain = (await get("/workflows/asking/graph")).text;
    expect(plain).not.toContain("linkStyle");
    const svg = await get(`/runs/${run}/graph`, { accept: "image/svg+xml" });
    expect(svg.headers.get("content-type")).toBe("image/svg+xml");
    expect(svg.text.match(/✓ done/g)).toHaveLength(4);
  });
});

describe("a search", () => {
  test("finds runs by workflow, version, status, correlation id and time; newest first, page by page", async () => {
    const other = await apiTenant();
    await other.ask("POST", "/workflows", noting("many"));
    const runs: string[] = [];
    for (let index = 0; index < 5; index++) {
      const body = { correlation_id: `c-${index % 2}` };
      runs.push((await other.ask("POST", "/workflows/many/runs", body)).body.run);
    }
    const all = await vi.waitFor(async () => {
      const { body } = await other.ask("GET", "/runs?status=completed");
      expect(body.items).toHaveLength(5);
      return body.items as { run: string; started_at: string }[];
    }, PATIENCE);
    expect(new Set(all.map(({ run }) => run))).toEqual(new Set(runs));
    expect(all.map(({ started_at }) => started_at)).toEqual(
      all
        .map(({ started_at }) => started_at)
        .toSorted()
        .toReversed(),
    );
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await other.ask("GET", `/runs?limit=2${cursor}`);
      seen.push(...body.items.map(({ run }: { run: string }) => run));
      if (!body.nextCursor) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(seen).toEqual(all.map(({ run }) => run));
    const count = async (query: string) =>
      (await other.ask("GET", `/runs?${query}`)).body.items.length;
    expect(await count("workflow=many&version=1.0.0")).toBe(5);
    expect(await count("workflow=other")).toBe(0);
    expect(await count("version=2.0.0")).toBe(0);
    expect(await count("correlation_id=c-1")).toBe(2);
    expect(await count("status=failed")).toBe(0);
    expect(await count("since=2999-01-01T00:00:00Z")).toBe(0);
    expect(await count("until=2999-01-01T00:00:00Z")).toBe(5);
    expect((await other.ask("GET", "/runs?status=odd")).status).toBe(400);
  });
});

test("another tenant finds and steers nothing of it", async () => {
  const { body } = await start("asking", { input: { who: "Eve" } });
  const stranger = await apiTenant();
  for (const [method, path, sent] of [
    ["GET", ""],
    ["GET", "/steps"],
    ["GET", "/state"],
    ["GET", "/state?step=greet"],
    ["GET", "/timeline"],
    ["GET", "/audit"],
    ["GET", "/graph"],
    ["POST", "/pause"],
    ["POST", "/resume"],
    ["POST", "/cancel", {}],
    ["POST", "/retry", {}],
    ["POST", "/retry-compensation"],
    ["POST", "/signals", { name: "answer" }],
  ] as const) {
    const answer = await stranger.ask(method, `/runs/${body.run}${path}`, sent);
    expect([path, answer.status]).toEqual([path, 404]);
  }
  expect((await stranger.ask("GET", "/runs")).body.items).toEqual([]);
  expect((await inStatus(body.run, "waiting")).status).toBe(200);
});
