/** Publishing over the API: what is taken, what is refused and why, and that a key has one effect. */
import { beforeAll, describe, expect, test } from "vitest";
import { ADMIN_KEY, type Answer } from "../api/hub-api.ts";
import { type PublishApi, publishApi } from "./publish-api.ts";

const ORDER = {
  type: "object",
  properties: { id: { type: "string" }, lines: { type: "array", items: { type: "object" } } },
  required: ["id"],
};

let api: PublishApi;
let keys = 0;
beforeAll(async () => {
  api = await publishApi();
  await api.declare("order.paid", ORDER);
  await api.ask("POST", "/event-types/order.paid/versions", { version: "1.1", schema: ORDER });
  await api.declare("anything.goes");
  await api.ask("POST", "/event-types", { name: "no.version" });
});

const told = ({ status, body }: Answer) => [status, body?.code, body?.reason].filter(Boolean);
const post = (body: unknown, headers: Record<string, string> = {}) =>
  api.ask("POST", "/events", body, { headers });
const order = (more: Record<string, unknown> = {}) => {
  keys += 1;
  return { event_type: "order.paid", data: { id: `${keys}` }, ...more };
};

describe("one event", () => {
  test("is durable, with an id and a number", async () => {
    const startMs = Date.now();
    const { status, body } = await post(order());
    expect([status, body]).toEqual([
      202,
      { id: expect.stringMatching(/^evt_[0-9a-z]{22}$/), seq: body.seq, duplicate: false },
    ]);
    expect(body.seq).toBeGreaterThanOrEqual(startMs);
  });

  test("keeps the id it brings", async () => {
    expect((await post(order({ event_id: "mine" }))).body.id).toBe("mine");
  });

  test.each([
    ["the same key", order({ idempotency_key: "k" }), order({ idempotency_key: "k" })],
    [
      "the same id of one source",
      order({ event_id: "i", source: "/a" }),
      order({ event_id: "i", source: "/a" }),
    ],
  ])("is the first one's duplicate by %s", async (_, one, two) => {
    const first = await post(one);
    const second = await post(two, {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    expect(first.body.duplicate).toBe(false);
    expect([second.status, second.body]).toEqual([202, { ...first.body, duplicate: true }]);
  });

  test("is another one where nobody says that it is the same, alone and in a batch", async () => {
    const tick = { event_type: "order.paid", data: { id: "x", lines: [] } };
    const [first, second] = [await post(tick), await post(tick)];
    const batch = await post({ events: [tick, tick] });
    const all = [first.body, second.body, ...batch.body.items];
    expect(all.map(({ duplicate }) => duplicate)).toEqual([false, false, false, false]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
  });

  test("is another one with another source", async () => {
    const first = await post(order({ event_id: "j", source: "/a" }));
    const second = await post(order({ event_id: "j", source: "/b" }));
    expect([first.body.duplicate, second.body.duplicate]).toEqual([false, false]);
  });

  test("takes its key from the header", async () => {
    const first = await post(order(), { "idempotency-key": "header" });
    const second = await post(order({ idempotency_key: "header" }));
    expect(second.body).toEqual({ ...first.body, duplicate: true });
    expect(told(await post(order({ idempotency_key: "b" }), { "idempotency-key": "a" }))).toEqual([
      ...[400, "bad_request", "idempotency_key"],
    ]);
  });

  test("sent by 20 at once with one key is one event", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post(order({ idempotency_key: "all at once" }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(new Array(20).fill(202));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ body }) => !body.duplicate)).toHaveLength(1);
  });

  test("of a type that was declared a moment ago is known", async () => {
    expect(told(await post({ event_type: "late.type" }))).toEqual([
      422,
      "unprocessable",
      "unknown_type",
    ]);
    await api.declare("late.type");
    expect((await post({ event_type: "late.type" })).status).toBe(202);
  });
});

