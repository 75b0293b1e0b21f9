/** Every number of the conversation machine, with its unit and where it comes from. */

/** Deduplication window (guarantee G2), and how long a pair of tables takes rows. */
export const DEDUP_WINDOW_MS = 24 * 3_600_000;
/** An object this long idle deletes everything (architecture: "Conversation objects forget"). */
export const FORGET_AFTER_MS = 48 * 3_600_000;
/** How long one worker may hold a conversation between two calls before another may take over. */
export const LEASE_MS = 30_000;
/** A lease outlives the send made under it by this much. */
export const LEASE_MARGIN_MS = 5_000;
/** A turn handed to the turns queue and not taken for this long is handed over again. */
export const HANDED_MS = 20_000;
/** The worker of a slow turn says that it is alive more often than this; else another one takes over. */
export const TURN_ALIVE_MS = 15_000;
/** How often it says so. */
export const TURN_BEAT_MS = 5_000;
/** Items handed to one lease for persisting; below D1's statement size at typical message sizes. */
export const PERSIST_ITEMS_MAX = 100;
/** JSON characters handed to one lease for persisting: one RPC answer stays far below 32 MiB. */
export const PERSIST_CHARS_MAX = 2_000_000;
/** Messages that may share one turn. */
export const TURN_ITEMS_MAX = 50;
/** A debounced turn waits at most this long (architecture: "Turn policies"). */
export const DEBOUNCE_MS_MAX = 30_000;
/** A request to a platform, text: 10 s timeout, 3 s of waiting for the pace, margin. Until then an unanswered send counts as in flight. */
export const SEND_WINDOW_MS = 15_000;
/** The same for uploads. */
export const MEDIA_SEND_WINDOW_MS = 70_000;
/** An uncertain send holds its conversation at most this long (architecture, path step 6). */
export const UNCERTAIN_HOLD_MS = 60_000;
/** Pause between two questions to the platform about an uncertain send. */
export const UNCERTAIN_ASK_MS = 2_000;
/** A message that could not be sent for this long is dead: nobody wants yesterday's answer. */
export const SEND_TTL_MS = 24 * 3_600_000;
/** Retry schedule of turns and sends: 1 s doubling to 5 minutes, full jitter on the upper half. */
export const BACKOFF_BASE_MS = 1_000;
export const BACKOFF_CAP_MS = 300_000;
/** A platform's `Retry-After` is honoured up to here. */
export const RETRY_AFTER_MS_MAX = 3_600_000;
/** Attempts of a turn or a send before it is dead. */
export const ATTEMPTS_MAX = 8;
/** The alarm rings again with doubling waits up to here (architecture, path step 3). */
export const RING_CAP_MS = 300_000;
/** Attempt notes kept on an item. */
export const HISTORY_MAX = 20;
/** Own platform ids kept to recognise echoes. */
export const OWN_IDS_MAX = 50;
