/** Every number of the shard machine, with its unit and where it comes from. */

/** Deduplication window, and how long one of the two event tables takes rows. */
export const DEDUP_WINDOW_MS = 24 * 3_600_000;
/** A lease nobody settles is given back after this; above the 30 s that a webhook may take. */
export const LEASE_MS = 45_000;
/** Bytes of events in one lease: far below what one RPC answer may have (32 MiB). */
export const LEASE_BYTES_MAX = 4_000_000;
/** Rows that one tick moves at most, so that it stays within milliseconds. */
export const TICK_ROWS_MAX = 500;
/** Deliveries in one shard, over all subscriptions; above, publishers are asked to wait. */
export const DEPTH_MAX = 500_000;
/** Events of one append. */
export const APPEND_EVENTS_MAX = 100;
/** The log of published events is tried until it is written: an outage of the database must not lose one. */
export const LOG_ATTEMPTS_MAX = 1_000_000;
/** Events that one consumer of the log takes at once: one statement. */
export const LOG_PREFETCH = 100;
/** Notes kept on a delivery that fails. */
export const NOTES_MAX = 10;
/** Characters of one note. */
export const NOTE_CHARS_MAX = 200;
/** A token that nobody has answered for this long is taken for lost. */
export const RING_AFTER_MS = 5_000;
/** A subscription that never answers is rung with doubling waits up to here. */
export const RING_CAP_MS = 300_000;
/** Publishers are asked to come back after this, in seconds. */
export const BACKLOG_RETRY_AFTER_SECONDS = 5;
