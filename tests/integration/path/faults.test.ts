/** The fault seam itself: a fault that does not do what it says would make every other proof worthless. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { throughSeam } from "../../../platform/fault-seam.ts";
import { wrapEnv } from "../../../platform/faults.ts";
import { parseVars } from "../../../schema/vars.ts";

const seam = (...faults: readonly unknown[]) =>
  wrapEnv(env as Env, { plan: JSON.stringify({ seed: Math.random(), faults }) });

const insert = (db: D1Database, id: string) =>
  db.prepare("INSERT INTO tenants VALUES (?, 'n', '{}', NULL, 0, 0, 1)").bind(id);

async function exists(id: string): Promise<boolean> {
  return (await env.DB.prepare("SELECT 1 FROM tenants WHERE id = ?").bind(id).first()) !== null;
}

describe("a database behind the seam", () => {
  test("before: the call fails and nothing is done; times: then it works", async () => {
    const { DB } = seam({ target: "DB", op: "run", when: "before", times: 1, error: "D1 down" });
    await expect(insert(DB, "before").run()).rejects.toThrow("D1 down");
    expect(await exists("before")).toBe(false);
    await insert(DB, "before").run();
    expect(await exists("before")).toBe(true);
  });

  test("after: it is done, and fails all the same; batches of marked statements too", async () => {
    const { DB } = seam({ target: "DB", op: "batch", when: "after" });
    await expect(DB.batch([insert(DB, "after")])).rejects.toThrow("planned fault");
    expect(await exists("after")).toBe(true);
  });

  test("match looks at the statement and its values", async () => {
    const { DB } = seam({ target: "DB", match: "poison" });
    await insert(DB, "fine").run();
    await expect(insert(DB, "poison").run()).rejects.toThrow();
    await expect(DB.batch([insert(DB, "fine2"), insert(DB, "poison")])).rejects.toThrow();
    expect(await exists("fine2")).toBe(false);
  });

  test("p: about as many calls as it says", async () => {
    const { DB } = seam({ target: "DB", op: "first", p: 0.3 });
    const calls = Array.from({ length: 200 }, () => DB.prepare("SELECT 1").first());
    const failed = (await Promise.allSettled(calls)).filter((one) => one.status === "rejected");
    expect(failed.length).toBeGreaterThan(30);
    expect(failed.length).toBeLessThan(90);
  });
});

describe("objects and the store", () => {
  test("errors are marked as workerd marks them", async () => {
    const { IDEMPOTENCY } = seam(
      { target: "IDEMPOTENCY", op: "claim", error: "overloaded", times: 1 },
      { target: "IDEMPOTENCY", op: "claim", error: "reset", when: "after", times: 1 },
    );
    const claim = () => IDEMPOTENCY.getByName("acme:1").claim("hash", "id-1", Date.now());
    await expect(claim()).rejects.toMatchObject({ overloaded: true });
    await expect(claim()).rejects.toMatchObject({ retryable: true });
    expect(await claim()).toEqual({ is: "again", id: "id-1" });
  });

  test("a file that was stored although it said no", async () => {
    const { STORE } = seam({ target: "STORE", op: "put", when: "after" });
    await expect(STORE.put("a", "b")).rejects.toThrow();
    expect(await (await env.STORE.get("a"))?.text()).toBe("b");
  });

  test("a plan in the store is followed as it changes", async () => {
    const { DB } = wrapEnv(env as Env, { plan: "store:plan.json" });
    await DB.prepare("SELECT 1").first();
    await env.STORE.put("plan.json", JSON.stringify([{ target: "DB" }]));
    await new Promise((resolve) => setTimeout(resolve, 40));
    await expect(DB.prepare("SELECT 1").first()).rejects.toThrow();
  });
});

describe("without a plan", () => {
  test("the environment is the very same", () => {
    expect(throughSeam(env as Env)).toBe(env);
  });

  test("in production plans are refused, and not followed before they are", async () => {
    const secrets = {
      ID_SECRET: "0123456789ab",
      KEK: "k1:0123456789ab",
      MEDIA_SECRET: "0123456789ab",
    };
    for (const one of [{ FAULT_PLAN: "[]" }, { BREAK: "order" }]) {
      const vars = { ...secrets, ...one, ENVIRONMENT: "production" };
      expect(() => parseVars(vars)).toThrow("refused in production");
      expect(await throughSeam(vars as unknown as Env)).toBe(vars);
    }
  });
});
