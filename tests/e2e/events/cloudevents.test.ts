/** CloudEvents over the running hub, as the `cloudevents` package sends them and reads them back. */
import { CloudEvent, HTTP, type Message } from "cloudevents";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Publisher, startPublisher } from "../../support/publisher.ts";

let publisher: Publisher;

beforeAll(async () => {
  publisher = await startPublisher(["order.paid"], { EVENT_SHARDS: "2" });
});
afterAll(() => publisher?.remove());

describe("CloudEvents", () => {
  const headersOf = ({ headers }: Message) => headers as Record<string, string>;
  const plain = new CloudEvent({
    ...{
      id: "plain",
      source: "/shop?a=b",
      type: "order.paid",
      data: { total: 0.1, text: "olá 😀" },
    },
  });
  const full = new CloudEvent({
    ...{ id: "full id/with ünïcode", source: "urn:x:y", type: "order.paid", subject: "a b%20c" },
    ...{
      time: "2026-03-01T10:00:00.000Z",
      dataschema: "https://a.example/s",
      data: [1, null, "x"],
    },
    ...{ datacontenttype: "application/json", partitionkey: "p", priority: 3, comexample: "more" },
  });
  const text = new CloudEvent({
    ...{
      id: "text",
      source: "/t",
      type: "order.paid",
      datacontenttype: "text/plain",
      data: "a text",
    },
  });
  const bytes = new CloudEvent({
    ...{
      id: "bytes",
      source: "/b",
      type: "order.paid",
      datacontenttype: "application/octet-stream",
    },
    data: Uint8Array.from([0, 255, 1, 254]),
  });

  /** What both sides must agree on: the hub names the version, and binary mode the media type, where nobody else did. */
  function essence(event: CloudEvent<unknown>, original: CloudEvent<unknown>): unknown {
    const { eventversion: _, data_base64: __, datacontenttype, ...rest } = event.toJSON();
    const { data } = event;
    return {
      ...rest,
      ...(original.datacontenttype === undefined ? {} : { datacontenttype }),
      time: new Date(event.time ?? 0).toISOString(),
      data: ArrayBuffer.isView(data) ? Array.from(data as Uint8Array) : data,
    };
  }

  const forms: [string, CloudEvent<unknown>, (event: CloudEvent<unknown>) => Message][] = [
    ["plain, structured", plain, HTTP.structured],
    ["plain, binary", plain, HTTP.binary],
    ["full, structured", full, HTTP.structured],
    ["full, binary", full.cloneWith({ id: "full id/with", subject: "a b" }), HTTP.binary],
    ["a text, structured", text, HTTP.structured],
    ["a text, binary", text, HTTP.binary],
    ["bytes, structured", bytes, HTTP.structured],
    ["bytes, binary", bytes, HTTP.binary],
  ];

  test.each(forms)("%s: what goes in comes out", async (_, original, write) => {
    const event = original.cloneWith({ id: `${original.id} ${crypto.randomUUID()}` });
    const message = write(event);
    const sent = await publisher.send("POST", "/events", message.body, headersOf(message));
    expect([sent.status, sent.body]).toEqual([
      202,
      { id: event.id, seq: sent.body?.seq, duplicate: false },
    ]);
    const again = await publisher.send("POST", "/events", message.body, headersOf(message));
    expect(again.body).toEqual({ ...sent.body, duplicate: true });
    const found = await publisher.logged(event.id, "application/cloudevents+json");
    const headers = { "content-type": found.headers.get("content-type") ?? "" };
    const read = HTTP.toEvent({ headers, body: found.text }) as CloudEvent<unknown>;
    expect(read.validate()).toBe(true);
    expect(essence(read, event)).toEqual(essence(event, event));
  });

  test("headers are percent-encoded UTF-8: raw bytes, which the package sends, are refused, not guessed at", async () => {
    const raw = HTTP.binary(full);
    expect((await publisher.send("POST", "/events", raw.body, headersOf(raw))).status).toBe(400);
    const encoded = { ...headersOf(raw), "ce-id": "%C3%BCnic%C3%B6de%20%25" };
    const sent = await publisher.send("POST", "/events", raw.body, encoded);
    expect([sent.status, sent.body.id]).toEqual([202, "ünicöde %"]);
  });

  test("in a batch, each judged alone, and read back as a batch", async () => {
    const events = ["one", "two"].map((id) => plain.cloneWith({ id, source: "/batch" }).toJSON());
    const bad = { ...events[0], id: "" };
    const type = "application/cloudevents-batch+json";
    const body = JSON.stringify([...events, bad]);
    const sent = await publisher.send("POST", "/events", body, { "content-type": type });
    expect([sent.status, sent.body.accepted, sent.body.items[2].errors]).toEqual([
      ...[207, 2, [{ pointer: "#/id", detail: expect.stringMatching(/^value: is empty/) }]],
    ]);
    await publisher.logged("two");
    const found = await publisher.send("GET", "/events?type=order.paid&order=newest", undefined, {
      accept: type,
    });
    expect(found.headers.get("content-type")).toBe(type);
    const headers = { "content-type": type };
    const read = HTTP.toEvent({ headers, body: found.text }) as CloudEvent<unknown>[];
    expect(read.slice(0, 2).map(({ id }) => id)).toEqual(["two", "one"]);
  });

  test.each([
    ["without an id", { specversion: "1.0", source: "/a", type: "order.paid" }, 400],
    ["of another version", { specversion: "0.3", id: "1", source: "/a", type: "order.paid" }, 400],
    [
      "with both kinds of data",
      {
        specversion: "1.0",
        id: "1",
        source: "/a",
        type: "order.paid",
        data: 1,
        data_base64: "AA==",
      },
      400,
    ],
    [
      "of a type that is no routing key",
      { specversion: "1.0", id: "1", source: "/a", type: "order paid" },
      400,
    ],
    ["of an unknown type", { specversion: "1.0", id: "1", source: "/a", type: "order.pay" }, 422],
  ])("%s are refused", async (_, event, status) => {
    const type = { "content-type": "application/cloudevents+json" };
    const sent = await publisher.send("POST", "/events", JSON.stringify(event), type);
    expect([sent.status, sent.body.status]).toEqual([status, status]);
  });
});
