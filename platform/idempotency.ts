/** Makes a call under an `Idempotency-Key` happen once per tenant, however often and wherever it arrives. */
import { HubError } from "../domain/errors.ts";

const IDEMPOTENCY_KEY_CHARS_MAX = 255;

interface IdempotencyRpc {
  claim(
    bodyHash: string,
    proposedId: string,
    nowMs: number,
  ): Promise<{ readonly is: "first" | "again"; readonly id: string } | { readonly is: "mismatch" }>;
}

/** The id this key stands for: the proposed one for the first caller, the same one for every later caller. */
export async function claimKey(
  env: Pick<Env, "IDEMPOTENCY">,
  request: {
    readonly tenant: string;
    readonly key: string;
    readonly body: unknown;
    readonly proposedId: string;
    readonly nowMs: number;
  },
): Promise<{ readonly id: string; readonly repeated: boolean }> {
  if (request.key.length === 0 || request.key.length > IDEMPOTENCY_KEY_CHARS_MAX) {
    throw new HubError(
      "bad_request",
      `Idempotency-Key must have 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} characters`,
    );
  }
  const name = await sha256(JSON.stringify([request.tenant, request.key]));
  const object = env.IDEMPOTENCY.getByName(
    `${request.tenant}:${name}`,
  ) as unknown as IdempotencyRpc;
  const claim = await object.claim(
    await sha256(canonical(request.body)),
    request.proposedId,
    request.nowMs,
  );
  if (claim.is === "mismatch") throw new HubError("idempotency_key_reused");
  return { id: claim.id, repeated: claim.is === "again" };
}

/** JSON with sorted keys: the same body in another key order is the same body. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
