import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../../dev/runtime.ts";
import { eventually, startTestHub, type TestHub } from "../support/runtime.ts";

interface State {
  readonly noted: readonly string[];
  readonly stored?: string;
  readonly simulators: string;
}

let tiny: TestHub;

beforeAll(async () => {
  tiny = await startTestHub({
    entry: join(ROOT, "tests/support/workers/tiny.ts"),
    simulators: { slack: "http://127.0.0.1:1" },
  });
});

afterAll(() => tiny.remove());

async function ask(path: string): Promise<State> {
  const response = await fetch(`${tiny.hub.url}${path}`);
  return (await response.json()) as State;
}

function noted(id: string): Promise<true> {
  return eventually(`a note of ${id}`, async () =>
    (await ask("/")).noted.includes(id) ? true : undefined,
  );
}

test("the Worker answers on its own socket with its bindings and a migrated database", async () => {
  expect(await ask("/")).toEqual({ noted: [], simulators: '{"slack":"http://127.0.0.1:1"}' });
});

test("the migrations are the ones wrangler would list as applied", async () => {
  const db = await tiny.hub.mf.getD1Database("DB");
  const { results } = await db.prepare("SELECT name FROM d1_migrations ORDER BY id").all();
  expect(results.map((row) => row.name)).toContain("0001_keyed.sql");
});

test("a queued message reaches its consumer and a schedule can be run by hand", async () => {
  await ask("/queue?text=hello");
  await tiny.hub.triggerScheduled("7 * * * *");
  await noted("inbound-0:hello");
  await noted("cron:7 * * * *");
});

test("the first schedule is run while the Worker logs much", async () => {
  await tiny.hub.restart();
  const logged = ask("/log");
  for (const minute of [1, 2, 3, 4, 5]) await tiny.hub.triggerScheduled(`${minute} * * * *`);
  await logged;
  await noted("cron:5 * * * *");
});

test("the Worker reaches servers on this machine", async () => {
  const server = createServer((_, response) => response.end('{"reached":true}'));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(await ask(`/call?text=${encodeURIComponent(`http://127.0.0.1:${port}/`)}`)).toEqual({
    reached: true,
  });
  server.close();
});

test("a kill ends workerd; a restart finds rows, objects and overdue alarms where they were", async () => {
  const before = tiny.hub.workerdPid();
  await ask("/store?text=kept");
  await ask("/add?text=one&alarmInMs=700");
  await tiny.hub.kill();
  expect(() => process.kill(before, 0)).toThrow("ESRCH");
  await expect(fetch(tiny.hub.url)).rejects.toThrow("fetch failed");
  await new Promise((resolve) => setTimeout(resolve, 900));

  await tiny.hub.restart();
  expect(tiny.hub.workerdPid()).not.toBe(before);
  expect((await ask("/")).stored).toBe("kept");
  await noted("alarm");
});

test("a stopped hub leaves no process", async () => {
  const pid = tiny.hub.workerdPid();
  await tiny.hub.stop();
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  expect(() => tiny.hub.workerdPid()).toThrow("the hub is down");
});
