/** The request by which an event goes to a webhook, and how one call of it ends. */
import { generateKeyPairSync } from "node:crypto";
import { type CloudEvent, HTTP } from "cloudevents";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { describe, expect, test } from "vitest";
import { messageEventId, TOLD_HOPS } from "../../../domain/events/hub-message.ts";
import { asTest, causeOf, messagesBehind, resent } from "../../../domain/events/resending.ts";
import { mintId } from "../../../domain/messaging/message-id.ts";
import { ANSWER_BYTES_MAX, deliverWebhook } from "../../../platform/webhook-delivery.ts";
import { requestOf, webhookIdOf } from "../../../platform/webhook-request.ts";
import { newWebhookSecret, verifyWebhook } from "../../../platform/webhook-signature.ts";
import type { EventEnvelope } from "../../../schema/event.ts";
import type { DeliveryFormat } from "../../../schema/subscription.ts";

const NEW = newWebhookSecret();
const OLD = newWebhookSecret();
const EVENT: EventEnvelope = {
  event_id: "evt_1",
  event_type: "order.created",
  event_version: "1.0",
  timestamp: "2026-11-21T10:00:00Z",
  source: "/shop",
  data: { b: 1, a: "ü \u{1F600}" },
  metadata: {
    partition_key: "customer-7",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  },
};

function ed25519(): { readonly secret: string; readonly public: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { d = "", x = "" } = privateKey.export({ format: "jwk" });
  const [seed, open] = [Buffer.from(d, "base64url"), Buffer.from(x, "base64url")];
  return {
    secret: `whsk_${Buffer.concat([seed, open]).toString("base64")}`,
    public: `whpk_${open.toString("base64")}`,
  };
}

async function written(over: Partial<Parameters<typeof requestOf>[0]> = {}) {
  const base = { event: EVENT, format: "envelope" as DeliveryFormat, secrets: [NEW], attempt: 1 };
  const request = await requestOf({ ...base, nowMs: Date.now(), ...over });
  if (!request.ok) throw new Error(request.failure.reason);
  const { headers, body } = request.value;
  return {
    ...request.value,
    plain: Object.fromEntries(headers),
    text: Buffer.from(body).toString(),
  };
}

describe("a request", () => {
  test("is verified by the standardwebhooks and svix libraries with either secret of a rotation", async () => {
    const { plain, text } = await written({ secrets: [NEW, OLD] });
    for (const secret of [NEW, OLD]) {
      expect(new Webhook(secret).verify(text, plain)).toEqual(EVENT);
      expect(() => new SvixWebhook(secret).verify(text, plain)).not.toThrow();
      expect(() => new SvixWebhook(secret).verify(`${text} `, plain)).toThrow();
    }
    expect(() => new Webhook(newWebhookSecret()).verify(text, plain)).toThrow();
    expect(plain["webhook-signature"]?.split(" ")).toHaveLength(2);
  });

  test("carries v1a beside v1, newest first, while one replaces the other", async () => {
    const pair = ed25519();
    const { plain, text, headers, body } = await written({ secrets: [pair.secret, OLD] });
    const versions = plain["webhook-signature"]?.split(" ").map((one) => one.split(",")[0]);
    expect(versions).toEqual(["v1a", "v1"]);
    const header = (name: string) => headers.get(name);
    expect((await verifyWebhook(header, body, [pair.public], Date.now())).ok).toBe(true);
    expect((await verifyWebhook(header, body, [ed25519().public], Date.now())).ok).toBe(false);
    expect(() => new SvixWebhook(OLD).verify(text, plain)).not.toThrow();
  });

  test("has the same bytes and id on every attempt, another time and signature", async () => {
    const formats: readonly DeliveryFormat[] = ["envelope", "cloudevents", "cloudevents_binary"];
    for (const format of formats) {
      const first = await written({ format });
      const second = await written({ format, attempt: 2, nowMs: Date.now() + 60_000 });
      expect(second.text).toBe(first.text);
      expect(second.plain["webhook-id"]).toBe("evt_1");
      expect(second.plain["webhook-attempt"]).toBe("2");
      expect(second.plain["webhook-signature"]).not.toBe(first.plain["webhook-signature"]);
      expect(second.plain["webhook-timestamp"]).not.toBe(first.plain["webhook-timestamp"]);
    }
  });

  test.each<DeliveryFormat>(["cloudevents", "cloudevents_binary"])(
    "%s reads back with the cloudevents library",
    async (format) => {
      const { plain, text } = await written({ format });
      const read = HTTP.toEvent({ headers: plain, body: text }) as CloudEvent<unknown>;
      expect(read).toMatchObject({
        id: "evt_1",
        source: "/shop",
        type: "order.created",
        data: EVENT.data,
      });
      const { partitionkey, traceparent } = read as unknown as Record<string, unknown>;
      expect(partitionkey).toBe("customer-7");
      expect(traceparent).toBe(EVENT.metadata.traceparent);
    },
  );

  test("says who and which attempt it is, follows the trace, and shows no signature", async () => {
    const { plain, shown } = await written({ attempt: 3 });
    expect(plain).toMatchObject({
      "user-agent": "omni-edge",
      "webhook-attempt": "3",
      "content-type": "application/json",
      traceparent: EVENT.metadata.traceparent,
    });
    expect(shown).toEqual(
      Object.fromEntries(Object.entries(plain).filter(([name]) => name !== "webhook-signature")),
    );
    const bad = { ...EVENT, metadata: { traceparent: "00-x\r\nevil: 1" } };
    expect((await written({ event: bad })).plain.traceparent).toBeUndefined();
  });

  test("of an event that no header can carry, or with a secret that cannot sign, is none", async () => {
    const event = { ...EVENT, metadata: { content_type: "text/\nplain" } };
    const base = { format: "cloudevents_binary" as const, attempt: 1, nowMs: 0 };
    expect(await requestOf({ ...base, event, secrets: [] })).toMatchObject({
      failure: { reason: "bad_header" },
    });
    expect(await requestOf({ ...base, event: EVENT, secrets: ["whsec_short"] })).toMatchObject({
      failure: { reason: "bad_secret" },
    });
  });

  test("has an id that a header can carry, without a dot, different for different events", async () => {
    const ids = ["a.b", "a%2Eb", "é", "\u{1F600}", "a b", "x".repeat(512), `${"x".repeat(511)}y`];
    const coded = await Promise.all(ids.map(webhookIdOf));
    expect(new Set(coded).size).toBe(ids.length);
    for (const id of coded) expect(id).toMatch(/^[\w%-]{1,256}$/);
    expect(await webhookIdOf("evt_1")).toBe("evt_1");
  });
});

