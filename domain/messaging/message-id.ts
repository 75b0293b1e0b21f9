/**
 * Message ids: `msg_` + 10 characters of time + 12 of entropy, in Crockford base 32. The time part is the
 * message's sequence number in its conversation (about ms since the epoch, strictly rising), so ids sort by
 * time within a tenant and by acceptance within a conversation. It also names the D1 slot the row lives in.
 */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARS = 10;
const ENTROPY_CHARS = 12;

/** A slot holds the messages of this span; three slots give every row 30 to 60 days. */
export const SLOT_MS = 30 * 24 * 3_600_000;
export const SLOT_COUNT = 3;

/** Message, dead letter, event, delivery attempt, replay, alert rule, audit entry. */
export type IdPrefix = "msg" | "dl" | "evt" | "att" | "rpl" | "alr" | "aud";

/** `random` yields numbers in [0, 1). */
export function mintId(prefix: IdPrefix, seq: number, random: () => number): string {
  let entropy = "";
  for (let i = 0; i < ENTROPY_CHARS; i++) entropy += ALPHABET[Math.floor(random() * 32)];
  return `${prefix}_${encodeTime(seq)}${entropy}`;
}

/** The sequence number (about ms) inside an id, or undefined where it is not one of ours. */
export function seqOfId(id: string): number | undefined {
  const match = /^(?:msg|dl|evt|att|rpl|alr)_([0-9a-hjkmnp-tv-z]{10})[0-9a-hjkmnp-tv-z]{12}$/.exec(
    id,
  );
  if (!match?.[1]) return undefined;
  let seq = 0;
  for (const char of match[1]) seq = seq * 32 + ALPHABET.indexOf(char);
  return seq;
}

/** The smallest possible id of a moment: a range bound for queries by time. */
export function firstIdAt(ms: number, prefix: IdPrefix = "msg"): string {
  return `${prefix}_${encodeTime(ms)}`;
}

/** Which of the slots 0 … 2 holds the rows of a moment. */
export function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS) % SLOT_COUNT;
}

function encodeTime(ms: number): string {
  let rest = ms;
  let text = "";
  for (let i = 0; i < TIME_CHARS; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
