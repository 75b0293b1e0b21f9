/**
 * Who may post as Evolution: it signs nothing, so the proof is a secret header set when the webhook was
 * registered, or the JWT that it makes of the header `jwt_key` (Evolution API: webhook headers). Where both
 * are configured either is enough. Which instance the body names is checked in `parse`.
 */
import { fail, ok, type Result } from "../../domain/result.ts";
import type { Connection, WhatsappConnection } from "../../schema/connection.ts";
import type { RawWebhook } from "../../schema/parsed.ts";
import type { VerificationFailure } from "../channel-adapter.ts";
import { type Fields, memberOf } from "../shared/fields.ts";
import { equalsConstantTime } from "../shared/hmac.ts";
import { verifyHs256 } from "../shared/jwt.ts";

const SECRET_HEADER = "x-webhook-secret";
const BEARER = /^Bearer +([^ ]+)$/i;
/** Evolution's tokens live 600 s; nothing that lives longer than this is theirs. */
const LIFETIME_SECONDS_MAX = 900;
/** How far Evolution's clock may run ahead of ours. An expired token gets no leeway at all. */
const AHEAD_SECONDS_MAX = 300;

type Verified = Result<void, VerificationFailure>;

/** Checks the proofs this connection is configured for. Constant time in the secrets. */
export async function verifyEvolution(
  raw: RawWebhook,
  connection: Connection<WhatsappConnection>,
  nowMs: number,
): Promise<Verified> {
  const { webhookSecret, previousWebhookSecret = "", jwtKey } = connection.credentials;
  if (!webhookSecret && !jwtKey) {
    return fail({ reason: "unconfigured" });
  }
  const bySecret = webhookSecret
    ? await verifySecret(raw, [webhookSecret, previousWebhookSecret])
    : undefined;
  if (bySecret?.ok || !jwtKey) {
    return bySecret ?? fail({ reason: "missing" });
  }
  const byToken = await verifyToken(raw, jwtKey, nowMs);
  return byToken.ok || bySecret === undefined ? byToken : worse(bySecret, byToken);
}

/** Of two refusals the one that says more: a proof that was there and wrong, rather than one not there. */
function worse(first: Verified, second: Verified): Verified {
  return !second.ok && second.failure.reason === "missing" ? first : second;
}

async function verifySecret(raw: RawWebhook, secrets: readonly string[]): Promise<Verified> {
  const given = raw.header(SECRET_HEADER);
  if (!given) {
    return fail({ reason: "missing" });
  }
  for (const secret of secrets) {
    if (secret !== "" && (await equalsConstantTime(given, secret))) return ok(undefined);
  }
  return fail({ reason: "mismatch" });
}

async function verifyToken(raw: RawWebhook, jwtKey: string, nowMs: number): Promise<Verified> {
  const header = raw.header("authorization");
  if (!header) {
    return fail({ reason: "missing" });
  }
  const token = BEARER.exec(header)?.[1];
  const claims = token === undefined ? undefined : await verifyHs256(jwtKey, token);
  if (claims === undefined) {
    return fail({ reason: "malformed" });
  }
  return claims.ok ? judgeClaims(claims.value, nowMs / 1000) : claims;
}

function judgeClaims(claims: Fields, nowSeconds: number): Verified {
  const issued = memberOf(claims, "iat");
  const expires = memberOf(claims, "exp");
  if (!isTime(issued) || !isTime(expires) || expires - issued > LIFETIME_SECONDS_MAX) {
    return fail({ reason: "malformed" });
  }
  if (!isAbsentOr(claims, "app", "evolution") || !isAbsentOr(claims, "action", "webhook")) {
    return fail({ reason: "malformed" });
  }
  if (nowSeconds >= expires) {
    return fail({ reason: "stale" });
  }
  const ahead = issued - nowSeconds > AHEAD_SECONDS_MAX;
  return ahead || !isBegun(claims, nowSeconds) ? fail({ reason: "future" }) : ok(undefined);
}

/** "Not before" is exact, where there is one: only when a token was issued is another clock's view. */
function isBegun(claims: Fields, nowSeconds: number): boolean {
  const begins = memberOf(claims, "nbf");
  return begins === undefined || (isTime(begins) && begins <= nowSeconds);
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isAbsentOr(claims: Fields, name: string, expected: string): boolean {
  const value = memberOf(claims, name);
  return value === undefined || value === expected;
}
