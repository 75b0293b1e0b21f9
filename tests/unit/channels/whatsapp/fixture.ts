/** WhatsApp's hand-written fixtures, parsed as one connection sees them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { whatsappAdapter } from "../../../../channels/whatsapp/adapter.ts";
import type { ParsedMessage, WebhookReading } from "../../../../schema/parsed.ts";
import { rawWebhook } from "../../../contract/raw-webhook.ts";
import { whatsappSecretSamples } from "../../../contract/samples/whatsapp.ts";

export const { connection, nowMs } = whatsappSecretSamples;
export const RITA = "5521922223333@s.whatsapp.net";
export const RITA_LID = "990000000000001@lid";
export const OWNER = "5511911110000@s.whatsapp.net";

/** The body of a fixture, to be changed by a test. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into made-up payloads of any shape
export function payload(name: string): any {
  const file = join(import.meta.dirname, "../../../fixtures/whatsapp", `${name}.json`);
  return JSON.parse(readFileSync(file, "utf8"));
}

export function parse(body: unknown, suffix = "") {
  return whatsappAdapter.parse(rawWebhook(JSON.stringify(body), {}, suffix), { connection, nowMs });
}

/** The reading of a fixture; throws where it is a failure. */
export function read(name: string): WebhookReading {
  return readBody(payload(name));
}

export function readBody(body: unknown): WebhookReading {
  const result = parse(body);
  if (!result.ok) {
    throw new Error(`${result.failure.reason}: ${result.failure.detail}`);
  }
  return result.value;
}

/** The only message of a fixture. */
export function only(name: string): ParsedMessage {
  return onlyOf(payload(name));
}

export function onlyOf(body: unknown): ParsedMessage {
  const { messages } = readBody(body);
  const [message] = messages;
  if (message === undefined || messages.length > 1) {
    throw new Error(`${messages.length} messages`);
  }
  return message;
}
