/** Undoing what was done. */
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

describe("compensation", () => {
  test("completed steps only, the last completed first, one after the other, told what was done", () => {
    const game = failedAtC();
    expect(now(game).status).toBe("compensating");
    expect(running(game)).toEqual(["undo b"]);
    undone(game, "b");
    expect(running(game)).toEqual(["undo a"]);
    expect(commandOf(game, "compensate")[1]).toMatchObject({
      action: "do.undo-a",
      input: { step: "a", input: { n: 1 }, output: "A", error: { code: "boom", message: "boom" } },
      idempotencyKey: "r1/undo-a/undo:a",
    });
    undone(game, "a");
    expect(now(game)).toMatchObject({
      status: "compensated",
      ending: { error: { reason: "boom" } },
    });
  });

  test("nothing to undo: failed", () => {
    const game = begin(...saga());
    failed(game, "a");
    expect(now(game)).toMatchObject({ status: "failed", undos: [] });
  });

  test("an undo that fails is tried again, recorded, and does not stop the older ones; people run it again", () => {
    const game = failedAtC();
    undoFailed(game, "b");
    expect(running(game)).toEqual([]);
    expect(tick(game)).toBe("undo_retry b 2");
    undoFailed(game, "b", "still");
    undone(game, "a");
    expect(now(game).status).toBe("compensation_failed");
    expect(now(game).undos).toMatchObject([
      { key: "b", status: "failed", error: { reason: "still" } },
      { key: "a", status: "succeeded" },
    ]);
    send(game, { is: "retry_compensation" });
    expect(running(game)).toEqual(["undo b"]);
    expect(commandOf(game, "compensate").at(-1)).toMatchObject({
      attempt: 3,
      idempotencyKey: "r1/undo-b/undo:b",
    });
    undone(game, "b");
    expect(now(game).status).toBe("compensated");
    expect(offer(game, { is: "retry_compensation" })).toEqual({ reason: "nothing_to_retry" });
  });

  test("an undo without an answer is over time; a late or repeated answer is refused", () => {
    const game = failedAtC();
    undone(game, "b");
    expect(offer(game, { is: "compensation_succeeded", step: "b", attempt: 1 })?.reason).toBe(
      "stale_step",
    );
    tick(game);
    expect(now(game)).toMatchObject({
      status: "compensation_failed",
      undos: [{}, { error: { reason: "timeout" } }],
    });
  });

  test("an undo's own mapping and condition see what is undone", () => {
    const steps = [
      action("a", { next: "b" }),
      action("b", { next: "c" }),
      action("c"),
      undo("a", { with: { id: "{{ undo.output.id }}", why: "{{ undo.error.code }}" } }),
      undo("b", { condition: "undo.output.booked" }),
    ];
    const game = begin(steps, { more: { compensation: { a: "undo-a", b: "undo-b" } } });
    done(game, "a", { id: 7 });
    done(game, "b", { booked: false });
    failed(game, "c");
    expect(now(game).undos[0]).toMatchObject({ key: "b", status: "skipped", reason: "condition" });
    expect(commandOf(game, "compensate")[0]?.input).toEqual({ id: 7, why: "boom" });
  });

  test("reverse order of completion over branches and items", () => {
    const steps = [
      { id: "p", type: "parallel", next: ["x", "m"], join: "end" },
      action("x"),
      { id: "m", type: "map", each: "[1, 2, 3]", do: "i" },
      action("i"),
      action("end"),
      undo("x"),
      undo("i"),
    ];
    const game = begin(steps, { more: { compensation: { x: "undo-x", i: "undo-i" } } });
    for (const key of ["i[1]", "x", "i[2]", "i[0]"]) done(game, key, key);
    failed(game, "end");
    const order: string[] = [];
    for (let left = 4; left > 0; left--) {
      const [next = ""] = running(game);
      order.push(next);
      undone(game, next.slice(5));
    }
    expect(order).toEqual(["undo i[0]", "undo i[2]", "undo x", "undo i[1]"]);
    expect(commandOf(game, "compensate")[0]?.input).toMatchObject({ output: "i[0]" });
    expect(now(game).status).toBe("compensated");
  });

  test("what ran through onError since is not run again", () => {
    const steps = [action("a", { next: "b" }), action("b", { onError: "undo-a" }), undo("a")];
    const game = begin(steps, { more: { compensation: { a: "undo-a" } } });
    done(game, "a");
    failed(game, "b");
    done(game, "undo-a");
    expect(commandOf(game, "compensate")).toEqual([]);
    expect(now(game)).toMatchObject({
      status: "compensated",
      undos: [{ status: "skipped", reason: "already_run" }],
    });
  });

  test("what ran through onError before, or in another round, is run again", () => {
    const steps = [
      { id: "p", type: "parallel", next: ["a", "b"] },
      action("a"),
      action("b", { onError: "undo-a" }),
      undo("a"),
    ];
    const game = begin(steps, { more: { compensation: { a: "undo-a" } } });
    failed(game, "b");
    done(game, "undo-a");
    done(game, "a");
    expect(running(game)).toEqual(["undo a"]);
    const body = [
      { id: "m", type: "map", each: "[0, 1]", do: "x", next: "end" },
      action("x", { next: "y" }),
      action("y", { onError: "undo-x" }),
      undo("x"),
      action("end"),
    ];
    const rounds = begin(body, { more: { compensation: { x: "undo-x" } } });
    done(rounds, "x[0]");
    done(rounds, "x[1]");
    failed(rounds, "y[0]");
    done(rounds, "undo-x[0]");
    done(rounds, "y[1]");
    expect(now(rounds).undos).toMatchObject([
      { key: "x[1]", status: "running" },
      { key: "x[0]", status: "skipped", reason: "already_run" },
    ]);
  });

  test("a step of unknown outcome is listed and left to people", () => {
    const game = begin(...saga());
    done(game, "a");
    tick(game);
    expect(now(game).undos).toMatchObject([
      { key: "b", status: "skipped", reason: "outcome_unknown" },
      { key: "a", status: "running" },
    ]);
  });

  test("onFailure runs last, sees the failure, and changes no outcome", () => {
    const game = begin(
      [
        action("a"),
        action("tell", {
          with: { why: "{{ error.code }}", at: "{{ error.step }}" },
          next: "tell-2",
        }),
        action("tell-2"),
      ],
      { more: { onFailure: "tell" } },
    );
    failed(game, "a", "boom");
    expect(commandOf(game, "run_action").at(-1)?.input).toEqual({ why: "boom", at: "a" });
    done(game, "tell");
    failed(game, "tell-2", "other");
    expect(now(game)).toMatchObject({ status: "failed", ending: { error: { reason: "boom" } } });
  });

  test("undos that are run again have all their attempts again, and onFailure runs once", () => {
    const game = failedAtC({ onFailure: "c" });
    undoFailed(game, "b");
    tick(game);
    undoFailed(game, "b");
    undone(game, "a");
    done(game, "c#2");
    send(game, { is: "retry_compensation" });
    undoFailed(game, "b");
    expect(tick(game)).toBe("undo_retry b 4");
    undone(game, "b");
    expect(now(game).status).toBe("compensated");
    expect(commandOf(game, "run_action").filter(({ id }) => id === "c")).toHaveLength(2);
  });

  test("an undo that is no action is recorded as failed", () => {
    const steps = [
      action("a", { next: "b" }),
      action("b"),
      { id: "u", type: "set", values: { n: 1 } },
    ];
    const game = begin(steps, { more: { compensation: { a: "u" } } });
    done(game, "a");
    failed(game, "b");
    expect(now(game)).toMatchObject({
      status: "compensation_failed",
      undos: [{ error: { reason: "undo_is_no_action" } }],
    });
  });
});
