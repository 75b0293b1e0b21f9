import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BATCH_EVENTS_MAX,
  readCloudEvents,
  writeBatch,
  writeStructured,
} from "../../../../domain/events/cloudevents.ts";
import {
  decodeHeader,
  encodeHeader,
  writeBinary,
} from "../../../../domain/events/cloudevents-binary.ts";
import { toCloudEvent, toEnvelope } from "../../../../domain/events/envelope.ts";
import { EventEnvelope } from "../../../../schema/event.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const MINIMAL = { specversion: "1.0", id: "1", source: "/s", type: "t" };
const encode = (text: string) => new TextEncoder().encode(text);

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((one) => {
  return one.isWellFormed() && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(one);
});
const instant = fc
  .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
  .map((date) => date.toISOString());
const payload = fc.oneof(
  fc.record({
    data: fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
    metadata: fc.record({ content_type: fc.constant("application/json") }),
  }),
  fc.record({
    data: fc.string({ minLength: 1 }).filter((one) => one.isWellFormed()),
    metadata: fc.record({
      content_type: fc.constant("text/plain"),
      data_encoding: fc.constant("text" as const),
    }),
  }),
  fc.record({
    data: fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes).toString("base64")),
    metadata: fc.record({
      content_type: fc.constant("application/octet-stream"),
      data_encoding: fc.constant("base64" as const),
    }),
  }),
  fc.constant({ metadata: {} }),
);
const envelope: fc.Arbitrary<EventEnvelope> = fc
  .record({
    event_id: text,
    event_type: fc.constantFrom("order.created", "a", "user_x.profile-y.updated"),
    event_version: fc.constantFrom("1", "1.0", "2.17"),
    timestamp: instant,
    source: fc.constantFrom("/shop", "https://example.com/a?b=c", "urn:x:y"),
    payload,
    metadata: fc.record(
      {
        correlation_id: text,
        causation_id: text,
        subject: text,
        partition_key: text,
        priority: fc.nat(9),
        expires_at: instant,
        traceparent: fc.constant("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        schema: fc.constant("https://example.com/schemas/order/1.0"),
        replay_id: text,
        extensions: fc.constant({ region: "eu", tier: "gold" }),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ payload: { metadata, ...data }, ...rest }) => ({
    ...rest,
    ...data,
    metadata: { ...rest.metadata, ...metadata },
  }));

describe("the envelope as a CloudEvent", () => {
  test("comes back the same through the structured, batch and binary mode", () => {
    fc.assert(
      fc.property(envelope, (one) => {
        expect(EventEnvelope.safeParse(one).success).toBe(true);
        const event = toCloudEvent(one);
        const structured = writeStructured(event);
        expect(back(structured.contentType, structured.body)).toEqual([one]);
        const batch = writeBatch([event, event]);
        expect(back(batch.contentType, batch.body)).toEqual([one, one]);
        const { headers, body } = writeBinary(event);
        expect(envelopes({ headers, body })).toEqual([one]);
      }),
    );
  });

  test("what is missing is filled in, what is unknown stays an extension", () => {
    const event = { ...MINIMAL, priority: 12, custom: true, data: { a: 1 } };
    expect(back("application/cloudevents+json", JSON.stringify(event))).toEqual([
      {
        event_id: "1",
        event_type: "t",
        event_version: "1.0",
        timestamp: new Date(NOW_MS).toISOString(),
        source: "/s",
        data: { a: 1 },
        metadata: { priority: 9, extensions: { custom: true } },
      },
    ]);
  });

  test("a type that is no routing key cannot be taken, and the answer says where", () => {
    const read = readCloudEvents({
      headers: [["content-type", "application/cloudevents+json"]],
      body: encode(JSON.stringify({ ...MINIMAL, type: "a b" })),
    });
    const event = read.ok ? read.value.events[0] : undefined;
    if (!event) throw new Error("not read");
    expect(toEnvelope(event, NOW_MS)).toEqual({
      ok: false,
      failure: { reason: "not_an_envelope", pointer: "/event_type" },
    });
  });
});

describe("requests that are refused", () => {
  test.each([
    ["application/cloudevents+json", "{", "not_json"],
    ["application/cloudevents+json", "[]", "invalid"],
    ["application/cloudevents-batch+json", "{}", "not_a_list"],
    ["application/cloudevents+xml", "<a/>", "unsupported"],
    ["application/cloudevents-batch+avro", "x", "unsupported"],
    ["text/plain", "x", "none"],
  ])("%s with %s: %s", (type, body, reason) => {
    const read = readCloudEvents({ headers: [["Content-Type", type]], body: encode(body) });
    expect(read).toMatchObject({ ok: false, failure: { reason } });
  });

  test("one bad event refuses its batch, and is named", () => {
    const body = encode(JSON.stringify([MINIMAL, { ...MINIMAL, id: "" }]));
    const headers = [["content-type", "application/cloudevents-batch+json"]] as const;
    expect(readCloudEvents({ headers, body })).toEqual({
      ok: false,
      failure: { reason: "invalid", index: 1, failure: { reason: "value", attribute: "id" } },
    });
    const many = encode(JSON.stringify(new Array(BATCH_EVENTS_MAX + 1).fill(MINIMAL)));
    expect(readCloudEvents({ headers, body: many })).toMatchObject({
      failure: { reason: "too_many" },
    });
  });

  test.each([
    ["a half-encoded header", { "ce-subject": "%E2%82" }, "", "value"],
    ["a second media type", { "ce-datacontenttype": "text/plain" }, "", "name"],
    ["no type", { "ce-type": undefined }, "", "missing"],
    [
      "a payload that is not what it says",
      { "content-type": "application/json" },
      "{",
      "data_json",
    ],
  ])("binary with %s", (_, change, body, reason) => {
    const all: Record<string, string | undefined> = {
      "ce-specversion": "1.0",
      "ce-id": "1",
      "ce-source": "/s",
      "ce-type": "t",
      ...change,
    };
    const headers = Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    expect(readCloudEvents({ headers, body: encode(body) })).toMatchObject({
      failure: { reason: "invalid", failure: { reason } },
    });
  });

  test.each([
    ["2026-02-30T00:00:00Z", false],
    ["2024-02-29T23:59:60Z", true],
    ["2026-02-28T24:00:00Z", false],
    ["2026-02-28 10:00:00Z", false],
    ["2026-02-28t10:00:00.123456789-03:00", true],
  ])("time %s: %s", (time, valid) => {
    const body = encode(JSON.stringify({ ...MINIMAL, time }));
    const headers = [["content-type", "application/cloudevents+json"]] as const;
    expect(readCloudEvents({ headers, body }).ok).toBe(valid);
  });

  test("an attribute named like a prototype's is only a bad name", () => {
    const body = encode('{"specversion":"1.0","id":"1","source":"/s","type":"t","__proto__":"x"}');
    const headers = [["content-type", "application/cloudevents+json"]] as const;
    expect(readCloudEvents({ headers, body })).toMatchObject({
      failure: { failure: { reason: "name", attribute: "__proto__" } },
    });
  });
});

test("header values come back the same, and are printable ASCII", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      const header = encodeHeader(value);
      expect(header).toMatch(/^[!-~]*$/);
      expect(decodeHeader(header)).toBe(value);
    }),
  );
});

function back(contentType: string, body: string): readonly unknown[] {
  return envelopes({ headers: [["content-type", contentType]], body: encode(body) });
}

function envelopes(request: Parameters<typeof readCloudEvents>[0]): readonly unknown[] {
  const read = readCloudEvents(request);
  if (!read.ok) throw new Error(JSON.stringify(read.failure));
  return read.value.events.map((event) => {
    const mapped = toEnvelope(event, NOW_MS);
    if (!mapped.ok) throw new Error(mapped.failure.pointer);
    return mapped.value;
  });
}
