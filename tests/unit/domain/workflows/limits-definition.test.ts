/** Every limit on what a definition or a call may say: taken at the limit, refused one above it with the documented answer. */
import { describe, expect, test } from "vitest";
import { DEFINITION_CHARS_MAX } from "../../../../domain/workflows/definition/limits.ts";
import { loadDefinition } from "../../../../domain/workflows/definition/load.ts";
import { CreateSchedule, NEXT_SLOTS_MAX, NextQuery } from "../../../../schema/api/schedules.ts";
import { CommentTask, ReassignTask, TASK_COMMENT_CHARS_MAX } from "../../../../schema/api/tasks.ts";
import { ROLLOUT_KEYS_MAX, RolloutBody } from "../../../../schema/api/workflows.ts";
import { CATCH_UP_MS_MAX, INTERVAL_MS_MIN, JITTER_MS_MAX } from "../../../../schema/schedule.ts";
import { STEPS_MAX, TRIGGERS_MAX } from "../../../../schema/workflow.ts";
import {
  ASSIGNEES_MAX,
  BRANCHES_MAX,
  CHOICES_MAX,
  LOOP_ROUNDS_MAX,
  REMINDERS_MAX,
} from "../../../../schema/workflow-step.ts";
import { EXPRESSION_CHARS_MAX, STEP_ATTEMPTS_MAX } from "../../../../schema/workflow-value.ts";
import { action, documentOf } from "./definition/samples.ts";

const of = <T>(count: number, one: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => one(at));
const chain = (count: number) =>
  of(count, (at) => action(`s${at}`, at + 1 < count ? { next: `s${at + 1}` } : {}));
const ask = (more: object) => documentOf([{ id: "ask", type: "approval", title: "Pay?", ...more }]);
const hook = (at: number) => ({ type: "webhook", path: `p${at}` });
const cron = (more: object) =>
  documentOf([action("a")], { triggers: [{ type: "schedule", cron: "0 6 * * 1", ...more }] });
const fork = (count: number) => [
  { id: "p", type: "parallel", next: of(count, (at) => `b${at}`) },
  ...of(count, (at) => action(`b${at}`)),
];

const CASES: readonly (readonly [
  name: string,
  max: number,
  (n: number) => object,
  path: RegExp,
])[] = [
  ["STEPS_MAX", STEPS_MAX, (n) => documentOf(chain(n)), /^steps/],
  [
    "TRIGGERS_MAX",
    TRIGGERS_MAX,
    (n) => documentOf([action("a")], { triggers: of(n, hook) }),
    /^triggers/,
  ],
  ["BRANCHES_MAX", BRANCHES_MAX, (n) => documentOf(fork(n)), /^steps\[0\]\.next/],
  [
    "LOOP_ROUNDS_MAX",
    LOOP_ROUNDS_MAX,
    (times) => documentOf([{ id: "l", type: "loop", times, do: "a" }, action("a")]),
    /^steps\[0\]\.times/,
  ],
  [
    "STEP_ATTEMPTS_MAX",
    STEP_ATTEMPTS_MAX,
    (attempts) => documentOf([action("a", { retry: { attempts } })]),
    /^steps\[0\]\.retry\.attempts/,
  ],
  [
    "EXPRESSION_CHARS_MAX",
    EXPRESSION_CHARS_MAX,
    (n) => documentOf([action("a", { condition: `size("${"x".repeat(n - 12)}") > 0` })]),
    /^steps\[0\]\.condition/,
  ],
  [
    "CHOICES_MAX",
    CHOICES_MAX,
    (n) => ask({ choices: of(n, (at) => ({ id: `c${at}` })) }),
    /choices/,
  ],
  ["ASSIGNEES_MAX", ASSIGNEES_MAX, (n) => ask({ assignees: of(n, (at) => `p${at}`) }), /assignees/],
  ["REMINDERS_MAX", REMINDERS_MAX, (n) => ask({ reminders: of(n, (at) => at + 1) }), /reminders/],
  [
    "REMINDERS_MAX, of escalations",
    REMINDERS_MAX,
    (n) => ask({ escalations: of(n, (at) => ({ after: at + 1, assignees: ["x"] })) }),
    /escalations/,
  ],
  ["CATCH_UP_MS_MAX", CATCH_UP_MS_MAX, (catchUp) => cron({ catchUp }), /catchUp/],
  ["JITTER_MS_MAX", JITTER_MS_MAX, (jitter) => cron({ jitter }), /jitter/],
  [
    "DEFINITION_CHARS_MAX",
    DEFINITION_CHARS_MAX,
    (n) => {
      const empty = JSON.stringify(documentOf([action("a", { with: "" })])).length;
      return documentOf([action("a", { with: "x".repeat(n - empty) })]);
    },
    /^$/,
  ],
];

