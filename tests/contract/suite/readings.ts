/** What comes in: every sample becomes what it should, soundly, and the same each time. */
import { expect, it } from "vitest";
import type { WebhookSample } from "../channel-samples.ts";
import { rawWebhook } from "../raw-webhook.ts";
import { expectSound, kindOf } from "./soundness.ts";
import type { Suite } from "./suite.ts";

export const readings: Suite = (adapter, samples) => {
  const { connection, nowMs } = samples;
  const parse = (sample: WebhookSample) => {
    const headers = { "content-type": sample.contentType ?? "application/json" };
    return adapter.parse(rawWebhook(sample.body, headers, sample.suffix), { connection, nowMs });
  };

  it.each(samples.webhooks.map((sample) => [sample.name, sample.becomes, sample] as const))(
    "%s becomes %s",
    (_name, becomes, sample) => {
      const result = parse(sample);
      expect(result.ok ? kindOf(result.value) : "failure").toBe(becomes);
      if (result.ok) {
        expectSound(result.value, connection, nowMs);
      } else {
        expect(result.failure.detail.length).toBeLessThan(200);
      }
    },
  );

  it.each(samples.webhooks.map((sample) => [sample.name, sample] as const))(
    "%s reads the same twice",
    (_name, sample) => {
      expect(parse(sample)).toEqual(parse(sample));
    },
  );

  it("never makes a contact's message of an own echo", () => {
    for (const sample of samples.webhooks.filter(({ becomes }) => becomes === "own_echo")) {
      const result = parse(sample);
      const origins = result.ok ? result.value.messages.map(({ origin }) => origin) : ["failure"];
      expect(origins.every((origin) => origin === "phone" || origin === "api")).toBe(true);
    }
  });

  const { foreignBody } = samples;
  if (foreignBody !== undefined)
    it("refuses a body of another connection", () => {
      const result = parse({ name: "foreign", body: foreignBody, becomes: "failure" });
      expect(result).toMatchObject({ ok: false, failure: { reason: "wrong_connection" } });
    });

  it("names the connection of what is for one", () => {
    const [plain] = samples.webhooks;
    const headers = { "content-type": plain.contentType ?? "application/json" };
    expect(adapter.locate(rawWebhook(plain.body, headers))?.addresses.length).toBeGreaterThan(0);
  });
};
