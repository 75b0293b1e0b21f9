/**
 * What an adapter reads out of one webhook, before the hub gives it ids. Types only: adapters build
 * these by hand from parsed platform payloads, so nothing here is evaluated on the acknowledgement path.
 */
import type { Mention, MessageContent, MessageKind, Sender } from "./message.ts";

/** Who wrote it: a contact; a person on the connected phone; this platform's own API (ours or another client's). */
export type Origin = "contact" | "phone" | "api";

export interface ParsedMessage {
  readonly kind: MessageKind;
  readonly origin: Origin;
  /** Idempotency key within tenant + connection + conversation; at most 512 characters, well-formed. */
  readonly eventKey: string;
  /** The platform's address of the conversation (JID, `team:channel[:thread]`, channel id), from the payload alone. */
  readonly conversationKey: string;
  readonly platformId: string;
  readonly targetId?: string;
  readonly sender: Sender;
  readonly group: boolean;
  readonly content: MessageContent;
  /** Event time in ms since the epoch, or undefined where the platform gives none that can be trusted. */
  readonly timestampMs?: number;
  readonly replyTo?: string;
  readonly thread?: string;
  readonly mentions: readonly Mention[];
  /** How to answer this very gesture within its time limit (Discord interaction, Slack response_url). A secret. */
  readonly responder?: Responder;
}

/** A short-lived, secret way to answer one gesture. `expiresAtMs` is when the platform forgets it. */
export type Responder =
  | {
      readonly via: "discord_interaction";
      readonly applicationId: string;
      readonly token: string;
      readonly expiresAtMs: number;
      /** `@original` is not ours to edit (a clicked component's message): answer by follow-ups only. */
      readonly followUp?: boolean;
    }
  | { readonly via: "slack_response_url"; readonly url: string; readonly expiresAtMs: number };

/** A delivery status of a message we sent. `platformId` is the platform's id of that message. */
export interface ParsedStatus {
  readonly platformId: string;
  readonly status: "sent" | "delivered" | "read" | "failed";
  readonly timestampMs?: number;
  readonly detail?: string;
}

/** The connection itself changed state at the platform. */
export interface ConnectionChange {
  readonly state: "open" | "connecting" | "closed" | "refused" | "qr" | "revoked" | "rate_limited";
  readonly detail?: string;
  /** QR data, only with `qr`; shown to operators, never logged. */
  readonly qr?: { readonly code?: string; readonly base64?: string; readonly pairingCode?: string };
}

export interface Ignored {
  /** The platform's own name of what was not acted upon, or a reason such as `own_echo`. Never content. */
  readonly type: string;
}

/** The exact answer the platform expects. */
export interface Ack {
  readonly status: 200 | 204;
  readonly contentType?: "application/json" | "text/plain";
  readonly body?: string;
}

export interface WebhookReading {
  readonly ack: Ack;
  readonly messages: readonly ParsedMessage[];
  readonly statuses: readonly ParsedStatus[];
  readonly connection?: ConnectionChange;
  readonly ignored: readonly Ignored[];
}

/** A webhook as it came: the raw bytes, never re-serialised. Header names are looked up case-insensitively. */
export interface RawWebhook {
  readonly method: string;
  /** What follows the connection in the path, without a leading slash ("" or, for Evolution `byEvents`, "messages-upsert"). */
  readonly suffix: string;
  readonly header: (name: string) => string | null;
  readonly body: Uint8Array<ArrayBuffer>;
}