describe("a definition", () => {
  test.each(CASES)(
    "at %s is taken, one above it has a fault at its place",
    (_, max, make, place) => {
      const load = (n: number) => loadDefinition(JSON.stringify(make(n)));
      const at = load(max);
      expect(at.ok ? [] : at.failure).toEqual([]);
      const above = load(max + 1);
      const faults = above.ok ? [] : above.failure;
      expect(faults.map(({ path }) => path)).toContainEqual(expect.stringMatching(place));
    },
  );
});

const schedule = (more: object) => ({
  ...{ id: "s", workflow: "w", timing: { kind: "cron", cron: "0 6 * * *" } },
  ...more,
});
interface Shape {
  safeParse(value: unknown): { readonly success: boolean };
}

const CALLS: readonly (readonly [
  string,
  Shape,
  (n: number) => unknown,
  at: number,
  beyond: number,
])[] = [
  ["NEXT_SLOTS_MAX", NextQuery, (count) => ({ count }), NEXT_SLOTS_MAX, NEXT_SLOTS_MAX + 1],
  [
    "TASK_COMMENT_CHARS_MAX",
    CommentTask,
    (n) => ({ text: "x".repeat(n) }),
    ...([TASK_COMMENT_CHARS_MAX, TASK_COMMENT_CHARS_MAX + 1] as const),
  ],
  [
    "ASSIGNEES_MAX",
    ReassignTask,
    (n) => ({ assignees: of(n, (at) => `p${at}`) }),
    ...([ASSIGNEES_MAX, ASSIGNEES_MAX + 1] as const),
  ],
  [
    "ROLLOUT_KEYS_MAX",
    RolloutBody,
    (n) => ({ version: "1.0.0", keys: of(n, (at) => `k${at}`) }),
    ...([ROLLOUT_KEYS_MAX, ROLLOUT_KEYS_MAX + 1] as const),
  ],
  [
    "INTERVAL_MS_MIN",
    CreateSchedule,
    (every_ms) => schedule({ timing: { kind: "interval", every_ms } }),
    ...([INTERVAL_MS_MIN, INTERVAL_MS_MIN - 1] as const),
  ],
  [
    "CATCH_UP_MS_MAX",
    CreateSchedule,
    (window_ms) => schedule({ missed: { policy: "all", window_ms } }),
    ...([CATCH_UP_MS_MAX, CATCH_UP_MS_MAX + 1] as const),
  ],
  [
    "JITTER_MS_MAX",
    CreateSchedule,
    (jitter_ms) => schedule({ jitter_ms }),
    ...([JITTER_MS_MAX, JITTER_MS_MAX + 1] as const),
  ],
];

describe("a call", () => {
  // What does not fit its schema is 400 validation_failed, whatever the route (tests/integration/api).
  test.each(CALLS)("at %s is taken, beyond it refused", (_, shape, make, at, beyond) => {
    expect(shape.safeParse(make(at)).success).toBe(true);
    expect(shape.safeParse(make(beyond)).success).toBe(false);
  });
});
