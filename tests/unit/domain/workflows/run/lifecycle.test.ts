/** Cancelling, pausing, going on again from a step. */
import { describe, expect, test } from "vitest";
import {
  action,
  begin,
  commandOf,
  done,
  failed,
  now,
  offer,
  running,
  send,
  statuses,
  tick,
  undoFailed,
  undone,
} from "./play.ts";

const undo = (id: string, more: object = {}) => action(`undo-${id}`, more);
const saga = (more: object = {}) =>
  [
    [
      action("a", { next: "b", with: { n: 1 } }),
      action("b", { next: "c" }),
      action("c"),
      undo("a"),
      undo("b", { retry: { attempts: 2, backoff: 1000, jitter: "none" } }),
      undo("c"),
    ],
    { more: { compensation: { a: "undo-a", b: "undo-b", c: "undo-c" }, ...more } },
  ] as const;

function failedAtC(more: object = {}) {
  const game = begin(...saga(more));
  done(game, "a", "A");
  done(game, "b", "B");
  failed(game, "c", "boom");
  return game;
}

describe("cancel", () => {
  test("what runs settles first and is undone with the rest", () => {
    const game = begin(...saga());
    done(game, "a");
    send(game, { is: "cancel", reason: "customer asked" });
    expect(offer(game, { is: "cancel" })).toEqual({ reason: "already_ending" });
    expect(now(game).status).toBe("running");
    done(game, "b");
    expect(running(game)).toEqual(["undo b"]);
    undone(game, "b");
    undone(game, "a");
    expect(now(game)).toMatchObject({
      status: "cancelled",
      ending: { error: { reason: "cancelled" } },
    });
    expect(JSON.stringify(game.audit)).not.toContain("customer");
  });

  test("without compensation everything stays as it is; waits and waits for retries end at once", () => {
    const steps = [
      { id: "p", type: "parallel", next: ["w", "s", "t", "r", "l"] },
      { id: "w", type: "wait", for: "1h" },
      { id: "s", type: "event", signal: "x" },
      { id: "t", type: "approval", title: "?" },
      action("r", { retry: { attempts: 2 } }),
      { id: "l", type: "loop", times: 2, every: "1h", do: "body" },
      action("body"),
    ];
    const game = begin(steps);
    failed(game, "r");
    done(game, "body[0]");
    send(game, { is: "cancel", compensate: false });
    expect(now(game).status).toBe("cancelled");
    expect(now(game).timers).toEqual({});
    expect(commandOf(game, "close_task")).toHaveLength(1);
    expect(new Set(Object.values(statuses(game)))).toEqual(new Set(["cancelled", "succeeded"]));
  });

  test("what fails while the run is being cancelled is not tried again", () => {
    const game = begin([action("a", { retry: { attempts: 5 } })]);
    send(game, { is: "cancel" });
    failed(game, "a");
    expect(now(game)).toMatchObject({ status: "cancelled", timers: {} });
  });

  test("a failed undo of a cancelled run is compensation_failed", () => {
    const game = begin(...saga());
    done(game, "a");
    send(game, { is: "cancel" });
    failed(game, "b");
    undoFailed(game, "a");
    expect(now(game).status).toBe("compensation_failed");
  });
});

describe("pause and resume", () => {
  test("nothing begins; what runs is taken", () => {
    const game = begin(...saga());
    send(game, { is: "pause" });
    expect(offer(game, { is: "pause" })).toEqual({ reason: "already_paused" });
    done(game, "a");
    expect(running(game)).toEqual([]);
    send(game, { is: "resume" });
    expect(running(game)).toEqual(["b"]);
  });

  test("waits for a retry go on, the attempt waits; undoing waits; the run's own time waits", () => {
    const game = begin([action("a", { retry: { attempts: 2, jitter: "none" } }), undo("a")], {
      more: { compensation: { a: "undo-a" }, timeout: "1h" },
    });
    failed(game, "a");
    send(game, { is: "pause" });
    tick(game);
    expect(running(game)).toEqual([]);
    expect(tick(game)).toBe("run");
    expect(now(game)).toMatchObject({ status: "running", expired: true });
    send(game, { is: "resume" });
    expect(now(game)).toMatchObject({ status: "failed", ending: { error: { reason: "timeout" } } });
    const again = failedAtC();
    send(again, { is: "pause" });
    undone(again, "b");
    expect(running(again)).toEqual([]);
    send(again, { is: "resume" });
    expect(running(again)).toEqual(["undo a"]);
  });

  test("the attempt begins when it is resumed", () => {
    const game = begin([action("a", { retry: { attempts: 2, jitter: "none" } })]);
    failed(game, "a");
    send(game, { is: "pause" });
    tick(game);
    send(game, { is: "resume" });
    expect(commandOf(game, "run_action").map(({ attempt }) => attempt)).toEqual([1, 2]);
  });
});

