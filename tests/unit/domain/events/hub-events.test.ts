/** What a stored message stands for, and what is told of a change: ids that last, order, names without values. */
import { Validator } from "@cfworker/json-schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HUB_EVENT_TYPES } from "../../../../domain/events/catalogue.ts";
import { changedMembers } from "../../../../domain/events/hub-changes.ts";
import { hubEnvelope } from "../../../../domain/events/hub-event.ts";
import {
  type MessageFacts,
  messageEventId,
  messageEvents,
  messageIdsBehind,
  TOLD_HOPS,
  type ToldHop,
  TYPES_OF_HOP,
} from "../../../../domain/events/hub-message.ts";
import { mintId, seqOfId } from "../../../../domain/messaging/message-id.ts";
import { EventEnvelope } from "../../../../schema/event.ts";
import { Direction, MessageKind, type UnifiedMessage } from "../../../../schema/message.ts";

const AT = 1_795_000_000_000;

function aMessage(over: Partial<UnifiedMessage> = {}): UnifiedMessage {
  return {
    id: "msg_01m7yabcdefghjkmnpqrst",
    source: "whatsapp",
    tenant: "acme",
    content: { text: "hello", media: [], metadata: {} },
    timestamp: "2026-11-21T10:00:00.000Z",
    connection: "acme-wa",
    conversation: "cnv_1",
    direction: "inbound",
    kind: "message",
    eventKey: "k",
    platform_id: "3EB0",
    sender: { id: "5511", aliases: [] },
    group: false,
    mentions: [],
    ...over,
  };
}

const typesOf = (facts: MessageFacts) => messageEvents(facts).map(({ event }) => event.event_type);

describe("a stored message", () => {
  test.each<[string, Partial<UnifiedMessage>, MessageFacts["hops"], readonly string[]]>([
    ["that came in", {}, { received: AT }, ["message.received"]],
    ["that was edited", { kind: "edit" }, { received: AT }, ["message.edited"]],
    ["that was taken back", { kind: "delete" }, { received: AT }, ["message.deleted"]],
    ["that is a reaction", { kind: "reaction" }, { received: AT }, ["message.reaction"]],
    ["that is a command", { kind: "command" }, { received: AT }, ["message.command"]],
    ["that is a click", { kind: "interaction" }, { received: AT }, ["message.interaction"]],
    ["typed on the phone", { direction: "outbound" }, { received: AT }, ["message.sent"]],
    [
      "sent, delivered and read",
      { direction: "outbound" },
      { read: AT - 5, delivered: AT, sent: AT + 1 },
      ["message.sent", "message.delivered", "message.read"],
    ],
    [
      "an edit of ours that failed",
      { direction: "outbound", kind: "edit" },
      { failed: AT },
      ["message.failed"],
    ],
    [
      "in doubt, then sent after all",
      { direction: "outbound" },
      { uncertain: AT, sent: AT + 1 },
      ["message.uncertain", "message.sent"],
    ],
    ["that is on its way", { direction: "outbound" }, {}, []],
  ])("%s", (_, over, hops, wanted) => {
    expect(typesOf({ message: aMessage(over), hops })).toEqual(wanted);
  });

  test("its events are ordered by its conversation, caused by what they follow from, and from its connection", () => {
    const answers = ["msg_01m7y0000000000000001a", "msg_01m7y0000000000000002b"];
    const message = aMessage({ direction: "outbound" });
    const [sent, read] = messageEvents({
      message,
      answers,
      hops: { sent: AT, read: AT + 9 },
      traceparent: "00-1-2-01",
    });
    expect(sent?.event).toMatchObject({
      source: "/tenants/acme/connections/acme-wa",
      timestamp: new Date(AT).toISOString(),
      metadata: {
        partition_key: "cnv_1",
        subject: message.id,
        correlation_id: answers[0],
        causation_id: messageEventId(answers[1] ?? "", "received"),
        traceparent: "00-1-2-01",
      },
    });
    expect(read?.event.metadata.causation_id).toBe(sent?.event.event_id);
    expect(read?.atMs).toBe(AT + 9);
  });

  test("whatever it is, its events are envelopes whose data fits the catalogue", () => {
    const schemas = new Map(
      HUB_EVENT_TYPES.map(({ name, versions }) => [name as string, versions[0].schema]),
    );
    const hops = fc.record(
      Object.fromEntries(TOLD_HOPS.map((hop) => [hop, fc.integer({ min: 1, max: AT })])),
      { requiredKeys: [] },
    );
    const extras = fc.record(
      {
        session: fc.string(),
        turn: fc.string(),
        answers: fc.array(fc.string({ minLength: 1, maxLength: 40 }), { minLength: 1 }),
        attempts: fc.nat(),
        reason: fc.string(),
      },
      { requiredKeys: [] },
    );
    const kinds = fc.constantFrom(...MessageKind.options);
    const directions = fc.constantFrom(...Direction.options);
    fc.assert(
      fc.property(hops, extras, kinds, directions, (some, extra, kind, direction) => {
        const message = aMessage({ kind, direction });
        for (const { event, hop } of messageEvents({ message, hops: some, ...extra })) {
          expect(EventEnvelope.safeParse(event).success).toBe(true);
          expect(TYPES_OF_HOP[hop]).toContain(event.event_type);
          const schema = schemas.get(event.event_type);
          expect(schema).toBeDefined();
          const checked = new Validator(schema as object, "2020-12").validate(event.data);
          expect(checked.errors).toEqual([]);
        }
      }),
    );
  });
});

