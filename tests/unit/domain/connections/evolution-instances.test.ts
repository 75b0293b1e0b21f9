import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  connectRequest,
  createRequest,
  EVOLUTION_EVENTS,
  type Registration,
  readDone,
  readQrCode,
  readRegistration,
  readState,
  registrationKey,
  restartRequest,
  setWebhookRequest,
  stateRequest,
  wantedRegistration,
} from "../../../../channels/whatsapp/instances.ts";
import type { WhatsappConnection } from "../../../../schema/connection.ts";

const FIXTURES = "../shared/fixtures/evolution";
const fixture = (name: string) => readFileSync(`${FIXTURES}/${name}.json`, "utf8");

const CONNECTION: WhatsappConnection = {
  id: "wa",
  channel: "whatsapp",
  provider: "evolution",
  instance: "acme support/1",
  baseUrl: "https://evolution.test/",
  credentials: { apiKey: "key", webhookSecret: "hook", jwtKey: "jwt" },
};
const WANTED = wantedRegistration(CONNECTION, "https://hub.test/webhooks/evolution/wa");

describe("requests", () => {
  test("carry the key in a header and the instance's name encoded in the path", () => {
    const request = stateRequest(CONNECTION);
    expect(request.url).toBe("https://evolution.test/instance/connectionState/acme%20support%2F1");
    expect(request.headers).toEqual({ apikey: "key" });
  });

  test("creating registers our webhook without media and with both proofs", () => {
    expect(createRequest(CONNECTION, WANTED, { number: "5511" }).body).toEqual({
      as: "json",
      json: {
        instanceName: "acme support/1",
        integration: "WHATSAPP-BAILEYS",
        qrcode: true,
        number: "5511",
        webhook: {
          enabled: true,
          url: "https://hub.test/webhooks/evolution/wa",
          headers: { "x-webhook-secret": "hook", jwt_key: "jwt" },
          byEvents: false,
          base64: false,
          events: EVOLUTION_EVENTS,
        },
      },
    });
  });

  test("version 1 takes the flat form and another method for restart", () => {
    const old: WhatsappConnection = { ...CONNECTION, version: "1" };
    expect(restartRequest(old).method).toBe("PUT");
    expect(restartRequest(CONNECTION).method).toBe("POST");
    const { body } = setWebhookRequest(old, WANTED);
    expect(body).toMatchObject({
      as: "json",
      json: { webhook_by_events: false, webhook_base64: false },
    });
  });

  test("a number for the pairing code is encoded", () => {
    expect(connectRequest(CONNECTION, "+5511").url).toMatch(/\?number=%2B5511$/);
  });
});

describe("answers", () => {
  test.each([
    [
      '{"pairingCode":"AB","code":"2@","base64":"data:"}',
      { pairingCode: "AB", code: "2@", base64: "data:" },
    ],
    ['{"qrcode":{"pairingCode":null,"code":"2@"}}', { code: "2@" }],
    ['{"instance":{"instanceName":"x","state":"open"}}', undefined],
  ])("a QR code is read from %s", (body, expected) => {
    expect(readQrCode(200, body)).toEqual({ ok: true, value: expected });
  });

  test("a failure hidden in a 200 is a failure", () => {
    const hidden = readQrCode(200, '{"error":true,"message":"cannot"}');
    expect(hidden).toEqual({ ok: false, failure: { reason: "failed", detail: "cannot" } });
  });

  test.each([
    [400, "refused"],
    [401, "unauthorized"],
    [403, "name_taken"],
    [404, "not_found"],
    [408, "failed"],
    [429, "failed"],
    [302, "failed"],
    [500, "failed"],
    [503, "failed"],
  ])("status %d is %s", (status, reason) => {
    const answer = readDone(status, '{"response":{"message":["a","b"]}}');
    expect(answer).toEqual({ ok: false, failure: { reason, detail: "a; b" } });
  });

  test.each(["", "<html>", "null", "[]", "3"])(
    "the body %j is a failure, not an exception",
    (body) => {
      expect(readDone(200, body).ok).toBe(false);
      expect(readDone(500, body)).toEqual({
        ok: false,
        failure: { reason: "failed", detail: "status 500" },
      });
    },
  );

  test("a detail is cut short", () => {
    const answer = readDone(400, JSON.stringify({ message: "x".repeat(5000) }));
    expect(!answer.ok && answer.failure.detail.length).toBe(200);
  });
});

describe("a registration", () => {
  test("is the same whatever the names and the order it comes back in", () => {
    const back = JSON.stringify({
      id: "1",
      webhookBase64: false,
      webhookByEvents: false,
      headers: { jwt_key: "jwt", "X-Webhook-Secret": "hook" },
      events: EVOLUTION_EVENTS.toReversed(),
      url: WANTED.url,
      enabled: true,
    });
    const found = readRegistration(200, back);
    expect(found.ok && found.value && registrationKey(found.value)).toBe(registrationKey(WANTED));
  });

  test.each([
    { enabled: false },
    { url: "https://other.test" },
    { base64: true },
    { byEvents: true },
    { events: [] },
    { headers: {} },
    { headers: { "x-webhook-secret": "old", jwt_key: "jwt" } },
  ])("with %j is another one", (change) => {
    expect(registrationKey({ ...WANTED, ...(change as Partial<Registration>) })).not.toBe(
      registrationKey(WANTED),
    );
  });

  test.each(["null", "", '{"webhook":null}'])("%j means there is none", (body) => {
    expect(readRegistration(200, body)).toEqual({ ok: true, value: undefined });
  });
});

const present = existsSync(FIXTURES);
describe.skipIf(!present)(
  `the platform's own answers${present ? "" : ` (skipped: ${FIXTURES} is not there)`}`,
  () => {
    test("are read", () => {
      expect(readState(200, fixture("response_connection_state"))).toMatchObject({ ok: true });
      const created = readQrCode(201, fixture("response_create_201"));
      expect(created.ok && created.value?.base64).toMatch(/^data:image/);
      expect(readDone(401, fixture("response_401"))).toMatchObject({
        failure: { reason: "unauthorized" },
      });
      const missing = readDone(404, fixture("response_404_instance"));
      expect(missing).toMatchObject({
        failure: { reason: "not_found", detail: expect.stringContaining("does not exist") },
      });
      expect(readDone(503, fixture("response_503_license_required"))).toMatchObject({
        failure: { reason: "failed" },
      });
    });
  },
);