describe("is refused", () => {
  test.each<[string, unknown, unknown[]]>([
    ["without a type", { data: 1 }, [400, "validation_failed", "shape"]],
    ["with a member there is not", order({ more: 1 }), [400, "validation_failed", "shape"]],
    [
      "of a type that is no routing key",
      order({ event_type: "a b" }),
      [400, "validation_failed", "shape"],
    ],
    ["with a priority above 9", order({ priority: 10 }), [400, "validation_failed", "shape"]],
    ["with a delay below 0", order({ delay_ms: -1 }), [400, "validation_failed", "shape"]],
    [
      "with two partitions",
      order({ partition_key: "a", metadata: { partition_key: "b" } }),
      [400, "validation_failed", "told_twice"],
    ],
    [
      "of a type nobody declared",
      order({ event_type: "order.payed" }),
      [422, "unprocessable", "unknown_type"],
    ],
    [
      "of a version there is not",
      order({ event_version: "2.0" }),
      [422, "unprocessable", "unknown_version"],
    ],
    [
      "of a type without a version",
      order({ event_type: "no.version" }),
      [422, "unprocessable", "unknown_version"],
    ],
    [
      "of a type of the hub's",
      order({ event_type: "message.received" }),
      [422, "unprocessable", "reserved_type"],
    ],
    [
      "of a type like the hub's",
      order({ event_type: "tenant.mine" }),
      [422, "unprocessable", "reserved_type"],
    ],
    ["with data against its schema", order({ data: {} }), [422, "unprocessable", "invalid_data"]],
    [
      "without data where there must be some",
      { event_type: "order.paid" },
      [422, "unprocessable", "invalid_data"],
    ],
    [
      "that is large",
      { event_type: "anything.goes", data: "x".repeat(530_000) },
      [413, "payload_too_large", "too_large"],
    ],
    ["as a list", [order()], [400, "validation_failed", "shape"]],
    ["as null", "null", [400, "validation_failed", "shape"]],
    ["as no JSON", "{", [400, "invalid_json"]],
    ["as nothing", "", [400, "invalid_json"]],
    ["with a byte order mark", '\ufeff{"event_type":"anything.goes"}', [400, "invalid_json"]],
    ["in bad UTF-8", new Uint8Array([0x22, 0xff, 0x22]), [400, "invalid_json"]],
    [
      "deep",
      `{"event_type":"anything.goes","data":${"[".repeat(70)}${"]".repeat(70)}}`,
      [400, "bad_request"],
    ],
    ["of more than 1 MiB", `"${"x".repeat(1_048_576)}"`, [413, "payload_too_large"]],
  ])("%s", async (_, body, wanted) => {
    expect(told(await post(body, { "content-type": "application/json" }))).toEqual(wanted);
  });

  test("telling the nearest name, the versions there are, and where the data does not fit", async () => {
    const mistyped = await post(order({ event_type: "order.payed" }));
    expect(mistyped.body).toMatchObject({
      nearest: "order.paid",
      detail: "order.payed: did you mean order.paid?",
    });
    const version = await post(order({ event_version: "2.0" }));
    expect(version.body.known).toEqual(["1.0", "1.1"]);
    const data = await post(order({ data: { id: "1", lines: [{}, 2] } }));
    expect(data.body.errors).toEqual([
      { pointer: "#/data/lines/1", detail: expect.stringContaining("Expected") },
    ]);
  });

  test.each([
    ["text/plain", [415, "unsupported_media_type"]],
    ["application/cloudevents+avro", [415, "unsupported_media_type"]],
  ])("as %s", async (type, wanted) => {
    expect(told(await post("{}", { "content-type": type }))).toEqual(wanted);
  });

  test("of another tenant's type", async () => {
    const other = await publishApi();
    expect(told(await other.ask("POST", "/events", order()))).toEqual([
      422,
      "unprocessable",
      "unknown_type",
    ]);
  });

  test("for a tenant that is not there", async () => {
    const headers = { "x-tenant": "nobody-there" };
    const answer = await api.ask("POST", "/events", order(), { key: ADMIN_KEY, headers });
    expect(told(answer)).toEqual([404, "not_found"]);
    expect((await api.ask("POST", "/events", order(), { key: ADMIN_KEY })).status).toBe(202);
  });
});

describe("a batch", () => {
  test("of events that fit is durable, in their order", async () => {
    const events = [
      order({ event_id: "b1" }),
      order({ event_id: "b2" }),
      order({ event_id: "b1" }),
    ];
    const { status, body } = await post({ events });
    expect([status, body.accepted, body.refused]).toEqual([202, 3, 0]);
    expect(body.items.map((item: Record<string, unknown>) => [item.id, item.duplicate])).toEqual([
      ...[
        ["b1", false],
        ["b2", false],
        ["b1", true],
      ],
    ]);
  });

  test("judges each event alone", async () => {
    const events = [
      order(),
      { event_type: 5 },
      order({ event_type: "order.payed" }),
      order({ data: {} }),
      order(),
    ];
    const { status, body } = await post({ events });
    expect([status, body.accepted, body.refused]).toEqual([207, 2, 3]);
    expect(body.items.map((item: Record<string, unknown>) => item.reason ?? item.status)).toEqual([
      ...["accepted", "shape", "unknown_type", "invalid_data", "accepted"],
    ]);
    expect(body.items[1].errors).toEqual([{ pointer: "#/event_type", detail: expect.any(String) }]);
  });

  test.each<[string, unknown, unknown[]]>([
    ["empty", { events: [] }, [400, "validation_failed"]],
    ["no list", { events: {} }, [400, "validation_failed"]],
    ["with more beside it", { events: [order()], event_type: "a" }, [400, "validation_failed"]],
    ["of 101", { events: Array.from({ length: 101 }, () => order()) }, [413, "payload_too_large"]],
  ])("%s is refused", async (_, body, wanted) => {
    expect(told(await post(body))).toEqual(wanted);
  });

  test("of 100 is taken, and has no key of its own", async () => {
    const events = Array.from({ length: 100 }, () => order());
    expect((await post({ events })).body.accepted).toBe(100);
    expect(told(await post({ events }, { "idempotency-key": "k" }))).toEqual([400, "bad_request"]);
  });
});
