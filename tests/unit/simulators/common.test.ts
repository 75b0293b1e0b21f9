/** What all simulators share: side door, faults, media host, and the process. */
import { spawn } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Simulators, startAll } from "../../../simulators/all.ts";
import { createCallLog } from "../../../simulators/call-log.ts";

let all: Simulators;
beforeEach(async () => {
  all = await startAll({ hive: { accounts: [{ apiKey: "k", tenant: "acme" }] } });
});
afterEach(() => all.stop());

const ask = (url = all.hive.url) =>
  fetch(`${url}/process`, {
    method: "POST",
    headers: { authorization: "Bearer k", "content-type": "application/json" },
    body: JSON.stringify({ message: "hi" }),
  });
const plan = (body: unknown, method = "POST") =>
  fetch(`${all.hive.url}/_sim/faults`, { method, body: JSON.stringify(body) });
const seen = async (since = 0) =>
  (await (await fetch(`${all.hive.url}/_sim/calls?since=${since}`)).json()) as Record<
    string,
    unknown
  >[];

describe("side door", () => {
  test("lists calls in order with exactly the agreed fields, from a number on", async () => {
    await ask();
    await ask();
    const calls = await seen();
    expect(calls).toHaveLength(2);
    expect(Object.keys(calls[0] ?? {})).toEqual(["n", "at", "method", "path", "tenant", "body"]);
    expect(calls[0]).toMatchObject({
      n: 1,
      method: "POST",
      path: "/process",
      tenant: "acme",
      body: { message: "hi" },
    });
    expect((await seen(1)).map(({ n }) => n)).toEqual([2]);
    expect(await seen(2)).toEqual([]);
  });

  test("every simulator answers it, and reset forgets calls without starting their numbers again", async () => {
    for (const url of Object.values(all.urls)) {
      expect(await (await fetch(`${url}/_sim/calls`)).json()).toEqual([]);
    }
    await ask();
    await fetch(`${all.hive.url}/_sim/reset`, { method: "POST" });
    await ask();
    expect((await seen()).map(({ n }) => n)).toEqual([2]);
  });

  test("the log is bounded", () => {
    const log = createCallLog(10);
    for (let n = 0; n < 45; n += 1) {
      log.add({ method: "GET", path: "/", tenant: null, body: null, headers: {} });
    }
    expect(log.since(0).map(({ n }) => n)).toEqual([36, 37, 38, 39, 40, 41, 42, 43, 44, 45]);
    expect(log.since(44).map(({ n }) => n)).toEqual([45]);
  });
});

describe("faults", () => {
  test("hit the next calls in turn and are counted among the calls", async () => {
    await plan({ next: 2, kind: "status", status: 503, retryAfter: 1 });
    await plan({ next: 1, kind: "garbage" });
    const first = await ask();
    expect([first.status, first.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await ask()).status).toBe(503);
    const garbage = await ask();
    expect(garbage.status).toBe(200);
    await expect(garbage.json()).rejects.toThrow();
    expect((await ask()).status).toBe(200);
    expect(await seen()).toHaveLength(4);
  });

  test("a reset does nothing, a reset after the work has done it", async () => {
    all.receiver.fault({ next: 1, kind: "reset" });
    all.receiver.fault({ next: 1, kind: "reset-after" });
    const send = () => fetch(`${all.receiver.url}/x`, { method: "POST", body: "{}" });
    await expect(send()).rejects.toThrow();
    expect(all.receiver.received()).toHaveLength(0);
    await expect(send()).rejects.toThrow();
    expect(all.receiver.received()).toHaveLength(1);
    expect((await send()).status).toBe(200);
  });

  test("a timeout never answers; deleting the plan ends it", async () => {
    await plan({ next: 5, kind: "timeout" });
    const request = fetch(`${all.hive.url}/health`, { signal: AbortSignal.timeout(80) });
    await expect(request).rejects.toThrow(/timeout/i);
    await plan({}, "DELETE");
    expect((await ask()).status).toBe(200);
  });

  test("can be kept to a path, and nonsense is refused", async () => {
    await plan({ next: 1, kind: "status", path: "/health" });
    expect((await ask()).status).toBe(200);
    expect((await fetch(`${all.hive.url}/health`)).status).toBe(503);
    expect((await plan({ kind: "explode" })).status).toBe(400);
    expect((await plan({ kind: "reset", next: 0 })).status).toBe(400);
  });
});

describe("media host", () => {
  const media = (name: string) => fetch(`${all.slack.url}/media/${name}`);

  test("serves honest files and ones that lie about their type", async () => {
    const png = Buffer.from(await (await media("pixel.png")).arrayBuffer());
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    const ogg = Buffer.from(await (await media("any/voice.ogg")).arrayBuffer());
    expect(ogg.subarray(0, 4).toString()).toBe("OggS");
    expect(await (await media("document.pdf")).text()).toMatch(/^%PDF-1\.4/);
    const lying = await media("lying.png");
    expect(lying.headers.get("content-type")).toBe("image/png");
    expect(await lying.text()).toContain("<script>");
    expect((await media("none")).status).toBe(404);
  });

  test("promises too much, breaks off, never ends, drips", async () => {
    const huge = await media("huge.bin");
    expect(Number(huge.headers.get("content-length"))).toBeGreaterThan(1e10);
    await huge.body?.cancel();
    await expect(
      media("truncated.png").then((response) => response.arrayBuffer()),
    ).rejects.toThrow();
    const sizeOfNext = async (name: string, wanted: number) => {
      const reader = (await media(name)).body?.getReader();
      let bytes = 0;
      while (bytes < wanted) bytes += (await reader?.read())?.value?.length ?? Number.NaN;
      await reader?.cancel();
      return bytes;
    };
    expect(await sizeOfNext("endless.bin", 5_000_000)).toBeGreaterThanOrEqual(5_000_000);
    expect(await sizeOfNext("drip.png", 1)).toBeLessThan(3);
  });
});

test("as a process: one line with the URLs, and SIGTERM ends it cleanly", async () => {
  const main = new URL("../../../simulators/main.ts", import.meta.url).pathname;
  const node = new URL("../../../node_modules/.bin/node", import.meta.url).pathname;
  const child = spawn(node, [main], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const line = await new Promise<string>((resolve) => {
    child.stdout.once("data", (data) => resolve(String(data)));
  });
  const urls = JSON.parse(line) as Record<string, string>;
  expect(Object.keys(urls)).toEqual([
    "evolution",
    "slack",
    "discord",
    "hive",
    "receiver",
    "resolver",
    "services",
  ]);
  expect((await fetch(`${urls.evolution}/`)).status).toBe(200);
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
}, 15_000);
