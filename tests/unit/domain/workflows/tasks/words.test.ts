/** What people are told about a task. */
import { describe, expect, test } from "vitest";
import {
  endText,
  labelOf,
  outcomeText,
  questionText,
  refusalText,
  thanksText,
} from "../../../../../domain/workflows/tasks/words.ts";

const AT = Date.UTC(2026, 10, 21, 9, 5, 59);
const CHOICES = [{ id: "approve" }, { id: "send-back", label: "Send it back" }];
const TASK = {
  title: "Ship\nit?",
  text: "Order 7",
  assignees: ["ana"],
  choices: CHOICES,
  dueAtMs: AT,
};
const end = (more: object = {}) => ({ task: "ask@1", how: "answered" as const, atMs: AT, ...more });

describe("a question", () => {
  test("has everything that is needed to answer it", () => {
    expect(questionText(TASK, "opened", false)).toBe(
      "**Ship it?**\n\nOrder 7\n\nAsked: ana\n\nUntil 2026-11-21 09:05 UTC.",
    );
    expect(questionText(TASK, "reminded", true)).toMatch(
      /^Reminder: .+\n\nAnswer with a number or its words, for example 1 or Approve\.$/s,
    );
  });

  test("stays short whatever its definition holds", () => {
    const long = { ...TASK, text: "x".repeat(50_000), assignees: Array(60).fill("somebody") };
    const people = { ...long, assignees: long.assignees.map((name, at) => `${name}-${at}`) };
    const text = questionText(people, "escalated", true);
    expect(text.length).toBeLessThan(2600);
    expect(text).toContain("and 50 more");
    expect(labelOf({ id: "a", label: "y".repeat(200) })).toHaveLength(75);
  });
});

describe("an end", () => {
  test.each([
    [undefined, "No answer is needed any more."],
    [end({ choice: "approve", by: "ana" }), "Answered: Approve by ana at 2026-11-21 09:05 UTC."],
    [end({ how: "expired" }), "Its time ran out at 2026-11-21 09:05 UTC."],
    [
      end({ how: "expired", choice: "send-back" }),
      "Its time ran out at 2026-11-21 09:05 UTC. Decided: Send it back.",
    ],
  ])("%j reads %j", (how, text) => {
    expect(endText(CHOICES, how)).toBe(text);
    expect(outcomeText(TASK, how)).toBe(`**Ship it?**\n\n${text}`);
    expect(refusalText({ is: "late", choices: CHOICES, end: how })).toBe(
      `Too late, thank you. ${text}`,
    );
  });

  test("thanks name the choice, questions back name the questions", () => {
    expect(thanksText(CHOICES, "send-back")).toBe("Noted: Send it back.");
    expect(refusalText({ is: "ambiguous", titles: ["One?", "Two?"] })).toContain("- One?\n- Two?");
  });
});