describe("ids of views", () => {
  const random = fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true }));

  test("are ids of events with the message's time, always the same, different for each hop, and lead back", () => {
    fc.assert(
      fc.property(random, (stream) => {
        const id = mintId("msg", AT, () => stream.next().value ?? 0);
        const ids = TOLD_HOPS.map((hop) => messageEventId(id, hop));
        expect(new Set(ids).size).toBe(TOLD_HOPS.length);
        expect(ids).toEqual(TOLD_HOPS.map((hop) => messageEventId(id, hop)));
        for (const one of ids) {
          expect(seqOfId(one)).toBe(AT);
          expect(messageIdsBehind(one)).toContain(id);
        }
      }),
    );
  });

  test("are pinned: events of today are replayed by the code of tomorrow", () => {
    const pinned: Readonly<Record<ToldHop, string>> = {
      received: "evt_01m7yabcdebcdefghjkmnp",
      uncertain: "evt_01m7yabcdecdefghjkmnpq",
      sent: "evt_01m7yabcdedefghjkmnpqr",
      failed: "evt_01m7yabcdeefghjkmnpqrs",
      delivered: "evt_01m7yabcdefghjkmnpqrst",
      read: "evt_01m7yabcdeghjkmnpqrstv",
    };
    for (const hop of TOLD_HOPS)
      expect(messageEventId("msg_01m7yabcdeabcdefghjkmn", hop)).toBe(pinned[hop]);
  });

  test.each(["", "msg_", "key_1", "evt_short", "evt_01m7yabcdefghjkmnpqrstx"])(
    "%j stands for no message",
    (id) => {
      expect(messageIdsBehind(id)).toEqual([]);
    },
  );
});

describe("what has changed", () => {
  test.each<[string, object, object, readonly string[]]>([
    ["nothing", { a: 1, b: [2] }, { b: [2], a: 1 }, []],
    ["members", { a: 1, b: 2 }, { a: 2, c: 1 }, ["a", "b", "c"]],
    [
      "what is in credentials",
      { credentials: { apiKey: "old", jwtKey: "x" } },
      { credentials: { apiKey: "new", jwtKey: "x" } },
      ["credentials.apiKey"],
    ],
    ["a config that comes", {}, { config: { route: { kind: "echo" } } }, ["config.route"]],
    ["a whole route", { route: { kind: "a", secret: "s" } }, { route: { kind: "b" } }, ["route"]],
  ])("%s", (_, before, after, wanted) => {
    expect(changedMembers(before, after)).toEqual(wanted);
  });

  test("names are told, values never", () => {
    const secret = "s3cr3t-value";
    const told = changedMembers({ credentials: { apiKey: secret } }, { name: secret });
    expect(JSON.stringify(told)).not.toContain(secret);
  });
});

test("an event of the hub is an envelope, from its connection where it has one", () => {
  const event = { type: "connection.deleted", subject: "wa", data: { connection: "wa" } } as const;
  const plain = hubEnvelope("acme", event, "evt_1", AT);
  expect(EventEnvelope.parse(plain)).toEqual(plain);
  expect(plain.source).toBe("/tenants/acme");
  expect(hubEnvelope("acme", { ...event, connection: "wa" }, "evt_1", AT).source).toBe(
    "/tenants/acme/connections/wa",
  );
});
