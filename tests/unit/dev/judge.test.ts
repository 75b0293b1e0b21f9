import { describe, expect, test } from "vitest";
import {
  type Effect,
  findMark,
  judge,
  markOf,
  type SentMessage,
} from "../../../dev/crash/judge.ts";
import { seededRandom } from "../../../dev/crash/random.ts";

const NOTHING_LISTED = { uncertain: [], deadLetters: [] };

function sent(number: number, acked = true): SentMessage {
  return { tenant: "acme", conversation: "slack-0", number, acked };
}

function reply(number: number, more: Partial<Effect> = {}): Effect {
  return { tenant: "acme", text: `echo: ${markOf(sent(number))} hello`, ...more };
}

const CLEAN = { lostMarks: [], lost: 0, duplicated: 0, inversions: 0, foreign: 0, examples: [] };

describe("a crash run's verdict", () => {
  test("one reply each, in order, is clean", () => {
    expect(judge([sent(1), sent(2)], [reply(1), reply(2)], NOTHING_LISTED)).toEqual({
      ...CLEAN,
      sent: 2,
      acked: 2,
      effects: 2,
      replies: 2,
      uncertain: 0,
      deadLetters: 0,
    });
  });

  test("an acknowledged message without a reply is lost", () => {
    const verdict = judge([sent(1), sent(2)], [reply(2)], NOTHING_LISTED);
    expect(verdict).toMatchObject({ lost: 1, examples: ["lost [[acme/slack-0:1]]"] });
  });

  test("one listed as uncertain or dead is not lost", () => {
    const listed = { uncertain: [markOf(sent(1))], deadLetters: [markOf(sent(2))] };
    expect(judge([sent(1), sent(2)], [], listed)).toMatchObject({
      ...CLEAN,
      uncertain: 1,
      deadLetters: 1,
    });
  });

  test("an unacknowledged message may have a reply or none", () => {
    expect(judge([sent(1, false), sent(2, false)], [reply(2)], NOTHING_LISTED)).toMatchObject(
      CLEAN,
    );
  });

  test("a second reply is a duplicate, unless the platform saw the same key", () => {
    expect(judge([sent(1)], [reply(1), reply(1)], NOTHING_LISTED)).toMatchObject({ duplicated: 1 });
    const keyed = reply(1, { idempotencyKey: "k" });
    expect(judge([sent(1)], [keyed, keyed], NOTHING_LISTED)).toMatchObject({
      duplicated: 0,
      effects: 1,
    });
    const other = reply(1, { idempotencyKey: "l" });
    expect(judge([sent(1)], [keyed, other], NOTHING_LISTED)).toMatchObject({ duplicated: 1 });
  });

  test("a reply after a later one's is an inversion; its repetition is not another", () => {
    const all = [sent(1), sent(2), sent(3)];
    const verdict = judge(all, [reply(2), reply(1), reply(3), reply(1)], NOTHING_LISTED);
    expect(verdict).toMatchObject({ inversions: 1, duplicated: 1 });
  });

  test("a reply through another tenant's account, or to nothing, is foreign", () => {
    const effects = [reply(1, { tenant: "globex" }), { tenant: "acme", text: "hi" }];
    expect(judge([sent(1)], effects, NOTHING_LISTED)).toMatchObject({ foreign: 2 });
  });
});

test("a mark is found in whatever surrounds it", () => {
  expect(findMark('{"text":"echo: [[acme/slack-0:12]] hello"}')).toBe("[[acme/slack-0:12]]");
  expect(findMark("nothing")).toBeUndefined();
});

test("a seed repeats its sequence, and another gives another", () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => random.int(0, 1000));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(Math.max(...draw(7))).toBeLessThanOrEqual(1000);
});
