/** What one event became, and how several become the reading of a webhook. Evolution wants any 2xx as answer. */
import { ok, type Result } from "../../domain/result.ts";
import type {
  ConnectionChange,
  ParsedMessage,
  ParsedStatus,
  WebhookReading,
} from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";

type Item =
  | { readonly is: "message"; readonly message: ParsedMessage }
  | { readonly is: "status"; readonly status: ParsedStatus }
  | { readonly is: "ignored"; readonly type: string };

export type ItemResult = Result<Item, ParseFailure>;

/** Longest name of an ignored thing: it becomes a metric label. */
const IGNORED_TYPE = /^[A-Za-z0-9_.-]{1,64}$/;

export function message(value: ParsedMessage): ItemResult {
  return ok({ is: "message", message: value });
}

/** Understood and not acted upon; the platform's own name, or a reason. Never content. */
export function ignored(type: string): ItemResult {
  return ok({ is: "ignored", type: IGNORED_TYPE.test(type) ? type : "unnamed" });
}

/** All or nothing: one unusable item makes the webhook unusable, so that it is kept as a whole. */
export function readingOf(results: readonly ItemResult[]): Result<WebhookReading, ParseFailure> {
  const items: Item[] = [];
  for (const result of results) {
    if (!result.ok) {
      return result;
    }
    items.push(result.value);
  }
  return ok({
    ack: { status: 200 },
    messages: items.flatMap((item) => (item.is === "message" ? [item.message] : [])),
    statuses: items.flatMap((item) => (item.is === "status" ? [item.status] : [])),
    ignored: items.flatMap((item) => (item.is === "ignored" ? [{ type: item.type }] : [])),
  });
}

/** The instance changed its state. */
export function connectionChanged(connection: ConnectionChange): WebhookReading {
  return { ack: { status: 200 }, messages: [], statuses: [], connection, ignored: [] };
}
