/**
 * Numbers and rules of Discord's Gateway, version 10, JSON ("Gateway", "Gateway Events", "Opcodes and Status
 * Codes"), and our own limits beside them. Data and one decision: what a close code means.
 */
export const OP = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  resume: 6,
  reconnect: 7,
  invalidSession: 9,
  hello: 10,
  heartbeatAck: 11,
} as const;

/** GUILDS, GUILD_MESSAGES, GUILD_MESSAGE_REACTIONS, DIRECT_MESSAGES, DIRECT_MESSAGE_REACTIONS, MESSAGE_CONTENT. */
export const INTENTS = (1 << 0) | (1 << 9) | (1 << 10) | (1 << 12) | (1 << 13) | (1 << 15);

/** Events handed to the hub; all others only move the sequence. */
export const HANDED_EVENTS: readonly string[] = [
  "MESSAGE_CREATE",
  "MESSAGE_UPDATE",
  "MESSAGE_DELETE",
  "MESSAGE_DELETE_BULK",
  "MESSAGE_REACTION_ADD",
  "MESSAGE_REACTION_REMOVE",
];

/** Closing with 1000 or 1001 would end the session; this keeps it resumable. */
export const CLOSE_RESUMABLE = 4000;
export const CLOSE_NORMAL = 1000;
/** What we report for a socket that never opened or broke without a close frame. */
export const CLOSE_ABNORMAL = 1006;

/** Authentication failed; invalid shard; sharding required; invalid version; invalid, disallowed intents. */
const FATAL_CODES: readonly number[] = [4004, 4010, 4011, 4012, 4013, 4014];
/** Invalid sequence; session timed out. */
const NEW_SESSION_CODES: readonly number[] = [4007, 4009];

/** What to do after the server closed with this code. */
export function closeVerdict(code: number): "resume" | "identify" | "never" {
  if (FATAL_CODES.includes(code)) return "never";
  return NEW_SESSION_CODES.includes(code) ? "identify" : "resume";
}

/** 1000 identifies a day, the next one resets the token: 50 are left to the operator. */
export const IDENTIFIES_PER_DAY_MAX = 950;
export const DAY_MS = 86_400_000;
/** One identify per 5 seconds and bucket (max_concurrency 1). */
export const IDENTIFY_SPACING_MS = 5000;
/** After an invalid session: wait 1 to 5 seconds at random. */
export const INVALID_SESSION_WAIT_MS = { min: 1000, span: 4000 } as const;

export const HELLO_TIMEOUT_MS = 20_000;
export const READY_TIMEOUT_MS = 30_000;
/** Interval taken where HELLO's is missing or absurd. */
export const HEARTBEAT_MS = { min: 1000, max: 120_000, fallback: 41_250 } as const;
/** 120 sends per 60 s are allowed: asked-for heartbeats are answered at most this often. */
export const HEARTBEAT_SPACING_MS = 1000;

export const RECONNECT_MS = { base: 1000, max: 300_000 } as const;
/** A connection that held this long starts its failures again from zero. */
export const STABLE_AFTER_MS = 30_000;
/** After so many failures in a row the session's own address is given up for the public one. */
export const RESUME_URL_FAILURES_MAX = 3;

/** Frames that wait for the hub, per bot; above either limit the socket closes and resumes later. */
export const WAITING_FRAMES_MAX = 1000;
export const WAITING_CHARS_MAX = 1_000_000;
/** A socket closed for too long a queue opens again below this. */
export const WAITING_REOPEN_BELOW = 500;
export const HAND_OVER_FRAMES_MAX = 50;

/** The low-water mark is written after so many sequence numbers or so long, whichever comes first. */
export const SAVE_FRAMES = 50;
export const SAVE_MS = 5000;

export const SEEN_CHANNELS_MAX = 200;
export const OWN_ROLES_MAX = 200;
export const GAP_ATTEMPTS_MAX = 10;
export const GAP_RETRY_MS = 60_000;
