/** Why one event was not taken: said as a problem where it came alone, and as an item where it came with others. */
import { type ErrorCode, HubError } from "../../domain/errors.ts";
import type { PublishedItem } from "../../schema/api/events.ts";

/** Publishers are asked to come back after this, in seconds, where the hub could not reach a part of itself. */
const RETRY_AFTER_SECONDS = 2;

export interface PublishRefusal {
  readonly code: ErrorCode;
  /** For programs: `unknown_type`, `invalid_data`, `backlog_full` … */
  readonly reason: string;
  readonly detail: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly nearest?: string;
  readonly known?: readonly string[];
  readonly retryAfterSeconds?: number;
}

export function refusalError(refusal: PublishRefusal): HubError {
  const { code, detail, ...extensions } = refusal;
  return new HubError(code, detail, { extensions });
}

export function refusedItem(refusal: PublishRefusal): PublishedItem {
  const { retryAfterSeconds, errors, known, ...rest } = refusal;
  return {
    status: "refused",
    ...rest,
    ...(errors ? { errors: [...errors] } : {}),
    ...(known ? { known: [...known] } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }),
  };
}

/** Nothing is known of what became of it; its key makes another try harmless. */
export function unavailable(detail: string): PublishRefusal {
  const retryAfterSeconds = RETRY_AFTER_SECONDS;
  return { code: "unavailable", reason: "unavailable", detail, retryAfterSeconds };
}
