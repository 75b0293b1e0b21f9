/** Puts a dead event back before its subscription, as it was or as a new version that its type's schema allows. */

import { HubError } from "../../domain/errors.ts";
import { DATA_DEPTH_MAX } from "../../domain/events/publishing.ts";
import { type EventLetter, editedEvent, revived } from "../../domain/events/replay/letter.ts";
import { isDeeper } from "../../domain/events/schema-references.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import { databaseFor } from "../../platform/database.ts";
import { schemaValidator } from "../../platform/json-schema.ts";
import { handOver, replayEvent as shardEventOf } from "../../platform/replays.ts";
import type { DeadLetterRow } from "../../platform/repositories/dead-letters.ts";
import { findEventSchema } from "../../platform/repositories/event-types.ts";
import { findSubscription } from "../../platform/repositories/subscriptions.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import type { ApiDeps } from "../http/deps.ts";
import { EVENT_BYTES_MAX } from "./publish.ts";

export type EventReplayFailure =
  | { readonly reason: "subscription_gone" }
  | { readonly reason: "backlog_full"; readonly retryAfterSeconds: number };

/**
 * Into the shard of its partition, behind what waits there. Its key is the letter, which is replayed once: an attempt
 * of which nobody knows how it went may be repeated within 24 h without a second delivery. A new version has its own.
 */
export async function replayEvent(
  { env, vars }: Pick<ApiDeps, "env" | "vars">,
  row: DeadLetterRow,
  edited: EventEnvelope | undefined,
): Promise<Result<void, EventReplayFailure | { readonly reason: "storage_unavailable" }>> {
  const { tenant_id: tenant, id, subscription_id } = row;
  const subscription = subscription_id ?? "";
  const found = await findSubscription(databaseFor(env, tenant), tenant, subscription);
  if (!found) return fail({ reason: "subscription_gone" });
  const { event } = JSON.parse(row.payload) as EventLetter;
  const key = edited ? `d:${id}:${edited.event_id}` : `d:${id}`;
  const again = shardEventOf(key, revived(edited ?? event, id), subscription);
  const over = await handOver({ env, shards: vars.EVENT_SHARDS }, tenant, [again]);
  if (over.is === "done") return ok(undefined);
  if (over.is === "unavailable") return fail({ reason: "storage_unavailable" });
  if (over.reason === "unknown_subscription") return fail({ reason: "subscription_gone" });
  return fail({ reason: "backlog_full", retryAfterSeconds: over.retryAfterSeconds ?? 1 });
}

/** The new version of a dead event. Throws what the caller has done wrong; nothing has happened then. */
export async function newVersion(
  { env }: Pick<ApiDeps, "env">,
  row: DeadLetterRow,
  data: unknown,
  nowMs: number,
): Promise<EventEnvelope> {
  if (row.stage !== "event") throw new HubError("unprocessable", "only events can be edited");
  if (isDeeper(data, DATA_DEPTH_MAX)) throw refusal("bad_request", "is nested too deep", "");
  const { event } = JSON.parse(row.payload) as EventLetter;
  const edited = editedEvent(event, mintId("evt", nowMs, Math.random), data);
  if (new TextEncoder().encode(JSON.stringify(edited)).length > EVENT_BYTES_MAX)
    throw new HubError("payload_too_large", `an event may have ${EVENT_BYTES_MAX} bytes`);
  const { event_type, event_version } = edited;
  const db = databaseFor(env, row.tenant_id);
  const version = await findEventSchema(db, row.tenant_id, event_type, event_version);
  const [error] = version ? schemaValidator()(version.schema, data) : [];
  if (error) throw refusal("unprocessable", error.message, error.pointer);
  return edited;
}

function refusal(code: "bad_request" | "unprocessable", detail: string, pointer: string): HubError {
  const errors = [{ pointer: `#/data${pointer}`, detail }];
  return new HubError(code, "the new version cannot be taken", { extensions: { errors } });
}
