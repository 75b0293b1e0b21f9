/** Waits, signals and published events, tasks for people. */
import { describe, expect, test } from "vitest";
import { expressionEvaluator } from "../../../../../domain/workflows/run/evaluator.ts";
import { shownStatus } from "../../../../../domain/workflows/run/state.ts";
import {
  action,
  begin,
  commandOf,
  now,
  offer,
  running,
  START_MS,
  send,
  statuses,
  tick,
} from "./play.ts";

const end = action("end", { with: { got: "{{ steps.w.output }}" } });

describe("wait", () => {
  test.each([
    [{ for: "90s" }, 90_000],
    [{ for: "PT1H30M" }, 5_400_000],
    [{ for: 250 }, 250],
    [{ for: "{{ input.pause }}" }, 60_000],
    [{ for: 'duration("1s") + duration("500ms")' }, 1500],
    [{ until: "2026-01-05T12:00:05Z" }, 5000],
    [{ until: "{{ input.at }}" }, 3_600_000],
  ])("%j ends %i ms later", (how, ms) => {
    const input = { pause: "1m", at: "2026-01-05T14:00:00+01:00" };
    const game = begin([{ id: "w", type: "wait", next: "end", ...how }, end], { input });
    expect(shownStatus(now(game))).toBe("waiting");
    tick(game);
    expect(game.nowMs - START_MS).toBe(ms);
    expect(running(game)).toEqual(["end"]);
  });

  test("a moment that is past waits for nothing; what is no time fails", () => {
    const past = begin([
      { id: "w", type: "wait", until: "2020-01-01T00:00:00Z", next: "end" },
      end,
    ]);
    expect(running(past)).toEqual(["end"]);
    const bad = begin([{ id: "w", type: "wait", for: "input.x", next: "end" }, end], {
      input: { x: "soon" },
    });
    expect(now(bad)).toMatchObject({
      status: "failed",
      ending: { error: { reason: "expression" } },
    });
  });
});

describe("event", () => {
  const signal = (more: object = {}) => [
    { id: "w", type: "event", signal: "paid", next: "end", ...more },
    end,
  ];

  test("a signal leads on, its data is the output", () => {
    const game = begin(signal());
    expect(commandOf(game, "await_event")).toEqual([
      expect.objectContaining({ awaits: { signal: "paid" } }),
    ]);
    send(game, { is: "signal", id: "s1", name: "paid", payload: { sum: 5 } });
    expect(commandOf(game, "run_action").at(-1)?.input).toEqual({ got: { sum: 5 } });
    expect(commandOf(game, "ignore_event")).toHaveLength(1);
  });

  test("what came early is kept, first in first out; one id counts once; what nobody takes is refused", () => {
    const steps = [
      action("first", { next: "w" }),
      { id: "w", type: "event", signal: "paid", next: "v" },
      { id: "v", type: "event", signal: "paid" },
    ];
    const game = begin(steps);
    send(game, { is: "signal", id: "s1", name: "paid", payload: 1 });
    send(game, { is: "signal", id: "s2", name: "paid", payload: 2 });
    const before = JSON.stringify(now(game));
    expect(offer(game, { is: "signal", id: "s1", name: "paid", payload: 1 })).toEqual({
      reason: "duplicate_arrival",
      id: "s1",
    });
    expect(offer(game, { is: "signal", id: "s3", name: "paied", payload: 1 })).toEqual({
      reason: "not_awaited",
    });
    expect(JSON.stringify(now(game))).toBe(before);
    send(game, { is: "step_succeeded", step: "first", attempt: 1, output: null });
    expect([now(game).steps.w?.output, now(game).steps.v?.output]).toEqual([1, 2]);
    expect(now(game)).toMatchObject({ status: "completed", arrivals: [] });
  });

  test("match leaves what does not fit and waits on", () => {
    const game = begin(signal({ match: "event.data.sum > 10.0" }));
    send(game, { is: "signal", id: "s1", name: "paid", payload: { sum: 5 } });
    expect(statuses(game)).toEqual({ w: "waiting" });
    send(game, { is: "signal", id: "s2", name: "paid", payload: { sum: 50 } });
    expect(now(game).steps.w?.output).toEqual({ sum: 50 });
  });

  test.each([
    ["order.*", { type: "order.paid", correlationId: "c1" }, true],
    ["order.*", { type: "order.paid", correlationId: "c2" }, false],
    ["order.*", { type: "order.paid" }, false],
    ["order.#", { type: "order.paid.late", correlationId: "c1" }, true],
  ])("published event, %j takes %j: %j", (type, event, taken) => {
    const game = begin([{ id: "w", type: "event", event: { type }, next: "end" }, end], {
      start: { correlationId: "c1" },
    });
    send(game, { is: "event", id: "e1", payload: 1, ...event });
    expect(running(game)).toEqual(taken ? ["end"] : []);
    expect(now(game).arrivals).toHaveLength(taken ? 0 : 1);
  });

  test("a correlation of its own", () => {
    const event = { type: "order.paid", correlation: "input.order" };
    const game = begin([{ id: "w", type: "event", event, next: "end" }, end], {
      input: { order: "o9" },
    });
    send(game, { is: "event", id: "e1", type: "order.paid", correlationId: "o9", payload: 1 });
    expect(running(game)).toEqual(["end"]);
  });

  test.each([
    [{ timeout: "1h" }, "failed", []],
    [{ timeout: "1h", onTimeout: "late" }, "running", ["late"]],
  ])("nothing comes: %j", (more, status, expected) => {
    const game = begin([...signal(more), action("late")]);
    tick(game);
    expect(now(game).status).toBe(status);
    expect(running(game)).toEqual(expected);
  });

  test("more than a run keeps is refused", () => {
    const game = begin([action("a", { next: "w" }), { id: "w", type: "event", signal: "paid" }]);
    for (let at = 0; at < 100; at++)
      send(game, { is: "signal", id: `${at}`, name: "paid", payload: at });
    expect(offer(game, { is: "signal", id: "x", name: "paid", payload: 0 })).toEqual({
      reason: "too_many_arrivals",
      max: 100,
    });
  });
});

