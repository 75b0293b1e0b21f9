/**
 * One bot's Gateway connection as plain data: its link, its session, what waits for the hub, and what has to
 * outlive a restart (`SavedBot`). No tokens, no message text beyond the frames that still wait.
 */
import * as z from "zod/mini";
import type { OutgoingFrame } from "./frames.ts";

/** `sentAtMs` and `acked` speak of the latest heartbeat. */
export interface Heart {
  readonly intervalMs: number;
  readonly dueAtMs: number;
  readonly sentAtMs: number;
  readonly acked: boolean;
}

export type Link =
  | { readonly is: "idle" }
  /** Until the server's HELLO. */
  | { readonly is: "connecting"; readonly untilMs: number }
  /** Greeted, waiting for the next moment at which an identify is allowed. */
  | { readonly is: "hello"; readonly heart: Heart; readonly identifyAtMs: number }
  | {
      readonly is: "identifying";
      readonly heart: Heart;
      readonly resuming: boolean;
      readonly untilMs: number;
    }
  | { readonly is: "ready"; readonly heart: Heart; readonly sinceMs: number }
  | { readonly is: "backoff"; readonly untilMs: number }
  /** Never tried again until the connection is dropped and ensured anew. */
  | { readonly is: "fatal"; readonly code: number };

const Flake = z.string().check(z.maxLength(64));
const Gap = z.object({
  channel: Flake,
  guild: z.optional(Flake),
  after: Flake,
  attempts: z.number(),
});
const Seen = z.object({ channel: Flake, guild: z.optional(Flake), last: Flake });

/** What is kept in storage: at most some 20 kB per bot. */
export const SavedBot = z.object({
  session: z.optional(z.object({ id: z.string(), resumeUrl: z.string() })),
  /** Low-water mark: every frame up to here has been accepted by the hub. */
  seq: z.number(),
  botUserId: z.optional(Flake),
  budget: z.object({
    windowStartMs: z.number(),
    used: z.number(),
    lastAtMs: z.number(),
    blockedUntilMs: z.number(),
  }),
  /** Channels with messages, least recent first, with the id of the last accepted one. */
  seen: z.array(Seen),
  /** Stretches of messages that may be missing, still to be fetched over REST. */
  gaps: z.array(Gap),
  /** The role that stands for the bot itself, per guild. */
  ownRoles: z.array(z.object({ guild: Flake, role: Flake })),
  fatal: z.optional(z.number()),
});
export type SavedBot = z.infer<typeof SavedBot>;
export type Gap = z.infer<typeof Gap>;
export type Seen = z.infer<typeof Seen>;

/** Stands for the sequence of a frame whose session is over: it can no longer be replayed, only kept. */
export const PAST_SESSION = 0;

/** A frame on its way to the hub; `mark` is there for new messages. */
export interface Waiting {
  readonly seq: number;
  readonly text: string;
  readonly mark?: Seen;
}

export interface BotState extends Omit<SavedBot, "seq" | "fatal"> {
  readonly link: Link;
  /** Highest sequence received in this session; all below are accepted or waiting. */
  readonly receivedSeq: number;
  readonly waiting: readonly Waiting[];
  /** How many of `waiting`, from its front, are with the hub now. */
  readonly inFlight: number;
  readonly handOver: { readonly failures: number; readonly notBeforeMs: number };
  /** `hold`: live frames wait for it; `again`: another session began while it ran. */
  readonly backfill: {
    readonly running: boolean;
    readonly hold: boolean;
    readonly again: boolean;
    readonly notBeforeMs: number;
  };
  /** Connections in a row that did not hold. */
  readonly failures: number;
  readonly saved: { readonly seq: number; readonly atMs: number };
  /** Gaps given up after their last attempt, since the start. */
  readonly gapsDropped: number;
}

export type GatewayEvent =
  | { readonly is: "open" }
  | { readonly is: "frame"; readonly text: string }
  /** The socket is gone; also a socket that could not be opened (1006). */
  | { readonly is: "close"; readonly code: number }
  | { readonly is: "tick" }
  /** The server's own account of identifies left (`session_start_limit`). */
  | { readonly is: "limits"; readonly remaining: number; readonly resetAfterMs: number }
  | { readonly is: "accepted"; readonly count: number }
  | { readonly is: "refused" }
  /** `left`: gaps that could not be fetched now. */
  | { readonly is: "backfilled"; readonly left: readonly Gap[] };

export type GatewayAction =
  /** Without a URL: the bot's own Gateway address, to be asked for. */
  | { readonly do: "connect"; readonly url?: string }
  | { readonly do: "send"; readonly frame: OutgoingFrame }
  | { readonly do: "close"; readonly code: number }
  | { readonly do: "accept"; readonly frames: readonly string[] }
  | { readonly do: "backfill"; readonly gaps: readonly Gap[] }
  | { readonly do: "persist" }
  | { readonly do: "schedule"; readonly atMs: number };

export interface Stepped {
  readonly state: BotState;
  readonly actions: readonly GatewayAction[];
}

/** The state at a start: from storage, or of a bot never seen before. */
export function restore(saved: SavedBot | undefined): BotState {
  const base = saved ?? NEW_BOT;
  const { seq, fatal, ...kept } = base;
  return {
    ...kept,
    link: fatal === undefined ? { is: "idle" } : { is: "fatal", code: fatal },
    receivedSeq: seq,
    waiting: [],
    inFlight: 0,
    handOver: { failures: 0, notBeforeMs: 0 },
    backfill: { running: false, hold: false, again: false, notBeforeMs: 0 },
    failures: 0,
    saved: { seq, atMs: 0 },
    gapsDropped: 0,
  };
}

const NEW_BOT: SavedBot = {
  seq: 0,
  budget: { windowStartMs: 0, used: 0, lastAtMs: 0, blockedUntilMs: 0 },
  seen: [],
  gaps: [],
  ownRoles: [],
};

/** What to write: resuming from here replays at most what the hub has already deduplicated. */
export function savedOf(state: BotState): SavedBot {
  return {
    seq: lowWater(state),
    budget: state.budget,
    seen: state.seen,
    gaps: state.gaps,
    ownRoles: state.ownRoles,
    ...(state.session && { session: state.session }),
    ...(state.botUserId !== undefined && { botUserId: state.botUserId }),
    ...(state.link.is === "fatal" && { fatal: state.link.code }),
  };
}

/** The highest sequence of this session up to which everything is accepted. */
export function lowWater(state: BotState): number {
  const first = state.waiting.find(({ seq }) => seq !== PAST_SESSION);
  return first ? first.seq - 1 : state.receivedSeq;
}