describe("a call", () => {
  const vars = {
    ENVIRONMENT: "test",
    EGRESS_ALLOW: "",
    PUBLIC_URL: "https://hub.example",
    DOH_URL: "",
  };
  const deliver = (answer: () => Promise<Response>, url = "https://hooks.example/a") => {
    const calls: Request[] = [];
    const fake = async (to: RequestInfo | URL, init?: RequestInit) => {
      calls.push(new Request(to as string, { ...init, signal: null }));
      return answer();
    };
    const call = {
      event: EVENT,
      format: "envelope" as const,
      secrets: [NEW],
      attempt: 1,
      nowMs: Date.now(),
      url,
      timeoutMs: 50,
    };
    const deps = { vars, fetch: fake } as unknown as Parameters<typeof deliverWebhook>[1];
    return deliverWebhook(call, deps).then((delivered) => ({ ...delivered, calls }));
  };

  test("reads the first 16 KiB of an answer, well formed", async () => {
    const { answer } = await deliver(async () => new Response(`\0${"é".repeat(20_000)}`));
    const body = answer.is === "answered" ? answer.body : "";
    expect(body.startsWith("\u{FFFD}é")).toBe(true);
    expect(Buffer.byteLength(body.slice(1)) + 1).toBeLessThanOrEqual(ANSWER_BYTES_MAX);
    expect(body.length).toBeGreaterThan(8000);
    expect(body.isWellFormed()).toBe(true);
  });

  test("ends in time; a status that came before a slow body counts", async () => {
    const never = await deliver(() => new Promise<Response>(() => undefined));
    expect(never.answer).toEqual({ is: "unanswered", error: "timeout", reason: "timeout" });
    const slow = new ReadableStream({ start: (to) => to.enqueue(new Uint8Array([104])) });
    const { answer } = await deliver(async () => new Response(slow, { status: 202 }));
    expect(answer).toMatchObject({ is: "answered", status: 202 });
  });

  test("that breaks off is unanswered; one to a private address is not made", async () => {
    const broken = await deliver(() => Promise.reject(new TypeError("reset")));
    expect(broken.answer).toMatchObject({ is: "unanswered", reason: "network" });
    const inside = await deliver(async () => new Response(), "https://10.0.0.7/");
    expect(inside.answer.is).toBe("refused");
    expect(inside.calls).toEqual([]);
  });
});

describe("what is sent again", () => {
  test("says why", () => {
    expect(causeOf(EVENT)).toBe("schedule");
    expect(causeOf(resent(EVENT, "att_1"))).toBe("resend");
    expect(causeOf(asTest(EVENT))).toBe("test");
    expect(causeOf({ ...EVENT, metadata: { replay_id: "rpl_1" } })).toBe("replay");
    expect(resent(EVENT, "att_1").event_id).toBe(EVENT.event_id);
  });

  test("is found again by the message it is a view of", () => {
    for (let n = 0; n < 50; n++) {
      const id = mintId("msg", Date.now() + n, Math.random);
      for (const hop of TOLD_HOPS) expect(messagesBehind(messageEventId(id, hop))).toContain(id);
    }
    expect(messagesBehind("order-1")).toEqual([]);
  });
});
