/** Keeps a correctly signed webhook that could not be read: its raw bytes become a dead letter before we say 200. */
import type { ParseFailure } from "../../channels/channel-adapter.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { count } from "../../platform/metrics.ts";
import { insertDeadLetter } from "../../platform/repositories/dead-letters.ts";
import type { RawWebhook } from "../../schema/parsed.ts";

/** Rejects only where D1 does: then the platform has to send it again. */
export async function quarantine(
  env: Env,
  { tenant, connection }: Located,
  raw: RawWebhook,
  failure: ParseFailure,
  nowMs: number,
): Promise<void> {
  const db = databaseFor(env, tenant.id);
  await insertDeadLetter(db, {
    tenant: tenant.id,
    id: mintId("dl", nowMs, Math.random),
    stage: "quarantine",
    reason: failure.reason,
    connection: connection.id,
    payload: JSON.stringify({
      suffix: raw.suffix,
      contentType: raw.header("content-type"),
      body: raw.body.toBase64(),
    }),
    history: [{ atMs: nowMs, attempt: 1, reason: failure.reason, detail: failure.detail }],
    createdAtMs: nowMs,
  }).run();
  count("dead_letters_total", { tenant: tenant.id, stage: "quarantine", reason: failure.reason });
}
