import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { HiveRoute } from "../../../domain/messaging/routing.ts";
import { callHiveRoute } from "../../../platform/hive-client.ts";
import { type HiveSimulator, startHive } from "../../../simulators/hive/simulator.ts";
import { said, TURN } from "./hive-support.ts";

const VARS = {
  ENVIRONMENT: "test",
  EGRESS_ALLOW: "127.0.0.1",
  PUBLIC_URL: "https://hub.example.com",
  DOH_URL: "",
} as const;

let hive: HiveSimulator;

beforeAll(async () => {
  hive = await startHive({
    accounts: [{ apiKey: "key", tenant: "acme" }],
    components: ["support"],
  });
});

beforeEach(() => hive.reset());

afterAll(() => hive.stop());

function ask(route: Partial<HiveRoute> = {}, turnId = "trn_1") {
  const full: HiveRoute = {
    kind: "hive",
    baseUrl: hive.url,
    agent: "support",
    apiKey: "key",
    timeoutMs: 2000,
    ...route,
  };
  return callHiveRoute(full, { ...TURN, turnId }, { vars: VARS });
}

const ECHO = said("hive: one\n[image]\ntwo");

describe("against a running Hive", () => {
  test.each<[string, Partial<HiveRoute>]>([
    ["an agent", {}],
    ["an agent, streamed", { stream: true }],
    ["a team", { team: "support" }],
    ["a team, streamed", { team: "support", stream: true }],
    ["the JSON contract", { dialect: "json" }],
    ["the key in its own header", { auth: "x-api-key" }],
  ])("%s answers", async (_, route) => {
    expect(await ask(route)).toEqual(ECHO);
    expect(hive.calls()).toHaveLength(1);
  });

  test.each<[string, Partial<HiveRoute>]>([
    ["plain", {}],
    ["streamed", { stream: true }],
    ["in JSON", { dialect: "json" }],
  ])("silence stays silence, %s", async (_, route) => {
    hive.brain({ mode: "silent" });
    expect(await ask(route)).toEqual({ ok: true, value: [] });
  });

  test("unframed streams read like framed ones", async () => {
    hive.brain({ mode: "unframed" });
    expect(await ask({ stream: true })).toEqual(ECHO);
  });

  test.each<[string, Partial<HiveRoute>, string, boolean]>([
    ["error", {}, "upstream_error", true],
    ["error", { stream: true }, "run_error", true],
    ["paused", {}, "run_paused", false],
    ["paused", { stream: true }, "run_paused", false],
    ["cut", { stream: true }, "network", true],
    ["hang", { stream: true, timeoutMs: 300 }, "timeout", true],
    ["hang", { timeoutMs: 300 }, "timeout", true],
  ])("a brain that is in mode %s (%j) is %s", async (mode, route, reason, retryable) => {
    hive.brain({ mode: mode as "error", reply: "a longer answer that can be cut" });
    expect(await ask(route)).toMatchObject({ ok: false, failure: { reason, retryable } });
  });

  test("a repeated turn is answered from the first run, not run again", async () => {
    hive.brain({ mode: "echo", reply: "first" });
    expect(await ask()).toEqual(said("first"));
    hive.brain({ mode: "echo", reply: "second" });
    expect(await ask()).toEqual(said("first"));
    expect(await ask({}, "trn_2")).toEqual(said("second"));
  });

  test("a turn whose first attempt still runs is a conflict, tried again later", async () => {
    hive.brain({ mode: "slow", delayMs: 3000 });
    const first = ask({ timeoutMs: 25_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await ask()).toMatchObject({
      failure: { reason: "conflict", retryable: true, afterMs: 2000 },
    });
    expect(await first).toEqual(ECHO);
  });

  test.each<[string, Partial<HiveRoute>, string]>([
    ["a wrong key", { apiKey: "wrong" }, "unauthorized"],
    ["an agent it does not have", { agent: "nobody" }, "unknown_agent"],
  ])("%s is refused for good", async (_, route, reason) => {
    expect(await ask(route)).toMatchObject({
      failure: { reason, retryable: false, breaker: false },
    });
  });

  test("planned faults come out by name", async () => {
    hive.fault({ next: 1, kind: "status", status: 429, retryAfter: 3 });
    expect(await ask()).toMatchObject({ failure: { reason: "rate_limited", afterMs: 3000 } });
    hive.fault({ next: 1, kind: "reset" });
    expect(await ask()).toMatchObject({ failure: { reason: "network", breaker: true } });
    hive.fault({ next: 1, kind: "garbage" });
    expect(await ask()).toMatchObject({ failure: { reason: "bad_answer", retryable: true } });
    hive.fault({ next: 1, kind: "timeout" });
    expect(await ask({ timeoutMs: 200 })).toMatchObject({ failure: { reason: "timeout" } });
  });
});
