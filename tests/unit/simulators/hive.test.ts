import { createParser } from "eventsource-parser";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type HiveSimulator, startHive } from "../../../simulators/hive/simulator.ts";

/** On a machine with other work. */
const PATIENCE_MS = 20_000;
let hive: HiveSimulator;
beforeEach(async () => {
  hive = await startHive({
    accounts: [
      { apiKey: "k", tenant: "acme" },
      { apiKey: "shared", tenant: "a", agent: "support" },
      { apiKey: "shared", tenant: "b", agent: "sales" },
    ],
  });
});
afterEach(() => hive.stop());

const run = (
  fields: Record<string, string>,
  headers: Record<string, string> = {},
  path = "agents/support",
) =>
  fetch(`${hive.url}/${path}/runs`, {
    method: "POST",
    headers: { authorization: "Bearer k", ...headers },
    body: new URLSearchParams(fields),
  });
const events = async (response: Response) => {
  const heard: { event: string | undefined; data: Record<string, unknown> }[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => heard.push({ event, data: JSON.parse(data) }),
  });
  parser.feed(await response.text());
  return heard;
};

describe("runs", () => {
  test("a form gets a completed run, JSON gets 422 as FastAPI says it", async () => {
    const form = new FormData();
    form.set("message", "hi");
    form.set("session_id", "s1");
    const response = await fetch(`${hive.url}/agents/support/runs`, {
      method: "POST",
      headers: { "x-api-key": "k" },
      body: form,
    });
    expect(await response.json()).toMatchObject({
      agent_id: "support",
      session_id: "s1",
      content: "hive: hi",
      status: "COMPLETED",
    });
    const refused = await run({}, { "content-type": "application/json" });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toEqual({
      detail: [{ type: "missing", loc: ["body", "message"], msg: "Field required", input: null }],
    });
  });

  test("a stream has keepalives, deltas and the whole text at the end", async () => {
    const response = await run({ message: "hello there", stream: "true" });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const clone = response.clone();
    const heard = await events(response);
    expect(await clone.text()).toMatch(/^event: RunStarted[\s\S]*\n: keepalive\n/);
    expect(heard[0]?.event).toBe("RunStarted");
    const deltas = heard.filter(({ event }) => event === "RunContent");
    expect(deltas.length).toBeGreaterThan(2);
    expect(deltas.map(({ data }) => data.content).join("")).toBe("hive: hello there");
    expect(heard.at(-1)).toMatchObject({
      event: "RunCompleted",
      data: { content: "hive: hello there" },
    });
    const team = await events(await run({ message: "x", stream: "true" }, {}, "teams/front"));
    expect(team[0]).toMatchObject({ event: "TeamRunStarted", data: { team_id: "front" } });
  });

  test("an error comes after the 200 of a stream, a pause waits for continue", async () => {
    hive.brain({ mode: "error" });
    const failed = await run({ message: "x", stream: "true" });
    expect(failed.status).toBe(200);
    expect((await events(failed)).at(-1)?.event).toBe("RunError");
    expect((await run({ message: "x" })).status).toBe(500);
    hive.brain({ mode: "paused" });
    const paused = (await (await run({ message: "x" })).json()) as {
      run_id: string;
      status: string;
    };
    expect(paused.status).toBe("PAUSED");
    const path = `${hive.url}/agents/support/runs/${paused.run_id}/continue`;
    const continued = await fetch(path, { method: "POST", headers: { authorization: "Bearer k" } });
    expect(await continued.json()).toMatchObject({ status: "COMPLETED", content: "hive: x" });
  });

  test("a cut stream breaks before the end, an unframed one is concatenated JSON", async () => {
    hive.brain({ mode: "cut" });
    const cut = await run({ message: "a long enough text", stream: "true" });
    await expect(cut.text()).rejects.toThrow();
    hive.brain({ mode: "unframed" });
    expect(await (await run({ message: "x", stream: "true" })).text()).toMatch(/^\{.*\}\{.*\}$/);
  });

  test("one idempotency key is one run; another request under it is refused", async () => {
    const key = { "idempotency-key": "turn-1" };
    const first = (await (await run({ message: "x" }, key)).json()) as { run_id: string };
    expect(await (await run({ message: "x" }, key)).json()).toMatchObject({ run_id: first.run_id });
    const streaming = { message: "x", stream: "true" };
    const other = { "idempotency-key": "turn-2" };
    const begun = await events(await run(streaming, other));
    const replay = await events(await run(streaming, other));
    expect(replay.at(-1)).toMatchObject({
      event: "RunCompleted",
      data: { run_id: begun[0]?.data.run_id, content: "hive: x" },
    });
    expect((await run({ message: "y" }, key)).status).toBe(409);
  });

  test("background answers 202 and can be looked up; sessions list their runs", async () => {
    hive.brain({ mode: "slow", delayMs: 20 });
    const response = await run({ message: "x", background: "true", session_id: "s9" });
    expect(response.status).toBe(202);
    const { run_id: id, status } = (await response.json()) as { run_id: string; status: string };
    expect(status).toBe("PENDING");
    const headers = { authorization: "Bearer k" };
    await vi.waitFor(async () => {
      const found = await fetch(`${hive.url}/agents/support/runs/${id}`, { headers });
      expect(await found.json()).toMatchObject({ status: "COMPLETED" });
    }, PATIENCE_MS);
    const session = await fetch(`${hive.url}/sessions/s9/runs`, { headers });
    expect(await session.json()).toMatchObject([{ run_id: id }]);
  });

  test("a client that leaves cancels its run", async () => {
    hive.brain({ mode: "hang" });
    const abort = new AbortController();
    const response = await fetch(`${hive.url}/agents/support/runs`, {
      method: "POST",
      headers: { authorization: "Bearer k" },
      body: new URLSearchParams({ message: "x", stream: "true", session_id: "s7" }),
      signal: abort.signal,
    });
    expect(response.status).toBe(200);
    abort.abort();
    const status = async () => {
      const headers = { authorization: "Bearer k" };
      const runs = await (await fetch(`${hive.url}/sessions/s7/runs`, { headers })).json();
      return (runs as { status: string }[])[0]?.status;
    };
    await vi.waitFor(async () => expect(await status()).toBe("CANCELLED"), PATIENCE_MS);
  });
});

