/**
 * The value every decision returns when it can fail in an expected way. Unexpected failures are
 * thrown as `HubError`; the two never mix. Plain data, so it survives Durable Object RPC.
 */
export type Result<T, F> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: F };

/** Wraps a success. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** Wraps an expected failure: a union member tagged by `reason`, with its evidence. */
export function fail<F>(failure: F): { readonly ok: false; readonly failure: F } {
  return { ok: false, failure };
}
