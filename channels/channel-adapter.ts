/**
 * The one interface between the hub and a platform. An adapter is data and pure functions: it checks
 * signatures, reads payloads, describes requests and judges answers. It never sends, keeps no state,
 * reads no clock. Adding a channel = one folder, one line each in `receivers.ts` and `registry.ts`, one fixtures folder; the
 * shared suite in `tests/contract/channel-adapter.ts` runs over every adapter in the registry.
 */
import type { Result } from "../domain/result.ts";
import type { Connection, ConnectionInput } from "../schema/connection.ts";
import type {
  OutboundMessage,
  OutboundRequest,
  SendOutcome,
  StepResponse,
} from "../schema/outbound.ts";
import type { RawWebhook, WebhookReading } from "../schema/parsed.ts";

/** Why a signature was refused. For the log and a counter; the wire says 401 and nothing else. */
export type VerificationFailure = {
  readonly reason:
    | "missing"
    | "malformed"
    | "stale"
    | "future"
    | "mismatch"
    | "unconfigured"
    | "wrong_connection";
};

/** Correctly signed, yet unusable: answered 200 and quarantined with its raw bytes. */
export type ParseFailure = {
  readonly reason:
    | "invalid_utf8"
    | "invalid_json"
    | "too_deep"
    | "wrong_shape"
    | "key_too_long"
    | "wrong_connection";
  /** Path and expectation, never content. */
  readonly detail: string;
};

/** What a channel-wide webhook says about its connection: used only to choose which secret to try. */
export interface ConnectionHint {
  /** The value stored in `connections.address`: Evolution instance, `team:app` or team (Slack), application id (Discord). */
  readonly addresses: readonly string[];
}

export interface ChannelLimits {
  readonly textCharsMax: number;
  readonly captionCharsMax: number;
  readonly mediaBytesMax: number;
  /** Largest webhook body read, in bytes; above it 413 before reading. */
  readonly bodyBytesMax: number;
  /** The platform waits this long for our answer, in ms. */
  readonly ackDeadlineMs: number;
  /** Steady pace per connection in messages per second, and how many may go at once. */
  readonly pacing: {
    readonly perConnectionPerSecond: number;
    readonly burst: number;
  };
  /** Media types of webhook bodies this channel sends; anything else is 415. */
  readonly contentTypes: readonly string[];
}

export interface ParseContext<C extends ConnectionInput = ConnectionInput> {
  readonly connection: Connection<C>;
  readonly nowMs: number;
}

/** How to ask a platform without idempotent sends whether it has a message after all. */
export interface Reconciliation<C extends ConnectionInput = ConnectionInput> {
  request(message: OutboundMessage, connection: Connection<C>): OutboundRequest | undefined;
  /**
   * `delivered` are the steps already known, so that the one in doubt can be told apart; without them
   * a half-found message is "unknown". Where `steps` comes back, that many are proven and sending
   * goes on after them; without it the whole message is there.
   */
  read(
    message: OutboundMessage,
    status: number,
    body: string,
    delivered?: readonly StepResponse[],
  ):
    | {
        readonly found: "yes";
        readonly platformId: string;
        readonly steps?: readonly StepResponse[];
      }
    | { readonly found: "no" }
    | { readonly found: "unknown" };
}

/** The half that takes in. It stands on the way to the acknowledgement, so it is loaded without the other half. */
export interface ChannelReceiver<C extends ConnectionInput = ConnectionInput> {
  readonly channel: C["channel"];
  readonly limits: ChannelLimits;
  /** Bounded, total look into an unverified body; undefined where nothing names a connection. */
  locate(raw: RawWebhook): ConnectionHint | undefined;
  /** Raw bytes against the connection's secrets; constant time; the skew window counts both ways. */
  verify(
    raw: RawWebhook,
    connection: Connection<C>,
    nowMs: number,
  ): Promise<Result<void, VerificationFailure>>;
  parse(raw: RawWebhook, context: ParseContext<C>): Result<WebhookReading, ParseFailure>;
}

export interface ChannelAdapter<C extends ConnectionInput = ConnectionInput>
  extends ChannelReceiver<C> {
  /** The next request of this message given the answers so far, or "done". The same inputs give the same request. */
  next(
    message: OutboundMessage,
    connection: Connection<C>,
    responses: readonly StepResponse[],
  ): OutboundRequest | "done" | { readonly refused: string };
  /** Total over every status; `body` is at most 64 KiB of the answer. */
  readResponse(
    request: OutboundRequest,
    status: number,
    headers: Headers,
    body: string,
  ): SendOutcome;
  readonly reconciliation?: Reconciliation<C>;
}
