/** What becomes of entries whose trail does not answer: late, or lost and said to be. The work never notices. */
import { env as bindings } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { HUB_TRAIL } from "../../../domain/audit/entry.ts";
import {
  type AuditNote,
  flushAudit,
  LATE_PREFIX,
  lastAuditLossMs,
  noteAudit,
} from "../../../platform/audit-buffer.ts";
import { appendLate } from "../../../platform/audit-late.ts";
import { auditTrail } from "../../../platform/audit-trail.ts";
import { takeDelta } from "../../../platform/metrics.ts";

const env = bindings as unknown as Env;
const T = Date.UTC(2026, 10, 21);
let lines: string[] = [];

afterEach(() => {
  vi.restoreAllMocks();
});

function note(more: Partial<AuditNote> = {}): AuditNote {
  return {
    ...{ atMs: T, actor: { kind: "system" }, action: "hive.call", target: { turn: "t1" } },
    ...{ outcome: "ok", ...more },
  };
}

/** The bindings with trails that fail: before the work is done, after it, or so many times. */
function broken(fails: {
  readonly when: "before" | "after";
  times?: number;
  store?: boolean;
}): Env {
  let left = fails.times ?? Infinity;
  const AUDIT = {
    getByName: (name: string) => ({
      append: async (...args: Parameters<ReturnType<typeof auditTrail>["append"]>) => {
        const isDown = left > 0;
        left -= 1;
        if (isDown && fails.when === "before") throw new Error("down");
        const done = await auditTrail(env, name).append(...args);
        if (isDown) throw new Error("the answer was lost");
        return done;
      },
    }),
  };
  const store = { put: () => Promise.reject(new Error("down")) };
  return { ...env, AUDIT, ...(fails.store ? { STORE: store } : {}) } as unknown as Env;
}

const entries = async (trail: string) =>
  (await auditTrail(env, trail).page(trail, {}, 100, undefined)).items;

function failures(): Record<string, number> {
  const counters = Object.entries(takeDelta()?.counters ?? {});
  return Object.fromEntries(
    counters
      .filter(([series]) => series.startsWith("audit_failures_total|"))
      .map(([series, n]) => [series.split("|")[1] ?? "", n]),
  );
}

function listen(): void {
  lines = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => lines.push(line));
}

const lates = async () => (await env.STORE.list({ prefix: LATE_PREFIX })).objects.length;

test("everything of one unit of work goes out with one call per trail", async () => {
  let calls = 0;
  const counting = {
    ...env,
    AUDIT: {
      getByName: (name: string) => {
        calls += 1;
        return env.AUDIT.getByName(name);
      },
    },
  } as unknown as Env;
  for (let n = 0; n < 7; n++) noteAudit("one-call", note());
  noteAudit(HUB_TRAIL, note());
  await flushAudit(counting, T);
  await flushAudit(counting, T);
  expect(calls).toBe(2);
  expect(await entries("one-call")).toHaveLength(7);
});

test("a lost answer adds nothing twice, a passing failure nothing late", async () => {
  noteAudit("passing", note());
  await flushAudit(broken({ when: "after", times: 2 }), T);
  expect(await entries("passing")).toHaveLength(1);
  expect(await lates()).toBe(0);
});

test("what a trail does not take waits in R2 and is appended by the job, once", async () => {
  takeDelta();
  noteAudit(HUB_TRAIL, note({ action: "late.one" }));
  await flushAudit(broken({ when: "before" }), T);
  expect(failures()).toEqual({ retried: 4, late: 1 });
  expect(await lates()).toBe(1);
  await appendLate(env, T);
  expect(await lates()).toBe(0);
  noteAudit(HUB_TRAIL, note({ action: "late.two" }));
  await flushAudit(broken({ when: "after" }), T);
  expect(await lates()).toBe(1);
  await appendLate(env, T);
  await appendLate(env, T);
  const actions = (await entries(HUB_TRAIL)).map(({ action }) => action);
  expect(actions.filter((one) => one.startsWith("late."))).toEqual(["late.two", "late.one"]);
});

test("what waits for a tenant that is gone begins no trail anew", async () => {
  noteAudit("nobody", note());
  await flushAudit(broken({ when: "before" }), T);
  await appendLate(env, T);
  expect(await lates()).toBe(0);
  expect(await entries("nobody")).toEqual([]);
});

test("what can be put nowhere is counted, said with its ids, and leaves a gap that is told", async () => {
  takeDelta();
  listen();
  noteAudit("gap", note({ action: "first.lost" }));
  noteAudit("gap", note({ action: "second.lost" }));
  await flushAudit(broken({ when: "before", store: true }), T);
  expect(failures()).toEqual({ retried: 4, late: 1, lost: 2 });
  expect(Date.now() - lastAuditLossMs()).toBeLessThan(60_000);
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(
    said.map(({ line, tenant, operation, reason }) => [line, tenant, operation, reason]),
  ).toEqual([
    ["audit.lost", "gap", "first.lost", "lost"],
    ["audit.lost", "gap", "second.lost", "lost"],
  ]);
  noteAudit("gap", note({ action: "next.one" }));
  await flushAudit(env, T);
  const [next, gap] = await entries("gap");
  expect([next?.action, gap?.action, gap?.outcome, gap?.count]).toEqual([
    ...["next.one", "audit.gap", "failed", 2],
  ]);
});

test("an isolate holds so many and no more; the rest is a gap", async () => {
  listen();
  for (let n = 0; n < 2003; n++) noteAudit("much", note());
  await flushAudit(env, T);
  takeDelta();
  noteAudit("much", note({ action: "after.all" }));
  await flushAudit(env, T);
  const all = await auditTrail(env, "much").page("much", { action: "audit.gap" }, 10, undefined);
  expect(all.items.map(({ count }) => count)).toEqual([3]);
  expect((await auditTrail(env, "much").head("much")).seq).toBe(2002);
});
