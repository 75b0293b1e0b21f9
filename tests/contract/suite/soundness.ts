/** What any reading must be, and which kind of reading it is. */
import { expect } from "vitest";
import { toUnified } from "../../../domain/messaging/unified.ts";
import { UnifiedMessage } from "../../../schema/message.ts";
import type { WebhookReading } from "../../../schema/parsed.ts";
import type { ReadingKind } from "../channel-samples.ts";

const EVENT_KEY_CHARS_MAX = 512;

/** Own echoes may be ignored by name or read as messages of `phone` or `api`. */
export function kindOf(reading: WebhookReading): ReadingKind {
  if (reading.messages.length > 0) {
    return reading.messages.every(({ origin }) => origin !== "contact") ? "own_echo" : "messages";
  }
  if (reading.statuses.length > 0) {
    return "statuses";
  }
  if (reading.connection !== undefined) {
    return "connection";
  }
  const echo = reading.ignored.some(({ type }) => type.includes("echo"));
  return echo ? "own_echo" : reading.ignored.length > 0 ? "ignored" : "ack";
}

/** Bounded keys, a target where one is due, and a valid unified message of each. */
export function expectSound(
  reading: WebhookReading,
  connection: { channel: string },
  nowMs: number,
) {
  expect([200, 204]).toContain(reading.ack.status);
  for (const { type } of reading.ignored) {
    expect(type).toMatch(/^[\x21-\x7e]{1,64}$/);
  }
  for (const message of reading.messages) {
    expect(message.eventKey.length).toBeLessThanOrEqual(EVENT_KEY_CHARS_MAX);
    expect(message.eventKey.isWellFormed() && message.conversationKey.isWellFormed()).toBe(true);
    expect(message.conversationKey).not.toBe("");
    if (message.kind === "edit" || message.kind === "delete" || message.kind === "reaction") {
      expect(message.targetId).toBeTruthy();
    }
    const context = { id: "msg_1", tenant: "acme", connection: "c", conversation: "cnv_1" };
    const source = connection.channel as UnifiedMessage["source"];
    const unified = toUnified(message, { ...context, source, receivedAtMs: nowMs });
    expect(UnifiedMessage.parse(unified)).toEqual(unified);
  }
  const keys = reading.messages.map((message) => `${message.conversationKey} ${message.eventKey}`);
  expect(new Set(keys).size).toBe(keys.length);
}
