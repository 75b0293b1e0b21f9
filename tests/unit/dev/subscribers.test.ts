import { expect, test } from "vitest";
import { markOf, type SentMessage } from "../../../dev/crash/judge.ts";
import { judgeEvents, type TakenEvent } from "../../../dev/crash/subscribers.ts";

function sent(number: number, acked = true): SentMessage {
  return { tenant: "acme", conversation: "slack-0", number, acked };
}

function taken(number: number, over: Partial<TakenEvent> = {}): TakenEvent {
  return { tenant: "acme", event: `evt_${number}`, mark: markOf(sent(number)), ...over };
}

const CLEAN = { owed: 2, received: 2, missing: 0, doubled: 0, inversions: 0, foreign: 0 };

test.each<[string, readonly SentMessage[], readonly TakenEvent[], Partial<typeof CLEAN>]>([
  ["one event each, in order, is clean", [sent(1), sent(2)], [taken(1), taken(2)], {}],
  ["the same event again is no second one", [sent(1), sent(2)], [taken(1), taken(2), taken(1)], {}],
  [
    "an unacknowledged message is owed none",
    [sent(1, false), sent(2)],
    [taken(2)],
    { owed: 1, received: 1 },
  ],
  [
    "an acknowledged one without an event misses it",
    [sent(1), sent(2)],
    [taken(2)],
    { received: 1, missing: 1 },
  ],
  [
    "another event of the same message is one too many",
    [sent(1), sent(2)],
    [taken(1), taken(2), taken(2, { event: "evt_x" })],
    { doubled: 1 },
  ],
  [
    "one after a later message's is out of order",
    [sent(1), sent(2)],
    [taken(2), taken(1)],
    { inversions: 1 },
  ],
  [
    "one at another tenant's address is misdirected",
    [sent(1), sent(2)],
    [taken(1), taken(2, { tenant: "globex" })],
    { foreign: 1 },
  ],
])("%s", (_, messages, events, over) => {
  expect(judgeEvents(messages, events)).toEqual({ ...CLEAN, ...over });
});
