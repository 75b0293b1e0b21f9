/**
 * Reads a simulator's call log as effects: which calls a platform carried out, for whom, and under which key
 * it would give back the first instead of doing it twice.
 */
import { type Effect, findMark } from "./judge.ts";

/** What this needs of a simulator's call. */
export interface LoggedCall {
  readonly method: string;
  readonly path: string;
  readonly tenant: string | null;
  readonly body: unknown;
  /** A planned fault; absent where the call was answered as usual. */
  readonly fault?: string;
}

/** Faults that strike after the platform has done what it was asked. */
const DONE_FAULTS = new Set(["reset-after", "timeout-after"]);
/** Asking is not doing: look-ups carry our texts too. */
const DOING_METHODS = new Set(["POST", "PUT", "PATCH"]);
const LOOKUP_PATH = /findMessages|conversations\.(history|replies)|auth\.test/;

/** The effects among calls, in their order. */
export function effectsOf(calls: readonly LoggedCall[]): Effect[] {
  return calls.filter(wasDone).flatMap((call) => {
    const text = textOf(call.body);
    if (findMark(text) === undefined) {
      return [];
    }
    const key = idempotencyKeyOf(call);
    return [{ tenant: call.tenant, text, ...(key !== undefined && { idempotencyKey: key }) }];
  });
}

function wasDone(call: LoggedCall): boolean {
  return (
    DOING_METHODS.has(call.method) &&
    !LOOKUP_PATH.test(call.path) &&
    (call.fault === undefined || DONE_FAULTS.has(call.fault))
  );
}

function textOf(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body ?? "");
}

/** Discord's enforced nonce, an edit's own address, Evolution's client message id (2.4 and later). */
function idempotencyKeyOf(call: LoggedCall): string | undefined {
  if (call.method !== "POST") {
    return call.path;
  }
  const fields = (typeof call.body === "object" && call.body !== null ? call.body : {}) as Record<
    string,
    unknown
  >;
  if (fields.enforce_nonce === true && fields.nonce !== undefined) {
    return `${call.path} ${String(fields.nonce)}`;
  }
  return typeof fields.messageId === "string" ? `${call.path} ${fields.messageId}` : undefined;
}
