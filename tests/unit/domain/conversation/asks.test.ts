/** Questions open in a conversation: kept with its settings, heard whatever its policy drops. */
import { describe, expect, test } from "vitest";
import { accept } from "../../../../domain/conversation/accept.ts";
import {
  closeAsk,
  isTaskAnswer,
  openAsk,
  overrideWith,
} from "../../../../domain/conversation/asks.ts";
import { pause } from "../../../../domain/conversation/operator.ts";
import { type ConversationState, emptyState } from "../../../../domain/conversation/state.ts";
import type { TaskAsk } from "../../../../schema/conversation.ts";
import { aMessage, CONFIG } from "../../../support/conversation.ts";

const ask = (task: string, messages: readonly string[] = []): TaskAsk => ({
  ...{ run: "run_1", task, title: task, messages },
  choices: [{ id: "approve" }, { id: "reject" }],
});
const begun = (): ConversationState => ({ ...emptyState(0), config: CONFIG });
const asksOf = ({ flow }: ConversationState) => flow.override.asks ?? [];
const say = (text: string) =>
  aMessage({ eventKey: text, content: { text, media: [], metadata: {} } });

describe("questions", () => {
  test("are opened once, remember their messages, and are closed", () => {
    let state = openAsk(begun(), ask("a@1", ["msg_1"])).state;
    state = openAsk(state, ask("b@1")).state;
    state = openAsk(state, ask("a@1", ["msg_1"])).state;
    state = openAsk(state, ask("a@1", ["msg_2"])).state;
    expect(asksOf(state).map(({ task }) => task)).toEqual(["b@1", "a@1"]);
    expect(asksOf(state)[1]?.messages).toEqual(["msg_1", "msg_2"]);
    state = closeAsk(state, { run: "run_1", task: "a@1" }).state;
    expect(closeAsk(state, { run: "run_1", task: "a@1" }).writes).toEqual([]);
    state = closeAsk(state, { run: "run_1", task: "b@1" }).state;
    expect(state.flow.override).toEqual({});
  });

  test("stay beside the settings of operators", () => {
    const asked = openAsk(begun(), ask("a@1")).state;
    const set = overrideWith(asked, { policy: { kind: "drop" } }).state;
    expect(set.flow.override).toMatchObject({ policy: { kind: "drop" }, asks: [{ task: "a@1" }] });
    const cleared = overrideWith(set, {}).state;
    expect(cleared.flow.override).toMatchObject({ asks: [{ task: "a@1" }] });
    expect(cleared.flow.override.policy).toBeUndefined();
  });

  test("are bounded: the oldest gives way", () => {
    let state = begun();
    for (let n = 0; n < 25; n++) state = openAsk(state, ask(`a${n}@1`)).state;
    expect(asksOf(state)).toHaveLength(20);
    expect(asksOf(state)[0]?.task).toBe("a5@1");
  });

  test("tell answers from other messages", () => {
    const state = openAsk(begun(), ask("a@1")).state;
    expect(isTaskAnswer(state, say("approve"))).toBe(true);
    expect(isTaskAnswer(state, say("hello"))).toBe(false);
    expect(isTaskAnswer(begun(), say("approve"))).toBe(false);
  });

  test.each([
    ["approve", true, []],
    ["hello", false, [{ id: expect.any(String), reason: "paused" }]],
  ])("%j is heard while a person has the conversation: %j", (text, heard, dropped) => {
    const paused = pause(openAsk(begun(), ask("a@1")).state, 10_000, 0).state;
    const request = { v: 1, config: CONFIG, nowMs: 5000, messages: [say(text)] } as const;
    const { state, reply } = accept(paused, request, new Map(), () => 0.5);
    expect(state.inbox.at(-1)?.wantsTurn).toBe(heard);
    expect(reply.ok && reply.value.dropped).toEqual(dropped);
  });
});
