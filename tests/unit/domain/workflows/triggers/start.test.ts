/** What a trigger makes of what happened. */
import { describe, expect, test } from "vitest";
import {
  eventHappening,
  type Happening,
  happeningOf,
  messageHappening,
  slotHappening,
  startOf,
  TRIGGER_KEY_CHARS_MAX,
  webhookHappening,
} from "../../../../../domain/workflows/triggers/start.ts";
import type { EventEnvelope } from "../../../../../schema/event.ts";
import { UnifiedMessage } from "../../../../../schema/message.ts";
import { WorkflowTrigger } from "../../../../../schema/workflow-trigger.ts";

const NOW_MS = Date.parse("2026-11-21T12:00:00Z");
const MESSAGE = UnifiedMessage.parse({
  id: "msg_1",
  source: "slack",
  tenant: "acme",
  connection: "line",
  conversation: "cnv_1",
  eventKey: "k",
  platform_id: "1.2",
  direction: "inbound",
  kind: "message",
  content: { text: "Book a table", media: [], metadata: {} },
  sender: { id: "U1", aliases: [] },
  group: false,
  mentions: [],
  timestamp: "2026-11-21T12:00:00Z",
});

function event(over: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    event_id: "e1",
    event_type: "order.paid",
    event_version: "1.0",
    timestamp: "2026-11-21T12:00:00Z",
    source: "/shop",
    metadata: { correlation_id: "o1" },
    data: { total: 5 },
    ...over,
  };
}

const told = (message: unknown) => event({ event_type: "message.received", data: { message } });
const trigger = (part: Record<string, unknown>) =>
  WorkflowTrigger.parse({ type: "event", event: "order.*", ...part });
const happening: Happening = eventHappening(event());

describe("an event trigger", () => {
  test("takes events of its type, one key for each, and another one for each replay", () => {
    expect(happeningOf(trigger({}), event())?.key).toBe('["event","/shop","e1"]');
    expect(happeningOf(trigger({}), event({ event_type: "order.paid.late" }))).toBeUndefined();
    const again = happeningOf(trigger({}), event({ metadata: { replay_id: "rpl_1" } }));
    expect(again?.key).toBe('["event","/shop","e1","rpl_1"]');
  });

  test("gives the event's data and correlation id where it says nothing else", () => {
    expect(startOf(trigger({}), happening, NOW_MS)).toEqual({
      ok: true,
      value: { key: happening.key, input: { total: 5 }, correlationId: "o1" },
    });
    expect(eventHappening(event({ data: undefined })).data).toBeNull();
  });

  test("gives what it says", () => {
    const said = trigger({
      condition: "event.data.total > 3 && event.type == 'order.paid'",
      input: { id: "{{ event.id }}", at: "{{ now }}" },
      idempotencyKey: "event.data.total",
      correlationId: "'c-' + event.source",
    });
    expect(startOf(said, happening, NOW_MS)).toEqual({
      ok: true,
      value: {
        key: "5",
        input: { id: "e1", at: "2026-11-21T12:00:00.000Z" },
        correlationId: "c-/shop",
      },
    });
  });

  test("starts nothing where its condition is false", () => {
    expect(startOf(trigger({ condition: "event.data.total > 5" }), happening, NOW_MS)).toEqual({
      ok: true,
      value: undefined,
    });
  });

  test.each([
    [
      "a condition that cannot be evaluated",
      { condition: "event.none.more" },
      "expression",
      "condition",
    ],
    ["a condition that is no bool", { condition: "5" }, "expression", "condition"],
    ["an input that cannot be", { input: "{{ event.none.more }}" }, "expression", "input"],
    ["a key that is no text", { idempotencyKey: "[1]" }, "not_a_key", "idempotencyKey"],
    ["an empty key", { idempotencyKey: "''" }, "not_a_key", "idempotencyKey"],
    ["a correlation that is null", { correlationId: "null" }, "not_a_key", "correlationId"],
  ])("is refused for %s", (_, part, reason, at) => {
    expect(startOf(trigger(part), happening, NOW_MS)).toMatchObject({
      ok: false,
      failure: { reason, at },
    });
  });

  test("keys have a length", () => {
    const data = { key: "x".repeat(TRIGGER_KEY_CHARS_MAX) };
    const long = { key: `${data.key}x` };
    const of = (key: { key: string }) =>
      startOf(
        trigger({ idempotencyKey: "event.data.key" }),
        eventHappening(event({ data: key })),
        NOW_MS,
      ).ok;
    expect([of(data), of(long)]).toEqual([true, false]);
  });
});

describe("a message trigger", () => {
  const message = (part: Record<string, unknown>) =>
    WorkflowTrigger.parse({ type: "message", ...part });

  test.each([
    ["any message", {}, true],
    ["of its channel", { channel: "slack" }, true],
    ["not of another one", { channel: "discord" }, false],
    ["of its connection", { connection: "line" }, true],
    ["not of another one", { connection: "other" }, false],
    ["that matches, whatever its case", { match: "^book a (\\w+)" }, true],
    ["not one that does not", { match: "^cancel" }, false],
  ])("takes %s", (_, part, is) => {
    expect(happeningOf(message(part), told(MESSAGE)) !== undefined).toBe(is);
  });

  test("takes nothing but messages", () => {
    expect(happeningOf(message({}), event())).toBeUndefined();
    expect(happeningOf(message({}), told({ id: "no message" }))).toBeUndefined();
    expect(
      happeningOf(message({}), event({ event_type: "message.received", data: null })),
    ).toBeUndefined();
  });

  test("gives the message, correlated by its conversation", () => {
    const made = happeningOf(message({}), told(MESSAGE));
    expect(made).toMatchObject({
      event: { id: "msg_1" },
      data: { content: { text: "Book a table" } },
      correlationId: "cnv_1",
    });
    expect(messageHappening(MESSAGE).key).toBe('["message","msg_1"]');
  });
});

test("slots and webhooks of one name are told apart by their place", () => {
  expect(slotHappening("s1-1", 0)).toEqual({
    event: { id: "s1-1", data: { slot: "1970-01-01T00:00:00.000Z" } },
    key: "s1-1",
    data: { slot: "1970-01-01T00:00:00.000Z" },
  });
  expect(webhookHappening("in", "e1", { a: 1 }).key).not.toBe(
    webhookHappening("out", "e1", { a: 1 }).key,
  );
  const triggers = [WorkflowTrigger.parse({ type: "webhook", path: "in" })];
  expect(triggers.flatMap((one) => happeningOf(one, event()) ?? [])).toEqual([]);
});