describe("approval", () => {
  const ask = (more: object = {}) => [
    { id: "ask", type: "approval", title: "Pay {{ input.sum }}?", next: "yes", ...more },
    action("yes", { with: "{{ steps.ask.output }}" }),
    action("no"),
    action("other"),
  ];
  const answer = (choice: string, more: object = {}) =>
    ({ is: "task_answered", task: "ask@1", choice, ...more }) as const;

  test("opens a task that is told in full, and goes on with the answer", () => {
    const game = begin(
      ask({ assignees: ["ana"], channel: { connection: "c", to: "{{ input.to }}" } }),
      {
        input: { sum: 5, to: "U1" },
      },
    );
    expect(commandOf(game, "open_task")).toEqual([
      {
        is: "open_task",
        key: "task ask@1",
        task: "ask@1",
        details: {
          id: "ask@1",
          title: "Pay 5?",
          assignees: ["ana"],
          choices: [{ id: "approve" }, { id: "reject" }],
          channel: { connection: "c", to: "U1" },
          openedAtMs: START_MS,
          reminders: 0,
          escalations: 0,
        },
      },
    ]);
    send(game, answer("approve", { by: "ana", comment: "ok", form: { a: 1 } }));
    expect(commandOf(game, "run_action")[0]?.input).toEqual({
      choice: "approve",
      by: "ana",
      at: "2026-01-05T12:00:00.000Z",
      comment: "ok",
      form: { a: 1 },
    });
    expect(commandOf(game, "close_task")).toHaveLength(1);
    expect(offer(game, answer("reject"))).toEqual({ reason: "task_closed", task: "ask@1" });
  });

  test.each([
    [{}, "reject", [], "failed"],
    [{ onReject: "no" }, "reject", ["no"], "running"],
    [{ onError: "no" }, "reject", ["no"], "running"],
    [{ choices: [{ id: "a", next: "other" }, { id: "b" }] }, "a", ["other"], "running"],
    [{ choices: [{ id: "a", next: "other" }, { id: "b" }] }, "b", ["yes"], "running"],
  ])("%j answered %j leads to %j", (more, choice, expected, status) => {
    const game = begin(ask(more), { input: { sum: 1 } });
    send(game, answer(choice));
    expect(running(game)).toEqual(expected);
    expect(now(game).status).toBe(status);
    if (status === "failed")
      expect(now(game).ending).toMatchObject({ error: { reason: "rejected" } });
  });

  test.each([
    [{ timeout: "1h" }, [], "timeout"],
    [{ timeout: "1h", onTimeout: { choose: "approve" } }, ["yes"], undefined],
    [{ timeout: "1h", onTimeout: { choose: "reject" } }, [], "rejected"],
    [{ timeout: "1h", onTimeout: { next: "other" } }, ["other"], undefined],
  ])("nobody answers: %j", (more, expected, reason) => {
    const game = begin(ask(more), { input: { sum: 1 } });
    tick(game);
    expect(running(game)).toEqual(expected);
    const { ending } = now(game);
    expect(ending && "error" in ending ? ending.error.reason : undefined).toBe(reason);
  });

  test("reminds, then asks more people, and closes", () => {
    const more = {
      assignees: "input.people",
      timeout: "3h",
      reminders: ["1h"],
      escalations: [{ after: "2h", assignees: ["boss", "ana"] }],
    };
    const game = begin(ask(more), { input: { sum: 1, people: ["ana"] } });
    tick(game);
    expect(commandOf(game, "remind_task")).toHaveLength(1);
    tick(game);
    expect(commandOf(game, "escalate_task")[0]?.details).toMatchObject({
      assignees: ["ana"],
      escalatedTo: ["boss", "ana"],
    });
    tick(game);
    expect(now(game).ending).toMatchObject({ error: { reason: "timeout" } });
    expect(now(game).timers).toEqual({});
  });

  test("unknown choices and forms that do not fit are refused and change nothing", () => {
    const evaluator = { ...expressionEvaluator, formFaults: () => ["#/sum: required"] };
    const game = begin(ask({ form: { type: "object" } }), { input: { sum: 1 }, evaluator });
    expect(offer(game, answer("maybe"))).toEqual({
      reason: "unknown_choice",
      choices: ["approve", "reject"],
    });
    expect(offer(game, answer("approve"))).toEqual({
      reason: "form_mismatch",
      faults: ["#/sum: required"],
    });
    expect(statuses(game)).toEqual({ ask: "waiting" });
  });
});
