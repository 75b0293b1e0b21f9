/** What the triggers of a definition stand for on the bus and on the clock. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAwaited } from "../../../../../domain/workflows/triggers/awaited.ts";
import {
  awaitableTypes,
  awaitedSubscription,
  isTriggered,
  triggeredSubscription,
} from "../../../../../domain/workflows/triggers/hidden.ts";
import {
  TRIGGER_SCHEDULE_PREFIX,
  triggerScheduleId,
  triggerSchedules,
} from "../../../../../domain/workflows/triggers/schedules.ts";
import { Id } from "../../../../../schema/connection.ts";
import { SCHEDULE_ID_CHARS_MAX, Schedule } from "../../../../../schema/schedule.ts";
import { BINDINGS_MAX } from "../../../../../schema/subscription.ts";
import { WorkflowDefinition } from "../../../../../schema/workflow.ts";

function definition(part: Record<string, unknown>): WorkflowDefinition {
  const steps = [{ id: "a", type: "action", action: "x" }];
  return WorkflowDefinition.parse({ id: "w", name: "W", version: "1.0.0", steps, ...part });
}

describe("the subscription of a workflow", () => {
  test("is bound to the types of its events and messages, each once", () => {
    const triggers = [
      { type: "event", event: "order.*" },
      { type: "webhook", path: "in" },
      { type: "event", event: "order.*" },
      { type: "message", match: "^hi" },
      { type: "schedule", cron: "0 3 * * *" },
    ];
    const made = triggeredSubscription(definition({ triggers }));
    expect(made).toMatchObject({
      target: { kind: "workflow", workflow: "w" },
      bindings: [
        { kind: "topic", key: "message.received" },
        { kind: "topic", key: "order.*" },
      ],
    });
    expect(isTriggered(made?.id ?? "")).toBe(true);
    // No caller of the API can name it.
    expect(Id.safeParse(made?.id).success).toBe(false);
  });

  test("is none where nothing is to be heard", () => {
    const triggers = [{ type: "webhook", path: "in" }];
    expect(triggeredSubscription(definition({ triggers }))).toBeUndefined();
    expect(triggeredSubscription(definition({}))).toBeUndefined();
    expect(awaitedSubscription([])).toBeUndefined();
  });

  test("of waits takes everything where there are more types than bindings", () => {
    const types = Array.from({ length: BINDINGS_MAX + 1 }, (_, n) => `t${n}`);
    expect(awaitedSubscription(types)?.bindings).toEqual([{ kind: "fanout" }]);
    expect(awaitedSubscription(types.slice(1))?.bindings).toHaveLength(BINDINGS_MAX);
  });

  test("of waits knows the published events of steps, not their signals", () => {
    const steps = [
      { id: "a", type: "event", event: { type: "paid.#" }, next: "b" },
      { id: "b", type: "event", signal: "go", next: "c" },
      { id: "c", type: "event", event: { type: "paid.#", correlation: "input.id" } },
    ];
    expect(awaitableTypes(definition({ steps }))).toEqual(["paid.#"]);
  });
});

describe("an event is the awaited one", () => {
  const wanted = { type: "order.*", correlationId: "o1", sinceMs: 100 };
  const came = { type: "order.paid", correlationId: "o1", atMs: 100 };
  test.each([
    ["of its type, with its correlation, since then", wanted, came, true],
    ["not of another type", wanted, { ...came, type: "order.paid.late" }, false],
    ["not of another correlation", wanted, { ...came, correlationId: "o2" }, false],
    ["not one without", wanted, { ...came, correlationId: undefined }, false],
    [
      "without one where none is wanted",
      { ...wanted, correlationId: undefined },
      { ...came, correlationId: undefined },
      true,
    ],
    ["not one with, where none is wanted", { ...wanted, correlationId: undefined }, came, false],
    ["not from before the run", wanted, { ...came, atMs: 99 }, false],
  ])("%s", (_, one, other, is) => {
    expect(isAwaited(one, other)).toBe(is);
  });
});

describe("schedules of a definition", () => {
  test("are those of its schedule triggers, with what they say of the runs beside them", () => {
    const start = {
      condition: "true",
      input: { at: "{{ event.data.slot }}" },
      correlationId: "'c'",
    };
    const triggers = [
      { type: "event", event: "x" },
      { type: "schedule", cron: "0 3 * * *", timezone: "Europe/Berlin", jitter: "5m", ...start },
      { type: "schedule", cron: "0 4 * * *" },
    ];
    const made = triggerSchedules(definition({ triggers }));
    expect(made.map(({ schedule: { id } }) => id)).toEqual(["wf_w_1", "wf_w_2"]);
    expect(made.map((one) => one.start)).toEqual([start, {}]);
    expect(made[0]?.schedule).toMatchObject({ workflow: "w", jitter_ms: 300_000 });
  });

  test("one that cannot be made is left out", () => {
    const triggers = [
      { type: "schedule", cron: "0 3 * * *", jitter: "2h" },
      { type: "schedule", cron: "0 4 * * *" },
    ];
    expect(triggerSchedules(definition({ triggers })).map(({ schedule: { id } }) => id)).toEqual([
      "wf_w_2",
    ]);
  });

  test("have ids that fit, stay, and are nobody else's", () => {
    const workflow = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
    const place = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(workflow, place, workflow, place, (one, n, other, m) => {
        const id = triggerScheduleId(one, n);
        expect(id.length).toBeLessThanOrEqual(SCHEDULE_ID_CHARS_MAX);
        expect(id.startsWith(TRIGGER_SCHEDULE_PREFIX)).toBe(true);
        expect(Schedule.shape.id.safeParse(id).success).toBe(true);
        expect(triggerScheduleId(other, m) === id).toBe(one === other && n === m);
      }),
    );
  });
});
