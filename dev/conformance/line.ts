/**
 * What one payload became, as a line of output. Messages are unified messages in full, with ids derived from
 * their event keys, so that two runs print the same.
 */
import { createHash } from "node:crypto";
import type { ParseFailure } from "../../channels/channel-adapter.ts";
import { toUnified } from "../../domain/messaging/unified.ts";
import type { Result } from "../../domain/result.ts";
import type { Connection } from "../../schema/connection.ts";
import { UnifiedMessage } from "../../schema/message.ts";
import type { ParsedMessage, ParsedStatus, WebhookReading } from "../../schema/parsed.ts";

type Outcome = "messages" | "statuses" | "connection" | "ack" | "ignored" | "failure";

export interface Line {
  /** Relative to the directory, with forward slashes. */
  readonly file: string;
  readonly outcome: Outcome;
  /** Why it was ignored or failed; the state of a connection. */
  readonly reason?: string;
  readonly messages?: readonly UnifiedMessage[];
  readonly statuses?: readonly ParsedStatus[];
}

/** As many characters as the ids the hub mints have after their prefix. */
const ID_CHARS = 22;

/** Throws where a message is no unified message. */
export function lineOf(
  file: string,
  result: Result<WebhookReading, ParseFailure>,
  connection: Connection,
  nowMs: number,
): Line {
  if (!result.ok) {
    return { file, outcome: "failure", reason: result.failure.reason };
  }
  const { messages, statuses, connection: change, ignored } = result.value;
  const reason = change?.state ?? ignored.map(({ type }) => type).join(",");
  return {
    file,
    outcome: outcomeOf(result.value),
    ...(reason === "" ? {} : { reason }),
    ...(messages.length === 0
      ? {}
      : { messages: messages.map((message) => unified(message, connection, nowMs)) }),
    ...(statuses.length === 0 ? {} : { statuses }),
  };
}

/** A file that holds no webhook at all. */
export function notAWebhook(file: string): Line {
  return { file, outcome: "ignored", reason: "not_a_webhook" };
}

/** A file that a parser did not survive. */
export function brokenLine(file: string, reason: "threw" | "no_adapter"): Line {
  return { file, outcome: "failure", reason };
}

function outcomeOf({ messages, statuses, connection, ignored }: WebhookReading): Outcome {
  if (messages.length > 0) {
    return "messages";
  }
  if (statuses.length > 0) {
    return "statuses";
  }
  if (connection !== undefined) {
    return "connection";
  }
  return ignored.length > 0 ? "ignored" : "ack";
}

function unified(message: ParsedMessage, connection: Connection, nowMs: number): UnifiedMessage {
  return UnifiedMessage.parse(
    toUnified(message, {
      id: `msg_${digest(message.conversationKey, message.eventKey)}`,
      tenant: connection.tenant,
      connection: connection.id,
      source: connection.channel,
      conversation: `cnv_${digest(message.conversationKey)}`,
      receivedAtMs: nowMs,
    }),
  );
}

function digest(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, ID_CHARS);
}
