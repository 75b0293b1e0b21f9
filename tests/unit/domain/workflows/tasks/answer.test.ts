/** Which messages are answers to a task, and which go their usual way. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnswerMessage, readAnswer } from "../../../../../domain/workflows/tasks/answer.ts";
import { askedName, channelNames } from "../../../../../domain/workflows/tasks/people.ts";
import type { TaskAsk } from "../../../../../schema/conversation.ts";

const RUN = `run_${"a".repeat(26)}`;
const ASK: TaskAsk = {
  ...{ run: RUN, task: "ask@1", title: "Ship it?", messages: [] },
  choices: [{ id: "approve" }, { id: "send-back", label: "Send it back" }],
  assignees: ["U0ANA", "+55 (11) 97777-0001"],
};
const said = (text: string, more: Partial<AnswerMessage> = {}): AnswerMessage => ({
  ...{ kind: "message", text, metadata: {}, names: ["U0ANA"] },
  ...more,
});

describe("a text is an answer", () => {
  test.each([
    ["1", "approve"],
    ["2", "send-back"],
    ["2.", "send-back"],
    ["approve", "approve"],
    ["  APPROVE! ", "approve"],
    ["*approve*", "approve"],
    ["send-back", "send-back"],
    ["Send it back", "send-back"],
  ])("%j means %s", (text, choice) => {
    const reading = readAnswer(said(text), [ASK]);
    expect(reading).toEqual({ is: "reply", candidates: [{ ask: ASK, choice }] });
  });

  test("with a comment behind a colon", () => {
    const candidates = [{ ask: ASK, choice: "send-back" }];
    const reading = readAnswer(said("2: too dear: try again"), [ASK]);
    expect(reading).toEqual({ is: "reply", candidates, comment: "too dear: try again" });
    expect(readAnswer(said("2:"), [ASK])).toEqual({ is: "reply", candidates });
  });

  test.each(["", " ", "0", "3", "12", "1 more thing", "approve it", "why?", "a: b", ":", "9:1"])(
    "%j is none",
    (text) => expect(readAnswer(said(text), [ASK])).toBeUndefined(),
  );

  test.each(["edit", "delete", "reaction", "command", "interaction"])(
    "none of kind %s is",
    (kind) => {
      expect(readAnswer(said("1", { kind }), [ASK])).toBeUndefined();
    },
  );

  test("none of somebody who is not asked is", () => {
    expect(readAnswer(said("1", { names: ["U0EVE"] }), [ASK])).toBeUndefined();
    expect(readAnswer(said("1", { names: ["5511977770001@s.whatsapp.net"] }), [ASK])).toBeDefined();
  });

  test("of several questions each that it fits, and that its author is asked", () => {
    const other = { ...ASK, task: "other@1", choices: [{ id: "keep" }, { id: "approve" }] };
    const theirs = { ...ASK, task: "theirs@1", assignees: ["U0BOB"] };
    const asks = [ASK, other, theirs];
    const found = (text: string) => {
      const reading = readAnswer(said(text), asks);
      return reading?.is === "reply"
        ? reading.candidates.map(({ ask, choice }) => `${ask.task} ${choice}`)
        : [];
    };
    expect(found("approve")).toEqual(["ask@1 approve", "other@1 approve"]);
    expect(found("keep")).toEqual(["other@1 keep"]);
    expect(found("1")).toEqual(["ask@1 approve", "other@1 keep"]);
  });

  test("without questions nothing is, and no text breaks it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 3000 }), (text) => {
        expect(readAnswer(said(text))).toBeUndefined();
        readAnswer(said(text), [ASK]);
      }),
    );
  });
});

describe("who is asked", () => {
  test("anybody, where nobody is named; else by any of their names", () => {
    expect(askedName({}, ["U1"])).toBe("U1");
    expect(askedName({ assignees: ["ana"] }, ["ANA"])).toBe("ana");
    expect(askedName({ assignees: ["ana"], escalatedTo: ["bob"] }, ["bob"])).toBe("bob");
    expect(askedName({ assignees: ["ana"] }, ["bob"])).toBeUndefined();
  });

  test("on a channel with the connection before the name too", () => {
    const names = channelNames("team", { id: "U1", aliases: ["ana"] }, ["+1 555 0100 200"]);
    expect(askedName({ assignees: ["team:U1"] }, names)).toBe("team:U1");
    expect(askedName({ assignees: ["other:U1"] }, names)).toBeUndefined();
    expect(askedName({ assignees: ["15550100200"] }, names)).toBe("15550100200");
  });
});
