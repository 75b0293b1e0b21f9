/**
 * Slack's v0 request signature: HMAC-SHA256 over `v0:timestamp:raw body`, JSON and form bodies alike
 * (Slack docs: Verifying requests). The window of five minutes counts both ways, so that a stamp from
 * the future or in milliseconds is refused too. Challenges are signed like everything else.
 */
import { ok, type Result } from "../../domain/result.ts";
import type { Connection, SlackConnection } from "../../schema/connection.ts";
import type { RawWebhook } from "../../schema/parsed.ts";
import type { VerificationFailure } from "../channel-adapter.ts";
import { verifyHmacSha256 } from "../shared/hmac.ts";

/** Largest difference between Slack's stamp and our clock, in seconds, either way (Slack docs: five minutes). */
const SKEW_SECONDS_MAX = 300;
const TIMESTAMP = /^\d{9,11}$/;
const SIGNATURE = /^v0=[0-9a-f]{64}$/;
const PREFIX_CHARS = "v0=".length;

/** Checks one request against the connection's signing secret, or the one before it. Constant time in the secret. */
export async function verifySlack(
  raw: RawWebhook,
  connection: Connection<SlackConnection>,
  nowMs: number,
): Promise<Result<void, VerificationFailure>> {
  const timestamp = raw.header("x-slack-request-timestamp");
  const signature = raw.header("x-slack-signature");
  const secret = connection.credentials.signingSecret;
  const refusal = refusalOf(timestamp, signature, secret, nowMs);
  if (refusal !== undefined) {
    return refuse(refusal);
  }
  const prefix = new TextEncoder().encode(`v0:${timestamp}:`);
  const hex = (signature as string).slice(PREFIX_CHARS);
  for (const one of [secret, connection.credentials.previousSigningSecret ?? ""]) {
    if (await verifyHmacSha256(one, [prefix, raw.body], hex)) return ok(undefined);
  }
  return refuse("mismatch");
}

function refusalOf(
  timestamp: string | null,
  signature: string | null,
  secret: string,
  nowMs: number,
): VerificationFailure["reason"] | undefined {
  if (secret === "") {
    return "unconfigured";
  }
  if (!timestamp || !signature) {
    return "missing";
  }
  if (!TIMESTAMP.test(timestamp) || !SIGNATURE.test(signature)) {
    return "malformed";
  }
  const ageSeconds = Math.floor(nowMs / 1000) - Number(timestamp);
  if (ageSeconds > SKEW_SECONDS_MAX) {
    return "stale";
  }
  return ageSeconds < -SKEW_SECONDS_MAX ? "future" : undefined;
}

function refuse(reason: VerificationFailure["reason"]): {
  readonly ok: false;
  readonly failure: VerificationFailure;
} {
  return { ok: false, failure: { reason } };
}
