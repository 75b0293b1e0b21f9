/** A conversation passes on how deep in a chain of events its messages are: to its replies, over a crash. */
import { expect, test } from "vitest";
import { aMessage } from "../../../support/conversation.ts";
import { end, leased, type Machine, start } from "../../../support/turns.ts";

function say(machine: Machine, eventKey: string, depth?: number): void {
  const facts = depth === undefined ? {} : { depth };
  expect(machine.accept([aMessage({ eventKey })], {}, facts).ok).toBe(true);
}

function reply(machine: Machine): void {
  const work = leased(machine);
  const content = { type: "text", text: "yes" } as const;
  const answers = work.turn?.items.map(({ id }) => id) ?? [];
  expect(end(machine, work, { is: "committed", replies: [{ content, answers }] })).toMatchObject({
    is: "ok",
  });
}

test.each<[string, readonly (number | undefined)[], number | undefined]>([
  ["a person's message begins a chain", [undefined], undefined],
  ["the depth of the message", [3], 3],
  ["the depth of the deepest of those it answers", [undefined, 5, 2], 5],
])("a reply has %s", (_, depths, wanted) => {
  const machine = start({ kind: "debounce", quietMs: 100 });
  for (const [at, depth] of depths.entries()) say(machine, `m${at}`, depth);
  machine.wait(1000);
  machine.crash();
  reply(machine);
  machine.crash();
  expect(machine.state.outbox.map(({ depth }) => depth)).toEqual([wanted]);
});

test("what is sent by a run is as deep as the run, and what somebody sends begins a chain", () => {
  const machine = start({ kind: "serial" });
  const draft = { content: { type: "text", text: "hello" } } as const;
  for (const [id, more] of [
    ["msg_1", { depth: 4 }],
    ["msg_2", {}],
  ] as const)
    machine.enqueue({ id, draft, group: false, ...more });
  machine.crash();
  expect(machine.state.outbox.map(({ depth }) => depth)).toEqual([4, undefined]);
});
