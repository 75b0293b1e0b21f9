/** `POST /messages/unified`: a message from outside takes the same way in as one from a platform. */
import { conversationKeyOf } from "../../channels/address.ts";
import { HubError } from "../../domain/errors.ts";
import type { Located } from "../../platform/directory.ts";
import type { UnifiedInput } from "../../schema/api/messages.ts";
import type { ParsedMessage } from "../../schema/parsed.ts";
import { conversationConfig, takeIn } from "../door/take-in.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkOwnFiles } from "./own-files.ts";
import { ownConnection } from "./send-message.ts";

export interface UnifiedOperation {
  readonly tenant: string;
  readonly body: UnifiedInput;
  readonly nowMs: number;
  readonly traceparent: string | undefined;
  /** Of the chain of events that it comes in by; absent: it begins one. */
  readonly depth?: number;
}

export interface UnifiedResult {
  readonly view: {
    readonly id: string;
    readonly conversation: string;
    readonly duplicate: boolean;
  };
  readonly after: () => Promise<void>;
}

/** Throws `tenant_conflict`, `not_found`, `unprocessable`, or `unavailable` where it could not be stored. */
export async function takeUnified(
  deps: ApiDeps,
  { tenant, body, nowMs, traceparent, depth }: UnifiedOperation,
): Promise<UnifiedResult> {
  if (body.tenant !== tenant) throw new HubError("tenant_conflict");
  const located = await locate(deps, tenant, body, nowMs);
  checkOwnFiles(tenant, body.content.media);
  const message = parsedFrom(body, located);
  const taken = await takeIn(
    deps.env,
    located,
    { messages: [message], statuses: [] },
    nowMs,
    traceparent,
    depth,
  );
  if (!taken.ok) {
    const code = taken.failure.reason === "backlog_full" ? "rate_limited" : "unavailable";
    throw new HubError(code, undefined, {
      extensions: { retryAfterSeconds: taken.failure.retryAfterSeconds },
    });
  }
  const { conversation } = await conversationConfig(deps.env, located, message.conversationKey);
  const first = taken.value.accepted[0];
  const view = { id: first?.id ?? "", conversation, duplicate: first?.duplicate ?? false };
  return { view, after: taken.value.after };
}

async function locate(
  deps: ApiDeps,
  tenant: string,
  body: UnifiedInput,
  nowMs: number,
): Promise<Located> {
  if (body.connection !== undefined) return ownConnection(deps, tenant, body.connection, nowMs);
  const only = await deps.directory.byPath(body.source, tenant, nowMs);
  if (!only || only.tenant.id !== tenant) {
    throw new HubError(
      "unprocessable",
      `name a connection: the tenant does not have exactly one for ${body.source}`,
    );
  }
  return only;
}

function parsedFrom(body: UnifiedInput, { connection }: Located): ParsedMessage {
  const sender = body.sender ?? { id: "unknown", aliases: [] };
  const address = conversationKeyOf(connection, body.conversation_key ?? sender.id, body.thread);
  if (address === undefined)
    throw new HubError(
      "unprocessable",
      `conversation_key is not an address on ${connection.channel}`,
    );
  return {
    kind: body.kind,
    origin: "contact",
    eventKey: `unified:${body.id}`.toWellFormed(),
    conversationKey: address,
    platformId: body.platform_id ?? body.id,
    sender,
    group: body.group,
    content: body.content,
    timestampMs: Date.parse(body.timestamp),
    mentions: body.mentions,
    ...(body.target_id ? { targetId: body.target_id } : {}),
    ...(body.reply_to ? { replyTo: body.reply_to } : {}),
    ...(body.thread ? { thread: body.thread } : {}),
  };
}
