import { describe, expect, test } from "vitest";
import { planRoute, type RouteFacts } from "../../../../domain/messaging/routing.ts";
import type { UnifiedMessage } from "../../../../schema/message.ts";
import type { Route } from "../../../../schema/route.ts";
import { cpuMs } from "../../../support/cpu-clock.ts";

const NOW_MS = 1_790_000_000_000;

function message(more: Partial<UnifiedMessage> & { readonly text?: string } = {}): UnifiedMessage {
  const { text = "hello", ...rest } = more;
  return {
    id: "msg_1",
    source: "whatsapp",
    tenant: "acme",
    content: { text, media: [], metadata: {} },
    timestamp: "2026-11-21T06:00:00.000Z",
    connection: "c1",
    conversation: "cnv_1",
    direction: "inbound",
    kind: "message",
    eventKey: "k",
    platform_id: "p",
    sender: { id: "77@lid", aliases: ["5511@s.whatsapp.net"], name: "Ana" },
    group: false,
    mentions: [],
    ...rest,
  };
}

function facts(more: Partial<RouteFacts> = {}): RouteFacts {
  return {
    message: message(),
    tenant: { enabled: true },
    connection: { id: "c1" },
    rules: [],
    aliases: [],
    nowMs: NOW_MS,
    ...more,
  };
}

function direct(...rules: [string, string][]): Route {
  return { kind: "direct", rules: rules.map(([match, reply]) => ({ match, reply })) };
}

const HOOK: Route = { kind: "webhook", url: "https://example.com/hook" };
const HIVE: Route = { kind: "hive", baseUrl: "https://hive.example.com", agent: "support" };
const enabled = true;

describe("planRoute", () => {
  test("is silent and takes bursts by default", () => {
    const decision = planRoute(facts());
    expect(decision.plan).toEqual({ kind: "silence", external: false, reason: "no_route" });
    expect(decision.policy).toEqual({ kind: "burst" });
    expect(decision.because).toEqual([
      "policy burst of default",
      "access allow by default",
      "route silence of default",
      "silence: no_route",
    ]);
  });

  test("the nearest route and policy win", () => {
    const tenant = { enabled, route: HOOK, policy: { kind: "serial" } } as const;
    const connection = { id: "c1", route: HIVE } as const;
    const conversation = { route: { kind: "silence" }, policy: { kind: "drop" } } as const;
    expect(planRoute(facts({ tenant })).plan).toEqual({
      kind: "webhook",
      external: true,
      route: HOOK,
    });
    const near = planRoute(facts({ tenant, connection }));
    expect(near.plan).toEqual({ kind: "hive", external: true, route: HIVE });
    expect(near.policy).toEqual({ kind: "serial" });
    const nearest = planRoute(facts({ tenant, connection, conversation }));
    expect(nearest.plan).toMatchObject({ kind: "silence", reason: "route_silence" });
    expect(nearest.policy).toEqual({ kind: "drop" });
  });

  test("a blocked sender reaches no agent, by any of its names", () => {
    const rules = [{ id: "r1", effect: "block", pattern: "5511" }] as const;
    const tenant = { enabled, route: HOOK };
    expect(planRoute(facts({ tenant, rules })).plan).toEqual({
      kind: "refused",
      external: false,
      reason: "blocked",
      rule: "r1",
    });
    const stranger = message({ sender: { id: "88@lid", aliases: [] } });
    expect(planRoute(facts({ tenant, rules, message: stranger })).plan.kind).toBe("webhook");
    const merged = facts({ tenant, rules, message: stranger, aliases: ["+5511"] });
    expect(planRoute(merged).plan.kind).toBe("refused");
  });

  test("who is not on an allow list is refused without a rule", () => {
    const rules = [{ id: "r1", effect: "allow", pattern: "44", connection: "c1" }] as const;
    expect(planRoute(facts({ tenant: { enabled, route: HOOK }, rules })).plan).toEqual({
      kind: "refused",
      external: false,
      reason: "not_listed",
    });
  });

  test.each([
    ["own_message", { message: message({ direction: "outbound" }) }],
    ["tenant_disabled", { tenant: { enabled: false, route: HOOK } }],
    ["connection_inactive", { connection: { id: "c1", active: false } }],
    ["edit", { message: message({ kind: "edit" }) }],
    ["delete", { message: message({ kind: "delete" }) }],
    ["reaction", { message: message({ kind: "reaction" }) }],
  ] as const)("says why it is silent: %s", (reason, more) => {
    const { plan } = planRoute(facts({ tenant: { enabled, route: HOOK }, ...more }));
    expect(plan).toEqual({ kind: "silence", external: false, reason });
  });

  test("edits start a turn where the tenant asks for it; deletes and reactions never", () => {
    const tenant = { enabled, route: HOOK, editTurns: true };
    const kindOf = (kind: UnifiedMessage["kind"]) =>
      planRoute(facts({ tenant, message: message({ kind }) })).plan.kind;
    expect(kindOf("edit")).toBe("webhook");
    expect(kindOf("delete")).toBe("silence");
    expect(kindOf("reaction")).toBe("silence");
  });

  test("a person keeps the conversation until the pause ends", () => {
    const tenant = { enabled, route: HOOK };
    const paused = facts({ tenant, conversation: { pausedUntilMs: NOW_MS + 1 } });
    expect(planRoute(paused).plan).toEqual({ kind: "human", external: false, reason: "paused" });
    const over = facts({ tenant, conversation: { pausedUntilMs: NOW_MS } });
    expect(planRoute(over).plan.kind).toBe("webhook");
    const handed = facts({ tenant: { enabled, route: { kind: "human" } } });
    expect(planRoute(handed).plan).toEqual({ kind: "human", external: false, reason: "route" });
  });

  test("commands and interactions are routed like messages", () => {
    const tenant = { enabled, route: HOOK };
    for (const kind of ["command", "interaction"] as const) {
      expect(planRoute(facts({ tenant, message: message({ kind }) })).plan.kind).toBe("webhook");
    }
  });
});