describe("callers", () => {
  test("a wrong key is refused, tenants are told apart by key or agent", async () => {
    expect((await run({ message: "x" }, { authorization: "Bearer no" })).status).toBe(401);
    await run({ message: "x" });
    await run({ message: "x" }, { authorization: "Bearer shared" }, "agents/sales");
    await run({ message: "x" }, { authorization: "Bearer shared" }, "agents/other");
    expect(hive.calls().map(({ tenant }) => tenant)).toEqual([null, "acme", "b", null]);
  });

  test("a caller registered without a key needs none", async () => {
    const anonymous = { authorization: "" };
    expect((await run({ message: "x" }, anonymous)).status).toBe(401);
    hive.register({ tenant: "open" });
    expect((await run({ message: "x" }, anonymous)).status).toBe(200);
    expect(hive.calls().map(({ tenant }) => tenant)).toEqual([null, "open"]);
  });

  test("the JSON dialect replies, keeps silent or fails", async () => {
    const ask = () =>
      fetch(`${hive.url}/process`, {
        method: "POST",
        headers: { authorization: "Bearer k", "content-type": "application/json" },
        body: JSON.stringify({ tenant: "acme", message: { content: { text: "hi" } }, context: {} }),
      });
    expect(await (await ask()).json()).toEqual({ reply: "hive: hi" });
    hive.brain({ mode: "silent" });
    expect(await (await ask()).json()).toEqual({});
    hive.brain({ mode: "error" });
    expect((await ask()).status).toBe(500);
  });
});
