/**
 * What a channel hands to the contract suite: one connection, how its platform proves a webhook, bodies it
 * sends, messages to send to it, and how it answers. Each channel's stand in `samples/<channel>.ts`, one
 * per kind of proof where a platform has several.
 */
import type { Connection, ConnectionInput } from "../../schema/connection.ts";
import type { OutboundMessage, OutboundRequest } from "../../schema/outbound.ts";

/** Header names in lower case. */
export type HeaderValues = Readonly<Record<string, string>>;

/** What a webhook body must become. `own_echo`: anything but a message of a contact. */
export type ReadingKind =
  | "messages"
  | "own_echo"
  | "statuses"
  | "connection"
  | "ack"
  | "ignored"
  | "failure";

export interface WebhookSample {
  readonly name: string;
  /** The body as sent, to the byte. */
  readonly body: string;
  /** Default "application/json". */
  readonly contentType?: string;
  /** What follows the connection in the path. Default "". */
  readonly suffix?: string;
  readonly becomes: ReadingKind;
}

export interface ChannelSamples<C extends ConnectionInput> {
  /** Shown in the titles of the cases: "whatsapp (jwt)". */
  readonly title: string;
  readonly connection: Connection<C>;
  /** The moment of the test, ms since the epoch. */
  readonly nowMs: number;
  /** The headers by which the platform proves this body at that moment; `secret` says whose. */
  prove(
    body: Uint8Array<ArrayBuffer>,
    atMs: number,
    secret: "own" | "foreign",
  ): HeaderValues | Promise<HeaderValues>;
  /** Headers that carry the proof: a webhook without any one of them, or with it twice, is refused. */
  readonly proofHeaders: readonly string[];
  /** True where the proof covers the body's bytes (a signature, not a shared secret). */
  readonly proofCoversBody: boolean;
  /** How old and how far ahead a proof may be; absent where it says nothing about time. */
  readonly proofWindow?: { readonly pastMs: number; readonly futureMs: number };
  /** Bodies for this connection; the first one is the plain message used to test proofs. */
  readonly webhooks: readonly [WebhookSample, ...WebhookSample[]];
  /** A body that names another connection; absent where bodies name none. */
  readonly foreignBody?: string;
  readonly outbound: readonly OutboundMessage[];
  /** Messages that can never be sent here. */
  readonly refused?: readonly OutboundMessage[];
  /** What the platform answers when the described request worked. */
  success(request: OutboundRequest): {
    readonly status: number;
    readonly body: string;
    readonly headers?: HeaderValues;
  };
}
