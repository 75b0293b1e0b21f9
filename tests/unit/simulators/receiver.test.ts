import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  standardSignature,
  startReceiver,
  type WebhookReceiver,
} from "../../../simulators/receiver.ts";
import { type Resolver, startResolver } from "../../../simulators/resolver.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

describe("webhook receiver", () => {
  let receiver: WebhookReceiver;
  beforeEach(async () => {
    receiver = await startReceiver({
      accounts: [{ path: "/acme", secret: SECRET, tenant: "acme" }],
    });
  });
  afterEach(() => receiver.stop());

  const send = (at = new Date(), tamper = "", path = "/acme/hook") => {
    const body = JSON.stringify({ text: "olá" });
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": `v1,old ${new Webhook(SECRET).sign("msg_1", at, body)}`,
    };
    return fetch(receiver.url + path, { method: "POST", headers, body: body + tamper });
  };

  test("accepts what standardwebhooks signed and says what is wrong with the rest", async () => {
    await send();
    await send(new Date(), " ");
    await send(new Date(Date.now() - 400_000));
    await fetch(`${receiver.url}/acme/hook`, { method: "POST", body: "{}" });
    await send(new Date(), "", "/other");
    expect(receiver.received().map(({ verified, why }) => why ?? verified)).toEqual([
      true,
      "bad_signature",
      "stale",
      "no_headers",
      "no_secret",
    ]);
    expect(receiver.calls().map(({ tenant }) => tenant)).toEqual([
      "acme",
      "acme",
      "acme",
      "acme",
      null,
    ]);
  });

  test("signs like standardwebhooks", () => {
    const at = new Date(1_700_000_000_000);
    expect(standardSignature(SECRET, "m", "1700000000", "{}")).toBe(
      new Webhook(SECRET).sign("m", at, "{}"),
    );
  });

  test("answers as scripted, then as usual", async () => {
    await fetch(`${receiver.url}/_sim/script`, {
      method: "POST",
      body: JSON.stringify({
        answers: [
          { status: 503, retryAfter: 2 },
          { status: 410, delayMs: 30 },
        ],
        answer: { body: { reply: "hello" } },
      }),
    });
    const first = await send();
    expect([first.status, first.headers.get("retry-after")]).toEqual([503, "2"]);
    const before = Date.now();
    expect((await send()).status).toBe(410);
    expect(Date.now() - before).toBeGreaterThanOrEqual(25);
    expect(await (await send()).json()).toEqual({ reply: "hello" });
  });
});

describe("a receiver that is asked whether it wants deliveries", () => {
  const ask = async (receiver: WebhookReceiver, headers: Record<string, string>, body: unknown) => {
    const response = await fetch(receiver.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return [response.status, await response.json()];
  };

  test("says the challenge back in every format, whatever its script says", async () => {
    const receiver = await startReceiver({ answer: { status: 500 } });
    const data = { challenge: "c" };
    const type = "endpoint.verification";
    expect(await ask(receiver, {}, { event_type: type, data })).toEqual([200, data]);
    expect(await ask(receiver, {}, { type, data })).toEqual([200, data]);
    expect(await ask(receiver, { "ce-type": type }, data)).toEqual([200, data]);
    expect(await ask(receiver, {}, { event_type: "other", data })).toEqual([500, {}]);
    expect(receiver.received().map(({ answered }) => answered)).toEqual([200, 200, 200, 500]);
    await receiver.stop();
  });

  test("keeps it to itself where it is told to, and gives headers as scripted", async () => {
    const receiver = await startReceiver({ answersChallenges: false });
    receiver.script([{ status: 302, headers: { location: "/elsewhere" } }]);
    const response = await fetch(receiver.url, {
      method: "POST",
      redirect: "manual",
      body: JSON.stringify({ event_type: "endpoint.verification", data: { challenge: "c" } }),
    });
    expect([response.status, response.headers.get("location")]).toEqual([302, "/elsewhere"]);
    await receiver.stop();
  });
});

describe("resolver", () => {
  let resolver: Resolver;
  beforeEach(async () => {
    resolver = await startResolver({ names: { "hook.test": ["203.0.113.9"] } });
  });
  afterEach(() => resolver.stop());

  const ask = async (name: string, type = "A") => {
    const response = await fetch(`${resolver.endpoint}?name=${name}&type=${type}`, {
      headers: { accept: "application/dns-json" },
    });
    const { Status, Answer = [] } = (await response.json()) as {
      Status: number;
      Answer?: { data: string }[];
    };
    return [Status, ...Answer.map(({ data }) => data)];
  };

  test("answers from the table by family", async () => {
    expect(await ask("hook.test")).toEqual([0, "203.0.113.9"]);
    expect(await ask("HOOK.test.", "AAAA")).toEqual([0]);
    expect(await ask("public.example", "AAAA")).toEqual([0, "2606:2800:220:1:248:1893:25c8:1946"]);
    expect(await ask("nobody.example")).toEqual([3]);
    expect(await ask("servfail.example")).toEqual([2]);
    resolver.set("hook.test", []);
    expect(await ask("hook.test")).toEqual([0]);
  });

  test("names that carry an address give it, and rebinding names change", async () => {
    expect(await ask("127.0.0.1.nip.io")).toEqual([0, "127.0.0.1"]);
    expect(await ask("app-10-0-0-1.sslip.io")).toEqual([0, "10.0.0.1"]);
    expect(await ask("x.localtest.me")).toEqual([0, "127.0.0.1"]);
    expect(await ask("rebind.example")).toEqual([0, "93.184.216.34"]);
    expect(await ask("rebind.example")).toEqual([0, "127.0.0.1"]);
  });
});
