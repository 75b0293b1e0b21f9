/** Tasks of a run: comments, people asked anew, and how each ended. */
import { describe, expect, test } from "vitest";
import { TASK_NOTES_MAX } from "../../../../../domain/workflows/run/limits.ts";
import { answerDigest } from "../../../../../domain/workflows/run/task-notes.ts";
import { action, begin, type Game, now, offer, START_MS, send, tick } from "./play.ts";

const ask = (more: object = {}) => [
  { id: "ask", type: "approval", title: "Pay?", assignees: ["ana"], next: "yes", ...more },
  action("yes"),
];
const BY = { by: "boss", via: "key:1" } as const;
const comment = (text: string) => ({ is: "task_commented", task: "ask@1", text, ...BY }) as const;
const give = (...assignees: string[]) =>
  ({ is: "task_reassigned", task: "ask@1", assignees, ...BY }) as const;
const taskOf = (game: Game) => now(game).steps.ask?.task;
const commandsOf = (game: Game, is: string) => game.commands.filter((one) => one.is === is);

describe("notes of a task", () => {
  test("comments are kept in order, and tell nobody's words to the trail", () => {
    const game = begin(ask());
    send(game, comment("call me"));
    send(game, comment("done"));
    expect(taskOf(game)?.notes).toMatchObject([
      { is: "comment", text: "call me", atMs: START_MS, ...BY },
      { is: "comment", text: "done" },
    ]);
    expect(game.audit.filter(({ what }) => what === "task_commented")).toHaveLength(2);
    expect(JSON.stringify(game.audit)).not.toContain("call me");
    expect(game.commands.some(({ is }) => is === "reassign_task")).toBe(false);
  });

  test("a reassigned task is asked of the new people alone, each time anew", () => {
    const game = begin(
      ask({
        escalations: [{ after: 10, assignees: ["head"] }],
        channel: { connection: "c", to: "C1" },
      }),
    );
    tick(game);
    send(game, give("bob"));
    send(game, give("eve", "kim"));
    expect(taskOf(game)).toMatchObject({
      assignees: ["eve", "kim"],
      notes: [
        { assignees: ["bob"], from: ["ana", "head"] },
        { assignees: ["eve", "kim"], from: ["bob"] },
      ],
    });
    expect(taskOf(game)?.escalatedTo).toBeUndefined();
    const keys = commandsOf(game, "reassign_task").map(({ key }) => key);
    expect(keys).toEqual(["reassign ask@1 1", "reassign ask@1 2"]);
  });

  test("are bounded, and only an open task takes them", () => {
    const game = begin(ask());
    for (let n = 0; n < TASK_NOTES_MAX; n++) send(game, comment(`${n}`));
    expect(offer(game, give("bob"))).toEqual({ reason: "too_many_notes", max: TASK_NOTES_MAX });
    expect(offer(game, { ...comment("x"), task: "other@1" })).toMatchObject({
      reason: "unknown_task",
    });
    expect(offer(game, { ...comment("x"), task: "ask@2" })).toMatchObject({
      reason: "task_closed",
    });
    send(game, { is: "task_answered", task: "ask@1", choice: "approve" });
    expect(offer(game, comment("late"))).toMatchObject({ reason: "task_closed" });
  });

  test("what they hold counts, and is given back", () => {
    const game = begin(ask());
    const before = now(game).chars;
    send(game, comment("x".repeat(1000)));
    expect(now(game).chars).toBeGreaterThan(before + 1000);
    send(game, { is: "cancel" });
    expect(now(game).chars).toBeLessThan(before);
  });
});

describe("how a task ended", () => {
  const closing = (game: Game) => commandsOf(game, "close_task")[0];

  test("answered: by whom, by what, and a fingerprint of what was said", () => {
    const game = begin(ask());
    const said = { comment: "ok", form: { b: 1, a: [1, { d: 2, c: 3 }] } };
    const answer = {
      is: "task_answered",
      task: "ask@1",
      choice: "reject",
      ...BY,
      ...said,
    } as const;
    send(game, answer);
    const end = { task: "ask@1", how: "answered", choice: "reject", atMs: START_MS, ...BY };
    expect(now(game).steps.ask?.answered).toEqual({ ...end, digest: answerDigest(answer) });
    expect(closing(game)).toMatchObject({ end, details: { title: "Pay?", assignees: ["ana"] } });
    const turned = { comment: "ok", form: { a: [1, { c: 3, d: 2 }], b: 1 } };
    expect(answerDigest(turned)).toBe(answerDigest(said));
    expect(answerDigest({ ...turned, comment: "no" })).not.toBe(answerDigest(said));
  });

  test.each([
    [{}, undefined],
    [{ onTimeout: { choose: "approve" } }, "approve"],
    [{ onTimeout: { next: "yes" } }, undefined],
  ])("its time ran out with %j", (more, choice) => {
    const game = begin(ask({ timeout: 10, ...more }));
    tick(game);
    const end = {
      task: "ask@1",
      how: "expired",
      atMs: START_MS + 10,
      ...(choice ? { choice } : {}),
    };
    expect(closing(game)).toMatchObject({ end });
    expect(now(game).steps.ask?.answered).toEqual(end);
  });

  test("called off: no end at all", () => {
    const game = begin(ask());
    send(game, { is: "cancel" });
    expect(closing(game)).toMatchObject({ task: "ask@1" });
    expect(closing(game)).not.toHaveProperty("end");
    expect(now(game).steps.ask?.answered).toBeUndefined();
  });
});
