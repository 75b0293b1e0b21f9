/**
 * Text to frame and back. Reading is total: what is no frame is undefined. Tokens enter only in `encode`, on
 * the way out; they stand in no state and no action.
 */
import { INTENTS, OP } from "./protocol.ts";

/** A frame as the server sends it; `d` is not checked yet. */
export interface IncomingFrame {
  readonly op: number;
  readonly s?: number;
  readonly t?: string;
  readonly d: unknown;
}

/** A frame to send, still without the token. `seq` null: nothing received yet. */
export type OutgoingFrame =
  | { readonly is: "heartbeat"; readonly seq: number | null }
  | { readonly is: "identify" }
  | { readonly is: "resume"; readonly sessionId: string; readonly seq: number };

type Json = { readonly [key: string]: unknown };

/** A JSON object with a numeric `op`, or undefined. */
export function decode(text: string): IncomingFrame | undefined {
  const frame = objectOf(parsed(text));
  const { op, s, t, d } = frame ?? {};
  if (typeof op !== "number") return undefined;
  return {
    op,
    d,
    ...(typeof s === "number" && Number.isSafeInteger(s) && { s }),
    ...(typeof t === "string" && { t }),
  };
}

/** The wire form, well below Discord's 4096 bytes. */
export function encode(frame: OutgoingFrame, token: string): string {
  switch (frame.is) {
    case "heartbeat":
      return JSON.stringify({ op: OP.heartbeat, d: frame.seq });
    case "identify": {
      const properties = { os: "linux", browser: "omni-edge", device: "omni-edge" };
      return JSON.stringify({ op: OP.identify, d: { token, intents: INTENTS, properties } });
    }
    case "resume": {
      const d = { token, session_id: frame.sessionId, seq: frame.seq };
      return JSON.stringify({ op: OP.resume, d });
    }
  }
}

/** The value as an object, or undefined. */
export function objectOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}

/** The value as a string of at most `max` characters, or undefined. */
export function textOf(value: unknown, max = 64): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= max ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