describe("direct rules", () => {
  const plan = (route: Route, text: string) =>
    planRoute(facts({ tenant: { enabled, route }, message: message({ text }) })).plan;

  test("the first rule that matches answers, whatever the case", () => {
    const route = direct(["^price", "ten"], ["hello", "hi"], [".*", "what?"]);
    expect(plan(route, "HELLO there")).toEqual({
      kind: "direct",
      external: false,
      reply: "hi",
      rule: 1,
    });
    expect(plan(route, "huh")).toMatchObject({ reply: "what?", rule: 2 });
  });

  test("the reply is filled from message and match", () => {
    const reply =
      "{{match.1}}/{{match.2}}/{{match.0}} {{sender.name}} {{sender.id}} {{connection}} {{conversation}} {{timestamp}} {{text}} {{tenant.secret}}";
    expect(plan(direct(["order (\\d+)( now)?", reply]), "my Order 42")).toMatchObject({
      reply: "42//Order 42 Ana 77@lid c1 cnv_1 2026-11-21T06:00:00.000Z my Order 42 ",
    });
  });

  test("nothing said is silence with its reason", () => {
    expect(plan(direct(["^x$", "y"]), "z")).toMatchObject({ reason: "no_rule_matched" });
    expect(plan(direct([".*", " {{nothing}} "]), "z")).toMatchObject({ reason: "empty_reply" });
  });

  test("an expression that slipped in unchecked is passed over", () => {
    expect(plan(direct(["(a)\\1", "bad"], ["a", "good"]), "aa")).toMatchObject({ reply: "good" });
  });

  test("two hundred costly rules cannot hold the hub", () => {
    const route = direct(
      ...Array.from({ length: 200 }, () => ["(?:a?){30}a{30}(b|c)$", "x"] as [string, string]),
    );
    const startMs = cpuMs();
    const decision = planRoute(
      facts({ tenant: { enabled, route }, message: message({ text: "a".repeat(4000) }) }),
    );
    expect(cpuMs() - startMs).toBeLessThan(3000);
    expect(decision.plan).toMatchObject({ kind: "silence", reason: "no_rule_matched" });
    expect(decision.because.some((line) => line.endsWith("too costly"))).toBe(true);
  });
});
