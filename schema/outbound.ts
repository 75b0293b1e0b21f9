/** What the hub sends: the channel-neutral content, the HTTP requests an adapter describes, and how a send ended. */
import * as z from "zod";
import { MediaKind } from "./message.ts";
import type { Responder } from "./parsed.ts";

/** A file to send: a public URL the platform fetches itself, or an object of ours (`stored` key). */
export const OutboundMedia = z.strictObject({
  kind: MediaKind,
  source: z.discriminatedUnion("from", [
    z.strictObject({ from: z.literal("url"), url: z.string().check(z.maxLength(2048)) }),
    z.strictObject({ from: z.literal("stored"), key: z.string() }),
  ]),
  mime_type: z.optional(z.string()),
  file_name: z.optional(z.string()),
  size_bytes: z.optional(z.int()),
});
export type OutboundMedia = z.infer<typeof OutboundMedia>;

const Markdown = z.string().check(z.maxLength(100_000));

/** Markdown in, each platform's own format out. `target` is the platform id of the message acted upon. */
export const OutboundContent = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: Markdown }),
  z.strictObject({
    type: z.literal("media"),
    media: z.array(OutboundMedia).check(z.minLength(1), z.maxLength(10)),
    text: z.optional(Markdown),
  }),
  z.strictObject({
    type: z.literal("reaction"),
    target: z.string(),
    emoji: z.string().check(z.maxLength(64)),
    remove: z.optional(z.boolean()),
  }),
  z.strictObject({ type: z.literal("edit"), target: z.string(), text: Markdown }),
  z.strictObject({ type: z.literal("delete"), target: z.string() }),
  z.strictObject({
    type: z.literal("typing"),
    durationMs: z.optional(z.int().check(z.lte(60_000))),
  }),
  z.strictObject({
    type: z.literal("card"),
    text: Markdown,
    buttons: z
      .array(
        z.strictObject({
          id: z.string().check(z.maxLength(100)),
          label: z.string().check(z.maxLength(75)),
          url: z.optional(z.string()),
        }),
      )
      .check(z.maxLength(25)),
  }),
]);
export type OutboundContent = z.infer<typeof OutboundContent>;

/** One thing to send, as an adapter sees it. */
export interface OutboundMessage {
  /** Our message id: stable over every attempt. Platform idempotency tokens are derived from it. */
  readonly id: string;
  readonly conversationKey: string;
  readonly content: OutboundContent;
  readonly replyTo?: string;
  readonly thread?: string;
  readonly group?: boolean;
  /** Present where a gesture is being answered and its way back is still open (checked by the sender). */
  readonly responder?: Responder;
  /** ms since the epoch of the commit; with `id` it is all a reconciliation needs. */
  readonly createdAtMs: number;
}

export interface MultipartPart {
  readonly name: string;
  readonly value?: string;
  readonly media?: OutboundMedia;
  readonly contentType?: string;
  readonly fileName?: string;
}

export type RequestBody =
  | { readonly as: "none" }
  | { readonly as: "json"; readonly json: unknown }
  | { readonly as: "form"; readonly fields: Readonly<Record<string, string>> }
  | { readonly as: "multipart"; readonly parts: readonly MultipartPart[] }
  | { readonly as: "media"; readonly media: OutboundMedia; readonly contentType: string };

/** A request described, not made. `step` names it within its message ("part:0", "upload:1", "open_dm"). */
export interface OutboundRequest {
  readonly step: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: RequestBody;
  readonly timeoutMs: number;
  /** True where repeating it can have no second effect (GETs, keyed creates, edits). */
  readonly idempotent: boolean;
}

/** A finished step, as `next` gets it back: what the platform answered, already judged by `readResponse`. */
export interface StepResponse {
  readonly step: string;
  readonly outcome: "delivered";
  readonly platformId?: string;
  /** What later steps need (an upload URL, a DM channel id). Small, JSON. */
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * How one request ended. `retry` may be repeated after `afterMs`; `uncertain` may have taken effect;
 * `breaker: false` means the failure says nothing about the downstream's health (a 404, a licence).
 */
export type SendOutcome =
  | {
      readonly outcome: "delivered";
      readonly platformId?: string;
      readonly data?: Readonly<Record<string, string>>;
    }
  | {
      readonly outcome: "retry";
      readonly reason: string;
      readonly afterMs?: number;
      readonly breaker: boolean;
    }
  | { readonly outcome: "uncertain"; readonly reason: string }
  | {
      readonly outcome: "failed";
      readonly reason: string;
      readonly detail?: string;
      readonly breaker: boolean;
    };