describe("retry from a step", () => {
  test("the step that failed goes on under its key, with further attempts", () => {
    const game = begin([action("a", { next: "b" }), action("b", { next: "c" }), action("c")]);
    done(game, "a", 1);
    failed(game, "b");
    send(game, { is: "retry_from", step: "b" });
    expect(commandOf(game, "run_action").at(-1)).toMatchObject({
      attempt: 2,
      idempotencyKey: "r1/b/0",
    });
    done(game, "b");
    done(game, "c");
    expect(now(game).status).toBe("completed");
    expect(offer(game, { is: "retry_from", step: "b" })).toEqual({ reason: "nothing_to_retry" });
  });

  test("it has all its attempts again", () => {
    const game = begin([action("a", { retry: { attempts: 2, jitter: "none" } })]);
    failed(game, "a");
    tick(game);
    failed(game, "a");
    send(game, { is: "retry_from", step: "a" });
    failed(game, "a");
    expect(tick(game)).toBe("retry a 4");
    done(game, "a");
    expect(now(game).status).toBe("completed");
  });

  test("an earlier step is a new visit with a key of its own; later ones too", () => {
    const game = begin([action("a", { next: "b" }), action("b", { next: "c" }), action("c")]);
    done(game, "a");
    done(game, "b");
    failed(game, "c");
    send(game, { is: "retry_from", step: "a" });
    expect(running(game)).toEqual(["a#2"]);
    done(game, "a#2");
    done(game, "b#2");
    expect(commandOf(game, "run_action").at(-1)?.idempotencyKey).toBe("r1/c/0#2");
  });

  test("with an output the step counts as done", () => {
    const game = begin([action("a", { next: "b" }), action("b", { with: "{{ steps.a.output }}" })]);
    failed(game, "a");
    send(game, { is: "retry_from", step: "a", output: { by: "hand" } });
    expect(commandOf(game, "run_action").at(-1)).toMatchObject({
      step: "b",
      input: { by: "hand" },
    });
  });

  test("refused where steps before it were undone; not from the first of them", () => {
    const game = failedAtC();
    undone(game, "b");
    undone(game, "a");
    expect(offer(game, { is: "retry_from", step: "c" })).toEqual({
      reason: "steps_undone",
      steps: ["b", "a"],
    });
    expect(offer(game, { is: "retry_from", step: "nope" })?.reason).toBe("unknown_step");
    send(game, { is: "retry_from", step: "a" });
    expect(running(game)).toEqual(["a#2"]);
    expect(now(game).undos).toEqual([]);
  });

  test("of a parallel step the branches that failed go on, also deep within", () => {
    const steps = [
      { id: "p", type: "parallel", next: ["x", "m"], join: "end" },
      action("x"),
      { id: "m", type: "map", each: "[1, 2]", do: "i" },
      action("i", { next: "j" }),
      action("j"),
      action("end", { with: "{{ steps.p.output }}" }),
    ];
    const game = begin(steps);
    done(game, "x", "X");
    done(game, "i[0]");
    done(game, "j[0]", "J0");
    done(game, "i[1]");
    failed(game, "j[1]");
    expect(now(game).status).toBe("failed");
    send(game, { is: "retry_from", step: "j[1]" });
    expect(running(game)).toEqual(["j[1]"]);
    done(game, "j[1]", "J1");
    expect(commandOf(game, "run_action").at(-1)).toMatchObject({
      step: "end",
      input: { x: "X", m: ["J0", "J1"] },
    });
  });

  test("a member of a step that succeeded is over; where members were undone the whole step runs anew", () => {
    const steps = [
      { id: "p", type: "parallel", next: ["x", "y"], join: "end" },
      action("x"),
      action("y"),
      action("end"),
      undo("x"),
    ];
    const after = begin(steps);
    done(after, "x");
    done(after, "y");
    failed(after, "end");
    expect(offer(after, { is: "retry_from", step: "x" })).toEqual({
      reason: "wrong_kind",
      step: "x",
    });
    const game = begin(steps, { more: { compensation: { x: "undo-x" } } });
    done(game, "x");
    failed(game, "y");
    undone(game, "x");
    send(game, { is: "retry_from", step: "p" });
    expect(running(game)).toEqual(["x#2", "y#2"]);
    done(game, "x#2");
    done(game, "y#2");
    expect(running(game)).toEqual(["end"]);
  });

  test("a cancelled run goes on where it stood", () => {
    const game = begin([{ id: "ask", type: "approval", title: "?", next: "b" }, action("b")]);
    send(game, { is: "cancel" });
    send(game, { is: "retry_from", step: "ask" });
    const old = { is: "task_answered", task: "ask@1", choice: "approve" } as const;
    expect(offer(game, old)).toEqual({ reason: "task_closed", task: "ask@1" });
    send(game, { ...old, task: "ask@2" });
    expect(running(game)).toEqual(["b"]);
  });
});
