/** Keeps a correctly signed webhook that could not be read: its raw bytes become a dead letter before we say 200, but for a key of the platform. */
import type { ParseFailure } from "../../channels/channel-adapter.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { count } from "../../platform/metrics.ts";
import { writeTelling } from "../../platform/outbox.ts";
import { insertDeadLetter } from "../../platform/repositories/dead-letters.ts";
import type { RawWebhook } from "../../schema/parsed.ts";

/**
 * Evolution puts the key of its instance into every webhook; cut-off texts are matched too. Whoever reads
 * dead letters has no need of it, and reading the webhook again has none either.
 */
const INSTANCE_KEY = /"apikey"\s*:\s*"(?:[^"\\]|\\[\s\S])*"?/g;

/** Rejects only where D1 does: then the platform has to send it again. */
export async function quarantine(
  env: Env,
  { tenant, connection }: Located,
  raw: RawWebhook,
  failure: ParseFailure,
  nowMs: number,
): Promise<void> {
  const db = databaseFor(env, tenant.id);
  const letter = insertDeadLetter(db, {
    tenant: tenant.id,
    id: mintId("dl", nowMs, Math.random),
    stage: "quarantine",
    reason: failure.reason,
    connection: connection.id,
    payload: JSON.stringify({
      suffix: raw.suffix,
      contentType: raw.header("content-type"),
      body: withoutKeys(raw.body.toBase64()),
    }),
    history: [{ atMs: nowMs, attempt: 1, reason: failure.reason, detail: failure.detail }],
    createdAtMs: nowMs,
  });
  await writeTelling(db, tenant.id, letter);
  count("dead_letters_total", { tenant: tenant.id, stage: "quarantine", reason: failure.reason });
}

/** Base64 in and out: the bytes as they came but for that key. */
function withoutKeys(base64: string): string {
  return btoa(atob(base64).replace(INSTANCE_KEY, '"apikey":null'));
}
